// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace headrace::job {

struct ChannelReport;
struct DirectoryBinding;
struct FileChannelReport;
struct CheckpointReport;
struct JobReport;
struct OutputReport;
struct PipeChannelReport;
struct ProcessEnd;
struct RestorePlan;

double Seconds(std::chrono::nanoseconds span);
// "0.42 s"
std::string SecondsText(std::chrono::nanoseconds span);

// What a job says of itself, a line each, for people.
std::string CheckedLine(const std::string& channel, const FileChannelReport& counts);
// `unit_count`: PipeChannel's.
std::string CheckedPipeLine(const std::string& channel, uint64_t unit_count);
std::string CheckedCheckpointLine(const RestorePlan& plan);
std::string ChannelLine(const ChannelReport& channel);
std::string DirectoryLine(const DirectoryBinding& binding, bool is_mounted);
std::string PipeLine(const PipeChannelReport& channel);
std::string CommandLine(const JobReport& report, const ProcessEnd& end);
std::string RestoreLine(const CheckpointReport& checkpoint, std::chrono::nanoseconds span);
std::string CheckpointLine(const CheckpointReport& checkpoint);
std::string ReportLine(const std::string& path, const std::map<std::string, uint64_t>& retries);
// "3 files (1.2 GiB) not uploaded: a (1.0 GiB), b (0.2 GiB) and 1 more"
std::string PendingText(const CheckpointReport& checkpoint);
std::string OutputLine(const OutputReport& output);

}  // namespace headrace::job
