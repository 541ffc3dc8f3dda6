// SPDX-License-Identifier: Apache-2.0
// The engine on a store behind a network that goes wrong: no wrong byte, no hang, no memory lost.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "headrace/base/checksum.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/fetch/object_reader.h"
#include "headrace/store/s3/s3_store.h"
#include "testing/fault_proxy.h"
#include "testing/result_matchers.h"
#include "testing/scripted_peer.h"
#include "testing/seeded_bytes.h"

namespace headrace::fetch {
namespace {

using headrace::testing::ConnectionFault;
using headrace::testing::FaultProxy;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::ReceivedRequest;
using headrace::testing::Reply;
using headrace::testing::ScriptedPeer;
using headrace::testing::SeededText;
using headrace::testing::ThreadGate;

constexpr size_t kPartBytes = 64 * 1024;
constexpr const char* kEtag = "the-only-version";

// A small S3: every key is an object of the length its name begins with ("100-a"), with seeded
// bytes and their checksum: a CRC64NVME, or what the name tells.
std::string BodyOf(const std::string& target) {
  const std::string name = target.substr(target.rfind('/') + 1);
  return SeededText(std::hash<std::string>{}(name), std::stoul(name));
}

ChecksumAlgorithm AlgorithmOf(const std::string& target) {
  if (target.contains("-crc32c-")) return ChecksumAlgorithm::kCrc32c;
  return target.contains("-crc32-") ? ChecksumAlgorithm::kCrc32 : ChecksumAlgorithm::kCrc64Nvme;
}

Reply AnswerTo(const ReceivedRequest& request) {
  std::string body = BodyOf(request.target);
  const Checksum checksum = ChecksumOf(AlgorithmOf(request.target), AsBytes(body));
  const std::string checksum_name =
      fmt::format("x-amz-checksum-{}", ChecksumHeaderSuffix(checksum.algorithm));
  Reply reply{.headers = {{"ETag", fmt::format("\"{}\"", kEtag)},
                          {checksum_name, checksum.value},
                          {"x-amz-checksum-type", "FULL_OBJECT"}}};
  // A store that keeps damaged bytes.
  if (request.target.ends_with("-bad")) body[0] = static_cast<char>(body[0] ^ 1);
  const std::string range = request.Header("Range");
  if (request.method == "HEAD") {
    reply.raw = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"{}\"\r\n"
        "{}: {}\r\nx-amz-checksum-type: FULL_OBJECT\r\n\r\n",
        body.size(), kEtag, checksum_name, checksum.value);
  } else if (range.empty()) {
    reply.body = body;
  } else {
    const size_t dash = range.find('-');
    const size_t first = std::stoul(range.substr(6, dash - 6));
    const size_t last = std::stoul(range.substr(dash + 1));
    reply.status = 206;
    reply.body = body.substr(first, last - first + 1);
    reply.headers.emplace_back("Content-Range",
                               fmt::format("bytes {}-{}/{}", first, last, body.size()));
  }
  return reply;
}

class TextSink final : public PartSink {
 public:
  explicit TextSink(std::vector<size_t> sizes, bool takes_again = false)
      : texts(sizes.size()), ends(sizes.size()), takes_again_(takes_again) {
    for (size_t i = 0; i < sizes.size(); ++i) texts[i].resize(sizes[i]);
  }
  void OnPart(Part part) override {
    const auto bytes = part.bytes.span();
    // Parts of one read never overlap but when they are given again.
    std::copy(bytes.begin(), bytes.end(),
              std::as_writable_bytes(std::span(texts[part.read_index])).begin() +
                  static_cast<std::ptrdiff_t>(part.offset));
  }
  void OnReadEnd(size_t read_index, Status status) override {
    EXPECT_FALSE(ends[read_index].has_value()) << "ended twice";
    ends[read_index] = std::move(status);
  }
  bool MayGiveAgain(size_t) override { return takes_again_; }

  std::vector<std::string> texts;
  std::vector<std::optional<Status>> ends;

