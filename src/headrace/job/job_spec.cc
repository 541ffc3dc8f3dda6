// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_spec.h"

#include <algorithm>

namespace headrace::job {

std::string_view NameOf(InputMode mode) {
  switch (mode) {
    case InputMode::kFile:
      return "File";
    case InputMode::kFastFile:
      return "FastFile";
    case InputMode::kPipe:
      return "Pipe";
  }
  return "";
}

std::string_view NameOf(DataType type) {
  switch (type) {
    case DataType::kS3Prefix:
      return "S3Prefix";
    case DataType::kManifestFile:
      return "ManifestFile";
    case DataType::kAugmentedManifestFile:
      return "AugmentedManifestFile";
  }
  return "";
}

std::string_view NameOf(Distribution distribution) {
  switch (distribution) {
    case Distribution::kFullyReplicated:
      return "FullyReplicated";
    case Distribution::kShardedByS3Key:
      return "ShardedByS3Key";
  }
  return "";
}

std::string_view NameOf(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "None";
    case Compression::kGzip:
      return "Gzip";
  }
  return "";
}

std::string_view NameOf(RecordWrapper wrapper) {
  switch (wrapper) {
    case RecordWrapper::kNone:
      return "None";
    case RecordWrapper::kRecordIo:
      return "RecordIO";
  }
  return "";
}

bool IsDirectoryUri(std::string_view uri) {
  return uri.starts_with('/') || uri.starts_with(kFileScheme);
}

bool NeedsStore(const JobSpec& spec) {
  const auto is_stored = [](const ChannelSpec& channel) { return !IsDirectoryUri(channel.s3_uri); };
  return !spec.output_uri.empty() || !spec.checkpoint.s3_uri.empty() ||
         std::ranges::any_of(spec.channels, is_stored);
}

}  // namespace headrace::job
