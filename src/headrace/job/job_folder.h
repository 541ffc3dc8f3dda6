// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"
#include "headrace/job/job_spec.h"
#include "headrace/job/job_tree.h"

namespace headrace::job {

// FailureReason's limit: what of output/failure anyone reads.
inline constexpr size_t kFailureCharactersMax = 1024;

// A job's tree on disk, held by one job at a time.
class JobFolder {
 public:
  // Takes the tree for this process and makes what it lacks. kAlreadyExists when model/ or
  // output/data/ hold anything, which would be uploaded as this job's; with `is_fresh`, when they
  // are links to what RemoveOldOutputs would not remove. kUnavailable, with nothing touched, while
  // another process runs a job there.
  static Result<JobFolder> Take(const JobSpec& spec, bool is_fresh);

  // An earlier run's failure, success and report files.
  void RemoveOldReports() const;
  // The contents of model/ and output/: they may be nowhere else, so only once all that can be
  // checked of the job before it runs has been. Nothing behind a symbolic link.
  Status RemoveOldOutputs() const;

  const JobTree& tree() const { return tree_; }
  // Whoever inherits it keeps the tree taken for as long as it is open there.
  int lock_fd() const { return lock_.get(); }

  // The three files of input/config.
  Status WriteConfig(const JobSpec& spec) const;

  // output/headrace-report.json, in the place of an earlier run's.
  Status WriteReport(const std::string& text) const;

  // The first 1,024 characters of output/failure, where the command left one; otherwise `reason`,
  // which is then written there.
  std::string Failure(std::string_view reason) const;

 private:
  JobFolder(JobTree tree, UniqueFd lock) : tree_(std::move(tree)), lock_(std::move(lock)) {}

  JobTree tree_;
  UniqueFd lock_;  // The config folder, under flock(2).
};

}  // namespace headrace::job