 private:
  const bool takes_again_;
};

class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    peer_.SetHandler(AnswerTo);
    s3::S3Settings settings;
    settings.endpoint_url = proxy_.url();
    settings.retry.delay_first = std::chrono::milliseconds(1);
    settings.retry.delay_again = std::chrono::milliseconds(1);
    settings.retry.delay_max = std::chrono::milliseconds(4);
    const Environment keys(
        {{"AWS_ACCESS_KEY_ID", "AKEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY", "s3cr3t"}});
    auto opened = s3::OpenS3Store(settings, keys, RealClock());
    ASSERT_THAT(opened, IsOk());
    store_ = std::move(*opened);
  }
  void MakeFetcher(FetchOptions options) {
    options.part_size_bytes = kPartBytes;
    options.memory_bytes_max = 16 * kPartBytes;
    fetcher_ = std::make_unique<Fetcher>(*store_, loops_, options);
  }
  static PlannedRead PlanOf(size_t size_bytes, size_t number) {
    return {.bucket = "data",
            .key = fmt::format("{}-{}", size_bytes, number),
            .object_size_bytes = size_bytes,
            .etag = kEtag,
            .range = {.begin = 0, .end = size_bytes}};
  }
  Status RunAll(const std::vector<size_t>& sizes, TextSink& sink, const CallContext& context) {
    size_t next = 0;
    return fetcher_->Run(
        [&]() -> Result<std::optional<PlannedRead>> {
          if (next == sizes.size()) return std::nullopt;
          const size_t number = next++;
          return PlanOf(sizes[number], number);
        },
        sink, context);
  }
  // Each read that says it went well gave its object's bytes.
  static size_t ExpectNoWrongByte(const std::vector<size_t>& sizes, const TextSink& sink) {
    size_t good = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (!sink.ends[i] || !*sink.ends[i]) continue;
      ++good;
      EXPECT_TRUE(sink.texts[i] == BodyOf(PlanOf(sizes[i], i).key)) << "read " << i;
    }
    return good;
  }
  CallContext Within(std::chrono::milliseconds span) const {
    return {.deadline = Deadline::After(span, std::chrono::steady_clock::now()), .stop = {}};
  }

  ScriptedPeer peer_;
  FaultProxy proxy_{peer_.port()};
  EventLoops loops_{2};
  std::unique_ptr<s3::S3Store> store_;
  std::unique_ptr<Fetcher> fetcher_;
};

const std::vector<size_t> kSizes = {100, 5 * kPartBytes + 17, 1, kPartBytes, 3000, 2 * kPartBytes};

struct NamedFault {
  const char* name;
  ConnectionFault fault;
};
class EachFaultTest : public FaultTest, public ::testing::WithParamInterface<NamedFault> {};

TEST_P(EachFaultTest, EveryByteStillArrives) {
  proxy_.Then(GetParam().fault);
  proxy_.Then(GetParam().fault);
  MakeFetcher({});
  TextSink sink(kSizes, true);
  EXPECT_THAT(RunAll(kSizes, sink, Within(std::chrono::seconds(20))), IsOk());
  EXPECT_EQ(ExpectNoWrongByte(kSizes, sink), kSizes.size());
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachFaultTest,
    ::testing::Values(
        NamedFault{"ClosedInTheHead", {.close_after_bytes = 20}},
        NamedFault{"ClosedInTheBody", {.counts_from_body = true, .close_after_bytes = 50}},
        NamedFault{"ResetAtOnce", {.reset_after_bytes = 0}},
        NamedFault{"ResetInTheBody", {.counts_from_body = true, .reset_after_bytes = 70}},
        NamedFault{"GarbageBeforeTheAnswer", {.garbage_before = "~~~ not HTTP\r\n\r\n"}},
        NamedFault{"FlippedByte", {.counts_from_body = true, .flip_byte_at = 0}}),
    [](const auto& one) { return one.param.name; });

TEST_F(FaultTest, AServerThatDripsIsOnlySlow) {
  proxy_.Then({.drips = true});
  MakeFetcher({});
  const std::vector<size_t> sizes = {2000, 3000};
  TextSink sink(sizes);
  EXPECT_THAT(RunAll(sizes, sink, Within(std::chrono::seconds(20))), IsOk());
  EXPECT_EQ(ExpectNoWrongByte(sizes, sink), sizes.size());
}

TEST_F(FaultTest, AHalfOpenConnectionEndsWithTheDeadline) {
  for (int i = 0; i < 64; ++i) {
    proxy_.Then({.stall_after_bytes = 10, .stall_gate = ThreadGate::Make()});
  }
  MakeFetcher({});
  TextSink sink(kSizes);
  const Status ended = RunAll(kSizes, sink, Within(std::chrono::milliseconds(200)));
  // The run may end with its reads, each of which timed out, or be the first to notice.
  if (!ended) {
    EXPECT_THAT(ended, HasCode(ErrorCode::kTimedOut));
  }
  for (const auto& end : sink.ends) {
    ASSERT_TRUE(end.has_value());
    EXPECT_THAT(*end, HasCode(ErrorCode::kTimedOut));
  }
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
}

