// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace headrace::job {

struct ChannelReport;
struct DirectoryBinding;
struct FileChannelReport;
struct JobReport;
struct OutputReport;
struct PipeChannelReport;

// "8.4 MiB"
std::string BytesText(uint64_t size_bytes);
// "0.42 s"
std::string SecondsText(std::chrono::nanoseconds span);

// What a job says of itself, a line each, for people.
std::string CheckedLine(const std::string& channel, const FileChannelReport& counts);
std::string ChannelLine(const ChannelReport& channel);
std::string DirectoryLine(const DirectoryBinding& binding, bool is_mounted);
std::string PipeLine(const PipeChannelReport& channel);
std::string CommandLine(const JobReport& report, int exit_code);
std::string OutputLine(const OutputReport& output);

}  // namespace headrace::job
