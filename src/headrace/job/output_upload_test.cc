// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/output_upload.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::HasMessage;
using headrace::testing::IsOk;
using headrace::testing::TempDir;

TEST(OutputUploadTest, AFileRewrittenDuringItsUploadIsNeverStoredMixed) {
  const TempDir folder;
  MemoryStore memory(RealClock());
  BlockingStore store(memory);
  ASSERT_THAT(store.CreateBucket("box"), IsOk());
  FaultyStore faulty(memory);
  EventLoops loops(2);
  JobSpec spec;
  spec.name = "j1";
  spec.output_uri = "s3://box/jobs/";
  spec.output_compression = Compression::kNone;
  OutputOptions options;
  options.transfer.part_size_bytes = 5ULL << 20U;
  options.transfer.upload_requests_max = 1;
  const auto write_at = [&folder](char byte, time_t second) {
    const std::string path = folder.Write("model/weights", std::string(12U << 20U, byte));
    const timespec time{.tv_sec = second, .tv_nsec = 0};
    const timespec times[2] = {time, time};
    utimensat(AT_FDCWD, path.c_str(), times, 0);
  };
  write_at('a', 1'000'000'000);
  const auto gate = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kUploadPart, .gate = gate});
  std::thread writer([&] {
    faulty.AwaitGated(1);
    write_at('b', 1'000'000'001);
    gate->Open();
  });
  OutputUpload upload(spec, faulty, loops, options);
  OutputReport report;
  const Status uploaded =
      upload.Upload(folder.Path("model"), {.archive = "model", .tree = "model"}, report, {});
  writer.join();
  EXPECT_FALSE(uploaded.has_value());
  EXPECT_TRUE(store.Keys("box", "jobs/").value().empty());
}

TEST(OutputUploadTest, AFolderThatTheCommandRemovedIsAFailureOfThisMachine) {
  const TempDir folder;
  MemoryStore memory(RealClock());
  EventLoops loops(1);
  JobSpec spec;
  spec.name = "j1";
  spec.output_uri = "s3://box/jobs/";
  const OutputOptions options;
  OutputUpload upload(spec, memory, loops, options);
  OutputReport report;
  const Status uploaded =
      upload.Upload(folder.Path("model"), {.archive = "model", .tree = "model"}, report, {});
  EXPECT_THAT(uploaded, HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(uploaded, HasMessage("upload model.tar.gz (kept in " + folder.Path("model") + ")"));
}

}  // namespace
}  // namespace headrace::job
