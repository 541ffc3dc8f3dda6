// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/object_record.h"

#include <array>

#include <nlohmann/json.hpp>

#include "headrace/base/file_time.h"

namespace headrace::directory {
namespace {

using nlohmann::json;

struct TextField {
  const char* name;
  std::string ObjectAttributes::* member;
};
constexpr std::array kTextFields = {
    TextField{"content_type", &ObjectAttributes::content_type},
    TextField{"content_encoding", &ObjectAttributes::content_encoding},
    TextField{"content_disposition", &ObjectAttributes::content_disposition},
    TextField{"content_language", &ObjectAttributes::content_language},
    TextField{"cache_control", &ObjectAttributes::cache_control},
    TextField{"expires", &ObjectAttributes::expires},
    TextField{"storage_class", &ObjectAttributes::storage_class},
};

json AttributesJson(const ObjectAttributes& attributes) {
  json values = json::object();
  for (const TextField& field : kTextFields) {
    const std::string& text = attributes.*field.member;
    if (!text.empty()) values[field.name] = text;
  }
  if (!attributes.user_metadata.empty()) values["user_metadata"] = attributes.user_metadata;
  return values;
}

void ReadAttributes(const json& values, ObjectAttributes& attributes) {
  for (const TextField& field : kTextFields) {
    attributes.*field.member = values.value(field.name, std::string());
  }
  if (const auto found = values.find("user_metadata"); found != values.end()) {
    attributes.user_metadata = found->get<std::map<std::string, std::string>>();
  }
}

// Header values may hold any bytes: what is not UTF-8 must not throw here.
std::string Dump(const json& values) {
  return values.empty() ? std::string()
                        : values.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

FileStamp StampOf(const struct stat& status) {
  return {.inode = status.st_ino,
          .size_bytes = static_cast<uint64_t>(status.st_size),
          .modified_ns = ModifiedOf(status).time_since_epoch().count()};
}

SystemTime TimeOf(const FileStamp& stamp) {
  return SystemTime(std::chrono::nanoseconds(stamp.modified_ns));
}

ObjectInfo InfoOfUnknown(const std::string& key, const FileStamp& stamp, std::string etag) {
  return {.key = key,
          .size_bytes = stamp.size_bytes,
          .etag = std::move(etag),
          .modified = TimeOf(stamp),
          .storage_class = {}};
}

std::shared_ptr<ObjectRecord> RecordOfUnknown(const std::string& key, const FileStamp& stamp,
                                              std::string etag) {
  auto record = std::make_shared<ObjectRecord>();
  record->stamp = stamp;
  record->object.head.info = InfoOfUnknown(key, stamp, std::move(etag));
  return record;
}

std::string EncodeChecksum(const std::optional<Checksum>& checksum) {
  if (!checksum) return {};
  std::string text(checksum->is_composite ? "*" : "");
  text += ChecksumName(checksum->algorithm);
  return text + ":" + checksum->value;
}

std::optional<Checksum> DecodeChecksum(std::string_view text) {
  Checksum checksum;
  if (text.starts_with('*')) {
    checksum.is_composite = true;
    text.remove_prefix(1);
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto algorithm = ParseChecksumAlgorithm(text.substr(0, colon));
  if (!algorithm) return std::nullopt;
  checksum.algorithm = *algorithm;
  checksum.value = text.substr(colon + 1);
  return checksum;
}

std::string EncodeExtras(const ServedObject& object) {
  json values = AttributesJson(object.head.attributes);
  if (object.head.checksum) values["checksum"] = EncodeChecksum(object.head.checksum);
  if (!object.part_sizes_bytes.empty()) values["parts"] = object.part_sizes_bytes;
  if (!object.part_checksums.empty()) values["part_checksums"] = object.part_checksums;
  if (!object.upload_id.empty()) values["upload"] = object.upload_id;
  if (!object.tags.empty()) values["tags"] = object.tags;
  return Dump(values);
}

Status DecodeExtras(std::string_view text, ServedObject& object) {
  if (text.empty()) return Ok();
  try {
    const json values = json::parse(text);
    ReadAttributes(values, object.head.attributes);
    object.head.checksum = DecodeChecksum(values.value("checksum", std::string()));
    object.part_sizes_bytes = values.value("parts", std::vector<uint64_t>());
    object.part_checksums = values.value("part_checksums", std::vector<std::string>());
    object.upload_id = values.value("upload", std::string());
    object.tags = values.value("tags", std::map<std::string, std::string>());
  } catch (const json::exception& failure) {
    return Fail(ErrorCode::kCorrupt,
                std::string("metadata database: broken record: ") + failure.what());
  }
  return Ok();
}

}  // namespace headrace::directory
