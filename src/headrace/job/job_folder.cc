// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/encoding.h"
#include "headrace/base/log.h"
#include "headrace/base/utf8.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/job/config_files.h"
#include "headrace/job/directory_binding.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> FailureOf(const std::error_code& failure, const std::string& attempt) {
  return std::unexpected(Error::FromErrno(failure.value(), attempt));
}

Status MakeFolder(const std::string& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  // A link to a folder is one, though create_directories says otherwise.
  std::error_code ignored;
  if (!failure || fs::is_directory(path, ignored)) return Ok();
  return FailureOf(failure, fmt::format("make {} (--base chooses another place)", path));
}

Status MakeTree(const JobSpec& spec, const JobTree& tree) {
  for (const std::string& path : {tree.data(), tree.model(), tree.output_data(), tree.code()}) {
    HR_TRY(MakeFolder(path));
  }
  for (const ChannelSpec& channel : spec.channels) {
    // A Pipe channel's FIFOs stand beside the folders, under names of their own.
    if (channel.mode == InputMode::kPipe) continue;
    const std::string folder = tree.Channel(channel.name);
    RemoveLeftLink(folder);
    HR_TRY(MakeFolder(folder));
  }
  return Ok();
}

// What lies behind a link is somebody else's.
Status RefuseLinkToContents(const std::string& folder) {
  std::error_code failure;
  if (!fs::is_symlink(fs::symlink_status(folder, failure))) return Ok();
  if (fs::is_empty(folder, failure)) return Ok();
  return Fail(ErrorCode::kAlreadyExists,
              fmt::format("{} is a symbolic link, and --fresh removes nothing behind one: remove "
                          "the link or what it leads to",
                          folder));
}

// The folder itself stays: it may be a mount.
Status RemoveContents(const std::string& folder) {
  HR_TRY(RefuseLinkToContents(folder));
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    fs::remove_all(entry->path(), failure);
    if (failure) break;
  }
  if (failure) return FailureOf(failure, "remove the contents of " + folder);
  return Ok();
}

Status RefuseContents(const std::string& folder) {
  std::error_code failure;
  const bool is_empty = fs::is_empty(folder, failure);
  if (failure) return FailureOf(failure, "read " + folder);
  if (is_empty) return Ok();
  return Fail(ErrorCode::kAlreadyExists,
              fmt::format("{} is not empty and would be taken for this job's; move it away, or "
                          "remove it with --fresh",
                          folder));
}

Status WriteFile(const std::string& path, const std::string& text) {
  HR_TRY_ASSIGN(file::PartialFile target, file::PartialFile::Create(path));
  HR_TRY(target.WriteAt(AsBytes(text), 0));
  return target.Commit(text.size(), SystemTime{}, false);
}

// At most as many bytes as kFailureCharactersMax characters can have.
std::string ReadStart(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text(4 * kFailureCharactersMax, '\0');
  const ssize_t size = file.is_open() ? read(file.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

}  // namespace

Result<JobFolder> JobFolder::Take(const JobSpec& spec, bool is_fresh) {
  JobTree tree(spec.base_directory);
  const std::string config = tree.config();
  // All else is another job's until the lock is ours.
  HR_TRY(MakeFolder(config));
  UniqueFd lock(open(config.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.is_open()) return std::unexpected(Error::FromErrno(errno, "open " + config));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("another job runs in {}; wait for its end or choose another --base",
                            tree.base()));
  }
  HR_TRY(MakeTree(spec, tree));
  if (is_fresh) {
    HR_TRY(RefuseLinkToContents(tree.model()));
    HR_TRY(RefuseLinkToContents(tree.output()));
  } else {
    HR_TRY(RefuseContents(tree.model()));
    HR_TRY(RefuseContents(tree.output_data()));
  }
  return JobFolder(std::move(tree), std::move(lock));
}

void JobFolder::RemoveOldReports() const {
  std::error_code ignored;
  fs::remove(tree_.failure_file(), ignored);
  fs::remove(tree_.success_file(), ignored);
  fs::remove(tree_.report_file(), ignored);
}

Status JobFolder::RemoveOldOutputs() const {
  HR_TRY(RemoveContents(tree_.model()));
  HR_TRY(RemoveContents(tree_.output()));
  return MakeFolder(tree_.output_data());
}

Status JobFolder::WriteConfig(const JobSpec& spec) const {
  HR_TRY(WriteFile(tree_.input_config_file(), InputDataConfig(spec).dump(2)));
  HR_TRY(WriteFile(tree_.hyperparameters_file(), HyperparametersConfig(spec).dump(2)));
  if (spec.checkpoint.s3_uri.empty()) {
    std::error_code ignored;
    fs::remove(tree_.checkpoint_config_file(), ignored);
  } else {
    HR_TRY(WriteFile(tree_.checkpoint_config_file(), CheckpointConfig(spec).dump(2)));
  }
  return WriteFile(tree_.resource_config_file(), ResourceConfig(spec).dump(2));
}

Status JobFolder::WriteReport(const std::string& text) const {
  return WriteFile(tree_.report_file(), text);
}

std::string JobFolder::Failure(std::string_view reason) const {
  const std::string left = ReadStart(tree_.failure_file());
  if (!left.empty()) return std::string(FirstCharacters(left, kFailureCharactersMax));
  const std::string written(FirstCharacters(reason, kFailureCharactersMax));
  // The reason also goes to standard error; a tree that cannot be written must not hide it.
  const Status kept = WriteFile(tree_.failure_file(), written);
  if (!kept) Log(LogLevel::kWarning, "failure file: {}", kept.error().message());
  return written;
}

}  // namespace headrace::job
