// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/byte_range.h"
#include "headrace/net/http_message.h"
#include "headrace/store/object_store.h"

// Object metadata as HTTP headers carry it. Pure.
namespace headrace::s3 {

// Adds a header for everything that is set.
void AddAttributes(const ObjectAttributes& attributes, net::HttpHeaders& headers);
// x-amz-tagging, when there are tags.
void AddTags(const std::map<std::string, std::string>& tags, net::HttpHeaders& headers);
void AddConditions(const Conditions& conditions, net::HttpHeaders& headers);
// x-amz-checksum-crc64nvme and its siblings.
void AddChecksum(const Checksum& checksum, net::HttpHeaders& headers);
// "bytes=0-9" of a range that is not empty.
std::string RangeHeader(ByteRange range);

// "bytes 0-9/100"; "bytes */100" has no range.
struct ContentRange {
  std::optional<ByteRange> range;
  std::optional<uint64_t> size_bytes;  // Of the whole object.
};
std::optional<ContentRange> ParseContentRange(std::string_view text);

// The first checksum that is there; the strongest CRC is looked for first.
std::optional<Checksum> ChecksumIn(const net::HttpHeaders& headers);
// The whole object's size: Content-Range's total, or else Content-Length. Nothing: the answer does
// not tell, as behind a proxy that compresses or sends in chunks.
std::optional<uint64_t> ObjectSizeIn(const net::HttpHeaders& headers);
// What the headers of a GET or HEAD tell about the object. A size they do not tell is 0.
ObjectHead ReadObjectHead(std::string_view key, const net::HttpHeaders& headers);

}  // namespace headrace::s3
