// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "headrace/base/work_pool.h"
#include "headrace/store/directory/directory_store.h"
#include "testing/blocking_store.h"
#include "testing/temp_dir.h"

namespace headrace::directory {

// For tests: a directory store over a folder of its own, which may be started several times.
class DirectoryStoreFixture : public ::testing::Test {
 protected:
  // Ends the store that runs, if one does.
  void Start(DirectoryStoreOptions options, size_t thread_count) {
    Stop();
    options.part_size_bytes_min = 1;
    pool_.emplace(thread_count);
    store_ = DirectoryStore::Open(folder_.string(), *pool_, std::move(options)).value();
    blocking_.emplace(*store_);
  }
  void Stop() {
    store_.reset();
    pool_.reset();
    blocking_.reset();
  }

  // Below the folder.
  std::filesystem::path Path(const std::string& name) const { return folder_.path() / name; }
  // Below what the store keeps for itself there.
  std::filesystem::path Reserved(const std::string& name) const {
    return Path(".headrace/" + name);
  }

  MultipartUpload StartUpload(const std::string& key,
                              std::optional<ChecksumAlgorithm> algorithm = std::nullopt) {
    return blocking_
        ->CreateMultipart({.bucket = "bucket", .key = key, .checksum_algorithm = algorithm})
        .value();
  }
  PartInfo Upload(const MultipartUpload& upload, uint32_t number, std::string_view text) {
    return blocking_->UploadPart({.upload = upload, .part_number = number}, text).value();
  }

  testing::TempDir folder_;
  // Ends last: a thread of the pool may still be handing a result to its loops.
  std::optional<testing::BlockingStore> blocking_;
  std::optional<WorkPool> pool_;
  std::unique_ptr<DirectoryStore> store_;
};

}  // namespace headrace::directory
