// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/job/archive.h"
#include "headrace/job/job_spec.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

struct OutputOptions {
  ArchiveOptions archive;
  // Of uncompressed outputs: half of what other transfers take keeps the whole process below
  // 128 MiB, and 8 parts of 8 MiB at 100 ms each are 5 Gbit/s.
  file::TransferOptions transfer{.upload_memory_bytes_max = 64ULL << 20U, .upload_requests_max = 8};
};

struct OutputReport {
  std::string name;  // "model.tar.gz", or "model/" uncompressed.
  std::string uri;   // Empty: there was nothing to upload.
  uint64_t files = 0;
  uint64_t size_bytes = 0;  // As uploaded.
  std::vector<std::string> skipped;
};

// Uploads what a command left in its output folders.
// Threads: one, not an event loop. Lifetime: what it is given outlives it.
class OutputUpload {
 public:
  OutputUpload(const JobSpec& spec, ObjectStore& store, EventLoops& loops,
               const OutputOptions& options)
      : spec_(spec), store_(store), loops_(loops), options_(options) {}

  // `folder` to <archive>.tar.gz, or to objects below <tree>/. An empty folder uploads nothing. The
  // report is filled as far as it went. kCorrupt when something could not be read: the rest is
  // uploaded. The errors say where the files are kept.
  struct Names {
    std::string_view archive;
    std::string_view tree;
  };
  Status Upload(const std::string& folder, const Names& names, OutputReport& report,
                const CallContext& context);

 private:
  Result<uint64_t> UploadTree(const ArchiveContents& contents, const S3Uri& target,
                              const CallContext& context);

  const JobSpec& spec_;
  ObjectStore& store_;
  EventLoops& loops_;
  const OutputOptions& options_;
};

}  // namespace headrace::job
