// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/disk_room.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace::job {

std::optional<uint64_t> FreeBytes(const std::string& folder) {
  struct statvfs disk{};
  std::filesystem::path place(folder);
  while (statvfs(place.c_str(), &disk) != 0) {
    if (errno != ENOENT || !place.has_relative_path()) return std::nullopt;
    place = place.parent_path();
  }
  return static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
}

Status CheckRoom(std::string_view what, uint64_t needed_bytes, const std::string& folder,
                 std::string_view advice) {
  const std::optional<uint64_t> free_bytes = FreeBytes(folder);
  if (!free_bytes || needed_bytes <= *free_bytes) return Ok();
  return Fail(ErrorCode::kResourceExhausted,
              fmt::format("{} need {} more, but {} has {} free; {}", what, SizeText(needed_bytes),
                          folder, SizeText(*free_bytes), advice));
}

}  // namespace headrace::job
