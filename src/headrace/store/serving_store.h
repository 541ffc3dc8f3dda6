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
  std::string storage_class;
};
struct ListUploadsRequest {
  std::string bucket;
  std::string prefix;
  std::string key_after;        // Uploads of keys after this one, or
  std::string upload_id_after;  // of the same key with a later id.
  uint32_t count_max = 1000;
};
struct ListUploadsPage {
  std::vector<UploadInfo> uploads;  // By key, then id.
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
  // Replaces all tags of the object.
  virtual Task<Status> PutTags(const HeadRequest& request,
                               const std::map<std::string, std::string>& tags,
                               const CallContext& context) = 0;
};

}  // namespace headrace
