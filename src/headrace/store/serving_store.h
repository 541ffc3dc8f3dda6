// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "headrace/base/unique_fd.h"
#include "headrace/store/object_store.h"

namespace headrace {

// All that is known about an object that is served. Immutable once made, so that it can be cached
// and shared between threads.
struct ServedObject {
  ObjectHead head;
  // Sizes of the parts it was uploaded in; empty: in one piece.
  std::vector<uint64_t> part_sizes_bytes;
  // Base64, in the algorithm of the object's own checksum; empty: not known.
  std::vector<std::string> part_checksums;
  // The upload that made it, so that its completion can be asked for again; empty: none.
  std::string upload_id;
  std::map<std::string, std::string> tags;
};

// An object held open: its bytes stay readable, whatever happens to its key.
struct OpenedObject {
  UniqueFd file;
  std::shared_ptr<const ServedObject> object;
};

struct UploadInfo {
  MultipartUpload upload;
  SystemTime started{};
  std::optional<ChecksumAlgorithm> checksum_algorithm;
  bool checksum_is_composite = false;
  std::string storage_class;
};
struct ListUploadsRequest {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string key_after;        // Uploads of keys after this one, or
  std::string upload_id_after;  // of the same key with a later id.
  uint32_t count_max = 1000;    // Uploads and prefixes together.
};
struct ListUploadsPage {
  std::vector<UploadInfo> uploads;           // By key, then id.
  std::vector<std::string> common_prefixes;  // In byte order; each ends with the delimiter.
  bool is_truncated = false;
};
struct ListPartsRequest {
  MultipartUpload upload;
  uint32_t number_after = 0;
  uint32_t count_max = 1000;
};
struct ListPartsPage {
  UploadInfo upload;
  std::vector<PartInfo> parts;
  bool is_truncated = false;
};

// S3 Express's RenameObject: within one bucket, in one step.
struct RenameRequest {
  std::string bucket;
  std::string source_key;
  std::string source_if_match;  // Empty: whatever version is there.
  std::string key;
  Conditions conditions;  // On the object at `key`.
};
// S3 Express's append: bytes behind an object's last.
struct AppendRequest {
  std::string bucket;
  std::string key;
  // Must be the object's size, 0 where there is none; kInvalidArgument (InvalidWriteOffset) if not.
  uint64_t offset_bytes = 0;
  Conditions conditions;
};

// A store that lives on this machine and can do what a server of the S3 protocol needs beyond
// ObjectStore. Contract, threads and errors as there.
class ServingStore : public ObjectStore {
 public:
  // Opens an object for reading; the conditions hold for what was opened.
  virtual Task<Result<OpenedObject>> Open(const HeadRequest& request,
                                          const CallContext& context) = 0;
  virtual Task<Result<ListUploadsPage>> ListUploads(const ListUploadsRequest& request,
                                                    const CallContext& context) = 0;
  virtual Task<Result<ListPartsPage>> ListParts(const ListPartsRequest& request,
                                                const CallContext& context) = 0;
  virtual Task<Status> Rename(const RenameRequest& request, const CallContext& context) = 0;
  // Atomic as a put; the object's attributes stay.
  virtual Task<Result<PutResult>> Append(const AppendRequest& request, ByteSource& body,
                                         const CallContext& context) = 0;
  // Replaces all tags of the object.
  virtual Task<Status> PutTags(const HeadRequest& request,
                               const std::map<std::string, std::string>& tags,
                               const CallContext& context) = 0;
};

}  // namespace headrace
