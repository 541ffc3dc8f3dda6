// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "headrace/base/clock.h"
#include "headrace/job/job_spec.h"
#include "headrace/job/run_job.h"

namespace headrace::job {

inline constexpr int kRunReportVersion = 1;

// What a run was, beside its JobResult.
struct RunFacts {
  SystemTime started{};
  SystemTime ended{};
  std::map<std::string, uint64_t> retries;  // By cause.
};

// The run report: docs/formats/run-report.md. Pure.
nlohmann::json RunReport(const JobSpec& spec, const JobResult& result, const RunFacts& facts);

// The same as text. Bytes that are not UTF-8 become U+FFFD.
std::string RunReportText(const JobSpec& spec, const JobResult& result, const RunFacts& facts);

std::map<std::string, uint64_t> RetriesByCause(s3::S3Metrics& metrics);

// Its name beside the outputs: with the host's where a job has several.
std::string UploadedReportName(const JobSpec& spec);

}  // namespace headrace::job
