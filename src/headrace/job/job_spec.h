// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/plan/epoch_plan.h"
#include "headrace/plan/rank.h"

namespace headrace::job {

// How a channel's bytes reach the command. SageMaker's names, here and below.
enum class InputMode : uint8_t { kFile, kFastFile, kPipe };
// What a channel's URI names.
enum class DataType : uint8_t { kS3Prefix, kManifestFile, kAugmentedManifestFile };
// Which objects a host gets: all, or its share of them.
using plan::Distribution;
enum class Compression : uint8_t { kNone, kGzip };
enum class RecordWrapper : uint8_t { kNone, kRecordIo };

// The names as users and config files write them: "FastFile", "ShardedByS3Key".
std::string_view NameOf(InputMode mode);
std::string_view NameOf(DataType type);
std::string_view NameOf(Distribution distribution);
std::string_view NameOf(Compression compression);
std::string_view NameOf(RecordWrapper wrapper);

// A named input of a job.
struct ChannelSpec {
  std::string name;
  // s3://bucket/key: a plain string prefix of keys, not a folder. Or a directory of this machine:
  // /path or file:///path.
  std::string s3_uri;
  InputMode mode = InputMode::kFile;
  DataType data_type = DataType::kS3Prefix;
  Distribution distribution = Distribution::kFullyReplicated;
  Compression compression = Compression::kNone;
  RecordWrapper record_wrapper = RecordWrapper::kNone;
  std::string content_type;             // Empty: not set.
  std::optional<int64_t> shuffle_seed;  // Nothing: objects in listing order.
  bool is_writable = false;             // Of a directory: the command may write there.
  // Which attributes of an augmented manifest are sent, in this order.
  std::vector<std::string> attribute_names;
  // Where a Pipe channel's first epoch of this run begins.
  plan::ResumePoint resume;

  bool operator==(const ChannelSpec&) const = default;
};

// A folder that is filled from a place in a store when the job starts, and whose files go there
// while the command runs.
struct CheckpointSpec {
  std::string s3_uri;    // s3://bucket/prefix: a folder, with or without its slash. Empty: none.
  std::string folder;    // Absolute. Empty: checkpoints/ of the tree.
  bool deletes = false;  // An object whose file the command has removed is removed too.

  bool operator==(const CheckpointSpec&) const = default;
};

// All hosts of a job are one group of this name.
inline constexpr std::string_view kInstanceGroup = "homogeneousCluster";

// A training job as its user describes it, before anything was looked at outside it.
struct JobSpec {
  std::string name;
  std::string base_directory = "/opt/ml";
  std::vector<ChannelSpec> channels;
  // Values are what hyperparameters.json holds: strings, often JSON themselves.
  std::map<std::string, std::string> hyperparameters;
  // Appends them to the command too, as AWS's toolkit does: --name value.
  bool passes_hyperparameters = false;
  // Variables of the command beside those the contract sets.
  std::map<std::string, std::string> environment;
  std::string output_uri;  // s3://bucket/prefix; empty: outputs stay in the tree.
  // OutputDataConfig's CompressionType: archives, or the files as they are.
  Compression output_compression = Compression::kGzip;
  CheckpointSpec checkpoint;
  // How long the command may run before it is asked to stop; 0: for ever.
  std::chrono::milliseconds max_runtime{0};
  // All hosts of the job; a host's rank is its place in the sorted list.
  std::vector<std::string> hosts = {"algo-1"};
  std::string current_host = "algo-1";
  // This process's place among all that share the data, where its user says it (--rank and
  // --world-size); nothing: see RankOf.
  std::optional<plan::Rank> rank;
  std::string instance_type = "local";
  std::string network_interface = "eth0";
  std::string region;        // For AWS_REGION and SAGEMAKER_REGION; empty: not set.
  std::string endpoint_url;  // For AWS_ENDPOINT_URL_S3; empty: not set.
  std::vector<std::string> command;

  bool operator==(const JobSpec&) const = default;
};

inline constexpr std::string_view kFileScheme = "file://";

// Whether a channel's URI means a directory of this machine: "/path" or "file:///path".
bool IsDirectoryUri(std::string_view uri);

// Whether anything of the job is in a store.
bool NeedsStore(const JobSpec& spec);

}  // namespace headrace::job
