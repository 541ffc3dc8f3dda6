// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/deliver/file/entry.h"

// What to do with a folder of checkpoints, from looks at it. Pure.
namespace headrace::job {

// A version of a file.
struct FileStamp {
  uint64_t size_bytes = 0;
  SystemTime modified{};

  bool operator==(const FileStamp&) const = default;
};
inline FileStamp StampOf(const file::Entry& entry) { return {entry.size_bytes, entry.modified}; }

// By path: the version of each file that the store holds, or that is not to replace what it holds.
using StoredFiles = std::map<std::string, FileStamp>;

// The entry of that path; null: there is none. `look` is in byte order of paths.
const file::Entry* FindEntry(std::span<const file::Entry> look, const std::string& path);

struct CheckpointPlan {
  // In the order in which they must appear in the store: as they were written, so that an index
  // never comes before what it names. Of files written at one moment the larger goes first: the one
  // that names the others is small.
  std::vector<file::Entry> uploads;
  // Changed, but perhaps still being written, or newer than one that may be.
  std::vector<file::Entry> waiting;
  // Stored, and missing in both looks. In byte order.
  std::vector<std::string> gone;
};

// A file is complete when two looks, one some time after the other, show the same version. Where
// nobody writes any more, both may be the same look. Each look is in byte order of paths.
CheckpointPlan PlanCheckpoint(std::span<const file::Entry> before, std::span<const file::Entry> now,
                              const StoredFiles& stored);

// What a restore does about one object.
enum class RestoreStep : uint8_t {
  kDownload,
  kSame,       // The file is this version.
  kKeepNewer,  // The file is another version and newer: not uploaded by an earlier run, or torn.
};
RestoreStep PlanRestore(const file::Entry& object, const file::Entry* file);

}  // namespace headrace::job