TEST_F(FaultTest, AReadOfAnOpenObjectEndsWithItsDeadlineThoughTheServerIsSilent) {
  for (int i = 0; i < 8; ++i) {
    proxy_.Then({.stall_after_bytes = 10, .stall_gate = ThreadGate::Make()});
  }
  MakeFetcher({});
  auto reader =
      fetcher_->Open({.bucket = "data", .key = "5000-0", .size_bytes = 5000, .etag = kEtag});
  EXPECT_THAT(reader->ReadBlocking({.begin = 0, .end = 10}, Within(std::chrono::milliseconds(50))),
              HasCode(ErrorCode::kTimedOut));
}

TEST_F(FaultTest, AWrongLengthIsNoObject) {
  for (const int64_t delta : {-1, 5}) {
    proxy_.Then({.content_length_delta = delta});
    MakeFetcher({});
    TextSink sink(kSizes, true);
    EXPECT_THAT(RunAll(kSizes, sink, Within(std::chrono::seconds(20))), IsOk());
    // The one whose answer it was.
    EXPECT_GE(ExpectNoWrongByte(kSizes, sink), kSizes.size() - 1);
    EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
  }
}

TEST_F(FaultTest, BytesThatStayDamagedAreReportedAsCorrupt) {
  MakeFetcher({});
  for (const size_t size_bytes : {size_t{100}, 2 * kPartBytes}) {
    for (const bool takes_again : {false, true}) {
      PlannedRead bad = PlanOf(size_bytes, 0);
      bad.key = fmt::format("{}-bad", size_bytes);
      TextSink sink({size_bytes}, takes_again);
      std::optional<PlannedRead> next = bad;
      const auto source = [&]() -> Result<std::optional<PlannedRead>> {
        return std::exchange(next, std::nullopt);
      };
      EXPECT_THAT(fetcher_->Run(source, sink, Within(std::chrono::seconds(20))), IsOk());
      EXPECT_THAT(*sink.ends[0], HasCode(ErrorCode::kCorrupt));
      EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
    }
  }
}

// An object of three parts, whose answers are changed on the way: the first request's, or a later.
class VersionTest : public FaultTest {
 protected:
  Status ReadWith(const std::function<void(Reply&, bool is_later)>& change) {
    std::atomic<int> count = 0;
    peer_.SetHandler([&](const ReceivedRequest& request) {
      Reply reply = AnswerTo(request);
      change(reply, count.fetch_add(1) > 0);
      return reply;
    });
    MakeFetcher({.verify_checksums = false});
    PlannedRead planned = PlanOf(3 * kPartBytes, 0);
    planned.etag.clear();
    std::optional<PlannedRead> next = planned;
    TextSink sink({3 * kPartBytes});
    const auto source = [&]() -> Result<std::optional<PlannedRead>> {
      return std::exchange(next, std::nullopt);
    };
    EXPECT_THAT(fetcher_->Run(source, sink, Within(std::chrono::seconds(20))), IsOk());
    fetcher_.reset();
    return *sink.ends[0];
  }
  static void DropEtag(Reply& reply) {
    std::erase_if(reply.headers, [](const auto& one) { return one.first == "ETag"; });
  }
};

