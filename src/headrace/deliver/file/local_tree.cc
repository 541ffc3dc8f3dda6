// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/local_tree.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/base/utf8.h"
#include "headrace/deliver/file/partial_file.h"

namespace headrace::file {
namespace {

// Deeper trees than this are loops made of something else than links (a bind mount, say).
constexpr size_t kDepthMax = 1000;

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

LocalTree::LocalTree(std::string root, LocalTreeOptions options, OnProblem on_problem)
    : root_(std::move(root)), options_(options), on_problem_(std::move(on_problem)) {
  if (!root_.ends_with('/')) root_ += '/';
}

Result<LocalTree> LocalTree::Open(std::string root, LocalTreeOptions options,
                                  OnProblem on_problem) {
  LocalTree tree(std::move(root), options, std::move(on_problem));
  Result<Folder> folder = tree.ReadFolder("");
  if (!folder && folder.error().origin().os_error == ENOTDIR) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no folder", tree.root_));
  }
  if (!folder) return std::unexpected(std::move(folder).error());
  tree.folders_.push_back(std::move(*folder));
  return tree;
}

Result<LocalTree::Folder> LocalTree::ReadFolder(std::string path) const {
  const std::string full = root_ + path;
  struct stat status{};
  const std::unique_ptr<DIR, CloseFolder> stream(opendir(full.c_str()));
  if (!stream || fstat(dirfd(stream.get()), &status) != 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("read folder {}", full)));
  }
  Folder folder{.path = std::move(path),
                .device = status.st_dev,
                .inode = status.st_ino,
                .names = {},
                .next = 0};
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    std::string name = entry->d_name;
    // What an interrupted download left behind is no file yet.
    if (name != "." && name != ".." && !IsPartialName(name)) {
      auto classified = Classify(folder.path, std::move(name), entry->d_type);
      if (classified) folder.names.push_back(std::move(*classified));
    }
    errno = 0;
  }
  if (errno != 0) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("read folder {}", full)));
  }
  std::ranges::sort(folder.names, {}, &Name::text);
  return folder;
}

std::optional<LocalTree::Name> LocalTree::Classify(const std::string& folder, std::string name,
                                                   int type) const {
  const std::string below = folder + name;
  const std::string path = root_ + below;
  struct stat status{};
  const bool must_ask = type == DT_UNKNOWN || type == DT_LNK;
  if (type == DT_UNKNOWN && lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
    type = DT_LNK;
  }
  const bool is_link = type == DT_LNK;
  if (is_link && !options_.follow_symlinks) return std::nullopt;
  if (must_ask) {
    if (stat(path.c_str(), &status) != 0) {
      on_problem_(below, Error::FromErrno(errno, fmt::format("follow {}", path)));
      return std::nullopt;
    }
    type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_CHR;
  }
  if (type != DT_DIR && type != DT_REG) {
    on_problem_(below, Error(ErrorCode::kUnsupported,
                             fmt::format("{} is a device, pipe or socket: left out", path)));
    return std::nullopt;
  }
  if (!IsUtf8(name)) {
    on_problem_(
        below,
        Error(ErrorCode::kInvalidArgument,
              fmt::format("{} has a name that is not UTF-8, which a key must be: left out", path)));
    return std::nullopt;
  }
  if (type == DT_DIR) name += '/';
  return Name{.text = std::move(name)};
}

void LocalTree::Enter(std::string path) {
  if (folders_.size() >= kDepthMax) {
    on_problem_(path,
                Error(ErrorCode::kResourceExhausted,
                      fmt::format("{}{} is more than {} folders deep", root_, path, kDepthMax)));
    return;
  }
  struct stat status{};
  const bool is_circle = stat((root_ + path).c_str(), &status) == 0 &&
                         std::ranges::any_of(folders_, [&status](const Folder& above) {
                           return above.device == status.st_dev && above.inode == status.st_ino;
                         });
  if (is_circle) {
    on_problem_(path,
                Error(ErrorCode::kUnsupported,
                      fmt::format("{}{} links back to a folder above it: left out", root_, path)));
    return;
  }
  Result<Folder> folder = ReadFolder(path);
  if (!folder.has_value()) {
    on_problem_(path, folder.error());
    return;
  }
  folders_.push_back(std::move(*folder));
}

std::optional<Entry> LocalTree::FileEntry(std::string path) const {
  struct stat status{};
  const std::string full = root_ + path;
  if (stat(full.c_str(), &status) != 0) {
    on_problem_(path, Error::FromErrno(errno, fmt::format("read {}", full)));
    return std::nullopt;
  }
  return Entry{.path = std::move(path),
               .size_bytes = static_cast<uint64_t>(status.st_size),
               .modified = ModifiedOf(status),
               .etag = {}};
}

std::optional<Entry> LocalTree::Next() {
  while (!folders_.empty()) {
    Folder& folder = folders_.back();
    if (folder.next == folder.names.size()) {
      folders_.pop_back();
      continue;
    }
    const Name& name = folder.names[folder.next++];
    std::string path = folder.path + name.text;
    if (name.text.ends_with('/')) {
      Enter(std::move(path));
    } else if (std::optional<Entry> entry = FileEntry(std::move(path))) {
      return entry;
    }
  }
  return std::nullopt;
}

}  // namespace headrace::file
