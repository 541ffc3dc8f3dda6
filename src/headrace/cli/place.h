// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// One side of a copy as the command line names it.
struct Place {
  enum class Kind { kLocal, kStore, kStream };
  Kind kind = Kind::kLocal;
  std::string path;  // kLocal.
  S3Uri uri;         // kStore.
};

// "-" is a stream, "s3://…" a place in the store, anything else a path; "./-" is a file called "-".
// kInvalidArgument for an S3 URI without a bucket and for empty text. Pure.
Result<Place> ParsePlace(std::string_view text);

// The part behind the last '/' of a path or key; empty when that is its end. Pure.
std::string_view LastPart(std::string_view path);

// Where one file or object called `name` lands: a target that is empty or ends in '/' gathers
// names, every other target is the new name itself. Pure.
std::string SingleTargetKey(std::string_view key, std::string_view name);

// The prefix that holds what is below a folder of a bucket: "a" and "a/" give "a/", "" gives "".
// Pure.
std::string FolderPrefix(std::string_view key);

// How two prefixes lie in the store, each empty or ending in '/', of one bucket or of two.
enum class Overlap { kNone, kSame, kTargetInSource, kSourceInTarget };
// Pure.
Overlap OverlapOf(const S3Uri& source, const S3Uri& target);

// `name` below `folder`, with one '/' between them; "." and "" give `name` alone. Pure.
std::string PathBelow(std::string_view folder, std::string_view name);

}  // namespace headrace::cli