TEST_F(VersionTest, WithoutEtagsThePartsOfAnObjectBelongTogetherByTheirTime) {
  EXPECT_THAT(ReadWith([](Reply& reply, bool) { DropEtag(reply); }), IsOk());
  const auto changed = [](Reply& reply, bool is_later) {
    DropEtag(reply);
    reply.headers.emplace_back("Last-Modified", is_later ? "Thu, 29 Feb 2024 12:00:01 GMT"
                                                         : "Thu, 29 Feb 2024 12:00:00 GMT");
  };
  EXPECT_THAT(ReadWith(changed), HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(VersionTest, AnObjectThatGrowsUnderOneEtagIsReplaced) {
  const auto with_total = [](const char* first, const char* later) {
    return [=](Reply& reply, bool is_later) {
      for (auto& [name, value] : reply.headers) {
        if (name != "Content-Range") continue;
        value = value.substr(0, value.find('/') + 1) + (is_later ? later : first);
      }
    };
  };
  EXPECT_THAT(ReadWith(with_total("200000", "200001")), HasCode(ErrorCode::kPreconditionFailed));
  // A server that does not know the size.
  EXPECT_THAT(ReadWith(with_total("*", "*")), IsOk());
  EXPECT_THAT(ReadWith(with_total("200000", "*")), IsOk());
  EXPECT_THAT(ReadWith([](Reply& reply, bool is_later) {
                DropEtag(reply);
                if (is_later)
                  reply.headers.emplace_back("Last-Modified", "Thu, 29 Feb 2024 12:00:00 GMT");
              }),
              IsOk());
}

TEST_F(FaultTest, DamageShowsInEveryChecksumThatPartsCombineTo) {
  MakeFetcher({});
  for (const char* kind : {"crc32", "crc32c", "crc64nvme"}) {
    for (const char* state : {"good", "bad"}) {
      PlannedRead split = PlanOf(3 * kPartBytes, 0);
      split.key = fmt::format("{}-{}-{}", 3 * kPartBytes, kind, state);
      TextSink sink({3 * kPartBytes}, false);
      std::optional<PlannedRead> next = split;
      const auto source = [&]() -> Result<std::optional<PlannedRead>> {
        return std::exchange(next, std::nullopt);
      };
      EXPECT_THAT(fetcher_->Run(source, sink, Within(std::chrono::seconds(20))), IsOk());
      EXPECT_EQ(sink.ends[0]->has_value(), state == std::string_view("good")) << split.key;
    }
  }
}

TEST_F(FaultTest, ASilentRequestIsOvertakenByItsHedge) {
  const auto gate = ThreadGate::Make();
  std::atomic<int> slow_count = 0;
  peer_.SetHandler([&, gate](const ReceivedRequest& request) {
    if (request.target.ends_with("-0") && request.target.contains("777-")) {
      if (slow_count.fetch_add(1) == 0) gate->Wait();
    }
    return AnswerTo(request);
  });
  MakeFetcher({});
  const std::vector<size_t> usual(600, 200);
  TextSink warm(usual);
  ASSERT_THAT(RunAll(usual, warm, Within(std::chrono::seconds(20))), IsOk());
  const std::vector<size_t> sizes = {777};
  TextSink sink(sizes);
  EXPECT_THAT(RunAll(sizes, sink, Within(std::chrono::seconds(20))), IsOk());
  EXPECT_EQ(ExpectNoWrongByte(sizes, sink), 1U);
  EXPECT_EQ(slow_count, 2);
  EXPECT_GE(fetcher_->gauges().hedges_won, 1U);
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
  gate->Open();
}

TEST_F(FaultTest, AHedgeThatIsSilentTooIsSentAnew) {
  const auto gate = ThreadGate::Make();
  std::atomic<int> count = 0;
  peer_.SetHandler([&, gate](const ReceivedRequest& request) {
    if (request.target.contains("777-") && count.fetch_add(1) < 2) gate->Wait();
    return AnswerTo(request);
  });
  MakeFetcher({});
  const std::vector<size_t> usual(600, 200);
  TextSink warm(usual);
  ASSERT_THAT(RunAll(usual, warm, Within(std::chrono::seconds(20))), IsOk());
  const uint64_t begun_before = fetcher_->gauges().hedges_begun;
  const std::vector<size_t> sizes = {777};
  TextSink sink(sizes);
  EXPECT_THAT(RunAll(sizes, sink, Within(std::chrono::seconds(20))), IsOk());
  EXPECT_EQ(ExpectNoWrongByte(sizes, sink), 1U);
  EXPECT_GE(count, 3);
  EXPECT_EQ(fetcher_->gauges().hedges_begun, begun_before + 1);
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
  gate->Open();
}

TEST_F(FaultTest, CancelledAnywhereItReturnsItsMemory) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  MakeFetcher({});
  for (int round = 0; round < 20; ++round) {
    std::vector<size_t> sizes;
    for (int i = 0; i < 30; ++i) sizes.push_back(1 + random.Below(4 * kPartBytes));
    std::stop_source stop;
    const uint64_t stop_at = random.Below(40);
    class StoppingSink final : public PartSink {
     public:
      StoppingSink(std::stop_source& stop, uint64_t at) : stop_(stop), left_(at) {}
      void OnPart(Part) override {
        if (left_.fetch_sub(1) == 1) stop_.request_stop();
      }
      void OnReadEnd(size_t, Status) override {}

     private:
      std::stop_source& stop_;
      std::atomic<uint64_t> left_;
    };
    StoppingSink sink(stop, stop_at);
    size_t next = 0;
    const auto source = [&]() -> Result<std::optional<PlannedRead>> {
      if (next == sizes.size()) return std::nullopt;
      const size_t number = next++;
      return PlanOf(sizes[number], number);
    };
    CallContext context = Within(std::chrono::seconds(20));
    context.stop = stop.get_token();
    const Status outcome = fetcher_->Run(source, sink, context);
    EXPECT_TRUE(outcome || outcome.error().code() == ErrorCode::kCancelled);
    EXPECT_EQ(fetcher_->memory_bytes_taken(), 0U);
  }
}

}  // namespace
}  // namespace headrace::fetch
