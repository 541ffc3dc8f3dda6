// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headrace::directory {

// True when the key can be the path of an ordinary file below its bucket's folder: parts of 1 to
// 255 bytes between single slashes, none of them "." or "..", no NUL. Other keys are kept aside
// (docs/formats/directory-store.md).
bool IsPlainPath(std::string_view key);

// S3's own rule: 1 to 1,024 bytes of UTF-8.
inline constexpr size_t kKeyBytesMax = 1024;
bool IsValidKey(std::string_view key);

// A bucket name that is also a safe folder name: 3 to 63 of a-z 0-9 . - (and _ and A-Z, which old
// buckets and existing folders have), beginning and ending with a letter or a digit, without "..".
bool IsValidBucketName(std::string_view name);

// "a/b" for "a/b/c", "" for "c".
std::string_view ParentOf(std::string_view path);
// "c" for both.
std::string_view LastPartOf(std::string_view path);

}  // namespace headrace::directory
