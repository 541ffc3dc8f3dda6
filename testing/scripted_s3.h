// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/s3/s3_store.h"
#include "testing/blocking_store.h"
#include "testing/scripted_peer.h"

namespace headrace::testing {

// An S3Store whose server is a scripted peer. Retries wait for milliseconds.
class ScriptedS3 : public ::testing::Test {
 protected:
  void Open(const s3::S3Settings& settings, const Environment& environment) {
    auto opened = s3::OpenS3Store(settings, environment, RealClock());
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    s3_ = std::move(*opened);
    store_ = std::make_unique<BlockingStore>(*s3_);
  }
  s3::S3Settings Settings() const {
    s3::S3Settings settings;
    settings.endpoint_url = peer_.url();
    settings.retry.delay_first = std::chrono::milliseconds(1);
    settings.retry.delay_again = std::chrono::milliseconds(1);
    settings.retry.delay_max = std::chrono::milliseconds(4);
    return settings;
  }
  static Environment Keys() {
    return Environment({{"AWS_ACCESS_KEY_ID", "AKEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY", "s3cr3t"}});
  }
  void SetUp() override { Open(Settings(), Keys()); }

  BlockingStore& store() { return *store_; }
  s3::S3Store& s3() { return *s3_; }

  ScriptedPeer peer_;
  std::unique_ptr<BlockingStore> store_;  // Owns the loop, which the store must not outlive.
  std::unique_ptr<s3::S3Store> s3_;
};

}  // namespace headrace::testing
