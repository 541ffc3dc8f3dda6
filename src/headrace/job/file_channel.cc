// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/file_channel.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "headrace/base/file_time.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/job/first_failure.h"
#include "headrace/plan/key_path.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;

}  // namespace

FileChannel::FileChannel(const ChannelSpec& spec, S3Uri source, ChannelPlace place,
                         plan::Listing listing)
    : name_(spec.name),
      source_(std::move(source)),
      folder_(std::move(place.folder)),
      listing_(std::move(listing)),
      share_(listing_.size(), PlanOptionsOf(spec), place.rank, plan::ResumePoint{}) {}

Result<FileChannel> FileChannel::Plan(const ChannelSpec& spec, const ChannelPlace& place,
                                      ObjectStore& store, EventLoops& loops,
                                      const plan::ManifestOptions& options,
                                      const CallContext& context) {
  HR_TRY_ASSIGN(ChannelObjects found, ListChannel(spec, store, loops, options, context));
  return OfListing(spec, std::move(found.source), place, std::move(found.listing));
}

Result<FileChannel> FileChannel::OfListing(const ChannelSpec& spec, S3Uri source,
                                           const ChannelPlace& place, plan::Listing listing) {
  FileChannel channel(spec, std::move(source), place, std::move(listing));
  HR_TRY(While("channel " + spec.name, channel.CheckKeys()));
  return channel;
}

Status FileChannel::CheckKeys() {
  plan::KeyPathChecker checker(source_.key);
  uint64_t file_count = 0;
  for (size_t index = 0; index < listing_.size(); ++index) {
    HR_TRY_ASSIGN(const auto path, checker.Next(listing_.KeyAt(index)));
    if (!path) continue;
    ++file_count;
    if (!share_.Holds(index)) continue;
    ++report_.objects;
    report_.bytes += listing_.At(index).size_bytes;
  }
  // A host without a share of its own still runs; a channel without an object is a mistake.
  if (file_count > 0) return Ok();
  return Fail(ErrorCode::kNotFound, fmt::format("no object under s3://{}/{}; check the URI",
                                                source_.bucket, source_.key));
}

std::optional<std::string> FileChannel::PathOf(size_t index) const {
  if (!share_.Holds(index)) return std::nullopt;
  const auto path = plan::KeyPath(source_.key, listing_.KeyAt(index));
  HR_CHECK(path.has_value());  // CheckKeys has seen it.
  return *path;
}

bool FileChannel::IsComplete(size_t index, const std::string& path) const {
  struct stat found{};
  if (lstat((folder_ + "/" + path).c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return false;
  const plan::ListedObject object = listing_.At(index);
  return static_cast<uint64_t>(found.st_size) == object.size_bytes &&
         ModifiedOf(found) == object.modified;
}

bool FileChannel::Expects(const std::string& relative_path) const {
  // The ways in which KeyPath cuts a key, undone; it is asked itself which of them holds.
  const std::string& prefix = source_.key;
  const std::string parent = prefix.substr(0, prefix.rfind('/') + 1);
  for (const std::string& start : {prefix, prefix + "/", parent}) {
    const std::string key = start + relative_path;
    if (!key.starts_with(prefix)) continue;
    const std::optional<size_t> index = listing_.Find(key);
    if (index && PathOf(*index) == relative_path) return true;
  }
  return false;
}

Status FileChannel::CheckFolder() {
  std::error_code failure;
  fs::recursive_directory_iterator walk(folder_, failure);
  for (; !failure && walk != fs::recursive_directory_iterator(); walk.increment(failure)) {
    std::error_code ignored;  // What has just vanished is no folder.
    if (walk->symlink_status(ignored).type() == fs::file_type::directory) continue;
    const std::string& path = walk->path().native();
    if (file::IsPartialName(walk->path().filename().native())) continue;
    if (!Expects(path.substr(folder_.size() + 1))) {
      return Fail(ErrorCode::kAlreadyExists,
                  fmt::format("channel {}: {} is not among the objects of {}; remove it or choose "
                              "another base directory",
                              name_, path, FormatS3Uri(source_.bucket, source_.key)));
    }
  }
  if (failure) {
    return std::unexpected(
        Error::FromErrno(failure.value(), fmt::format("channel {}: read {}", name_, folder_)));
  }
  for (size_t index = 0; index < listing_.size(); ++index) {
    const std::optional<std::string> path = PathOf(index);
    if (!path || !IsComplete(index, *path)) continue;
    ++report_.objects_kept;
    report_.bytes_kept += listing_.At(index).size_bytes;
  }
  return Ok();
}

Status FileChannel::Download(file::Transfer& transfer, file::TransferObserver* observer,
                             const CallContext& context) {
  size_t next = 0;
  const auto source = [&]() -> Result<std::optional<file::DownloadItem>> {
    for (; next < listing_.size(); ++next) {
      const std::optional<std::string> path = PathOf(next);
      if (!path || IsComplete(next, *path)) continue;
      ObjectInfo object = listing_.ObjectAt(next++);
      return file::DownloadItem{.bucket = source_.bucket,
                                .key = std::move(object.key),
                                .size_bytes = object.size_bytes,
                                .etag = std::move(object.etag),
                                .modified = object.modified,
                                .path = folder_ + "/" + *path};
    }
    return std::nullopt;
  };
  FirstFailure failure(observer);
  const file::TransferReport report = transfer.Download(source, failure, context);
  return failure.Outcome(report, "channel " + name_);
}

}  // namespace headrace::job
