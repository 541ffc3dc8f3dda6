// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/place.h"

namespace headrace::cli {

Result<Place> ParsePlace(std::string_view text) {
  if (text.empty()) return Fail(ErrorCode::kInvalidArgument, "a path is empty");
  if (text == "-") return Place{.kind = Place::Kind::kStream, .path = {}, .uri = {}};
  // Hadoop's names for S3, whose URIs may carry keys: no paths.
  const bool is_hadoop = text.starts_with("s3a://") || text.starts_with("s3n://");
  if (!IsS3Uri(text) && !is_hadoop) {
    return Place{.kind = Place::Kind::kLocal, .path = std::string(text), .uri = {}};
  }
  HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
  return Place{.kind = Place::Kind::kStore, .path = {}, .uri = std::move(uri)};
}

std::string_view LastPart(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string SingleTargetKey(std::string_view key, std::string_view name) {
  std::string target(key);
  if (target.empty() || target.ends_with('/')) target += name;
  return target;
}

std::string FolderPrefix(std::string_view key) {
  std::string prefix(key);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

Overlap OverlapOf(const S3Uri& source, const S3Uri& target) {
  if (source.bucket != target.bucket) return Overlap::kNone;
  if (source.key == target.key) return Overlap::kSame;
  if (target.key.starts_with(source.key)) return Overlap::kTargetInSource;
  if (source.key.starts_with(target.key)) return Overlap::kSourceInTarget;
  return Overlap::kNone;
}

std::string PathBelow(std::string_view folder, std::string_view name) {
  std::string path(folder);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty() || path == ".") return std::string(name);
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

}  // namespace headrace::cli
