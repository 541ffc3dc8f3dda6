// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/store/serving_store.h"

namespace headrace::directory {

// What tells one state of a file from another without reading it.
struct FileStamp {
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;  // Since the epoch.

  bool operator==(const FileStamp&) const = default;
};
FileStamp StampOf(const struct stat& status);
SystemTime TimeOf(const FileStamp& stamp);

// What the index keeps about an object: the row of one key and one state of its file.
struct ObjectRecord {
  FileStamp stamp;
  // The name below odd/ for a key that cannot be a path; empty: the file is at its key's path.
  std::string odd_file;
  ServedObject object;
};
using SharedRecord = std::shared_ptr<const ObjectRecord>;
// Of a file of which nothing is known but what it holds.
ObjectInfo InfoOfUnknown(const std::string& key, const FileStamp& stamp, std::string etag);
std::shared_ptr<ObjectRecord> RecordOfUnknown(const std::string& key, const FileStamp& stamp,
                                              std::string etag);

// Attributes, checksum, parts and tags as the index's JSON text; empty when there are none.
std::string EncodeExtras(const ServedObject& object);
// Fills them in. kCorrupt: not such a text.
Status DecodeExtras(std::string_view text, ServedObject& object);

// "CRC32:AAAAAA==" with "*" in front for a composite one; empty: none.
std::string EncodeChecksum(const std::optional<Checksum>& checksum);
std::optional<Checksum> DecodeChecksum(std::string_view text);

}  // namespace headrace::directory
