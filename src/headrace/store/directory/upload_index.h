// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/store/directory/object_index.h"

namespace headrace::directory {

struct StoredUpload {
  UploadInfo info;
  ObjectAttributes attributes;
  std::map<std::string, std::string> tags;
};
// Where a listing of uploads goes on: behind `upload_id_after` of `key_from`.
struct UploadPosition {
  std::string key_from;
  std::string upload_id_after;  // Empty: with the first upload of that key.
};
struct StoredPart {
  PartInfo info;
  std::string file;  // Its name below parts/<upload id>/.
};

// Remembers multipart uploads and their parts until they are completed or aborted.
// Threads: all methods may be called at once from any thread.
class UploadIndex {
 public:
  // Opens or makes the tables through `own`, a connection to the database of `writer`, whose lock
  // keeps the two from meeting. `writer` outlives the index.
  static Result<std::unique_ptr<UploadIndex>> Open(SharedDatabase& writer, Database own);

  Status Add(const StoredUpload& upload);
  Result<std::optional<StoredUpload>> Find(const MultipartUpload& upload);
  // Adds or replaces a part and says which file it replaced; empty: none.
  Result<std::string> PutPart(const std::string& upload_id, const StoredPart& part);
  // By ascending number.
  Result<std::vector<StoredPart>> Parts(const std::string& upload_id, uint32_t number_after,
                                        uint32_t count_max);
  // Of keys with the prefix, by key, then id.
  Result<std::vector<UploadInfo>> List(const std::string& bucket, const std::string& prefix,
                                       const UploadPosition& position, uint32_t count_max);
  Result<std::vector<MultipartUpload>> ListAll();
  // Forgets the upload and its parts, in one step.
  Status Drop(const std::string& upload_id);

 private:
  UploadIndex(SharedDatabase& writer, Database own) : writer_(writer), own_(std::move(own)) {}
  Status PrepareStatements();

  SharedDatabase& writer_;
  Database own_ HR_GUARDED_BY(writer_.mutex);
  Statement add_ HR_GUARDED_BY(writer_.mutex);
  Statement find_ HR_GUARDED_BY(writer_.mutex);
  Statement list_all_ HR_GUARDED_BY(writer_.mutex);
  Statement list_ HR_GUARDED_BY(writer_.mutex);
  Statement find_part_ HR_GUARDED_BY(writer_.mutex);
  Statement put_part_ HR_GUARDED_BY(writer_.mutex);
  Statement parts_ HR_GUARDED_BY(writer_.mutex);
  Statement drop_ HR_GUARDED_BY(writer_.mutex);
  Statement drop_parts_ HR_GUARDED_BY(writer_.mutex);
};

}  // namespace headrace::directory
