// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_state.h"

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/fetch/consumer.h"

namespace headrace::fetch {

std::optional<Checksum> CombineSums(ChecksumAlgorithm algorithm,
                                    const std::map<uint64_t, PartSum>& sums) {
  if (algorithm == ChecksumAlgorithm::kCrc64Nvme) {
    uint64_t whole = 0;
    for (const auto& [offset, sum] : sums) {
      whole = CombineCrc64Nvme(whole, sum.crc64_nvme, sum.size_bytes);
    }
    return ChecksumFromCrc(algorithm, whole);
  }
  if (algorithm == ChecksumAlgorithm::kCrc32c) {
    uint32_t whole = 0;
    for (const auto& [offset, sum] : sums) {
      whole = CombineCrc32c(whole, sum.crc32c, sum.size_bytes);
    }
    return ChecksumFromCrc(algorithm, whole);
  }
  if (algorithm == ChecksumAlgorithm::kCrc32) {
    uint32_t whole = 0;
    for (const auto& [offset, sum] : sums) {
      whole = CombineCrc32(whole, sum.crc32, sum.size_bytes);
    }
    return ChecksumFromCrc(algorithm, whole);
  }
  return std::nullopt;
}

ReadState::ReadState(PlannedRead plan, size_t number_in, std::shared_ptr<Consumer> consumer_in,
                     std::shared_ptr<MemoryAccount> account_in, std::stop_source stop)
    : planned(std::move(plan)),
      number(number_in),
      consumer(std::move(consumer_in)),
      account(std::move(account_in)),
      next_begin(planned.range.begin),
      stop_(std::move(stop)) {}

std::string ReadState::Name() const {
  return fmt::format("s3://{}/{}", planned.bucket, planned.key);
}

void ReadState::Close() {
  Status outcome = Ok();
  bool is_worth_another = false;
  {
    const MutexLock lock(mutex_);
    if (--requests_open_ > 0) return;
    if (failure_) outcome = std::unexpected(*failure_);
    if (auto damage = outcome ? Damage() : std::nullopt) {
      outcome = std::unexpected(std::move(*damage));
      is_worth_another = !is_second_time_;
    }
  }
  if (is_worth_another && consumer->ReadAgain(shared_from_this())) return;
  consumer->OnReadEnd(*this, std::move(outcome));
}

void ReadState::StartOver() {
  const MutexLock lock(mutex_);
  is_second_time_ = true;
  requests_open_ = 1;
  next_begin = planned.range.begin;
  is_expected_known_ = false;
  expected_.reset();
  sums_.clear();
}

void ReadState::Fail(Error error) {
  const MutexLock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

void ReadState::GiveUp(Error error) {
  Fail(std::move(error));
  stop_.request_stop();
}

bool ReadState::has_failed() const {
  const MutexLock lock(mutex_);
  return failure_.has_value();
}

ReadState::Sums ReadState::WantedSums() const {
  const MutexLock lock(mutex_);
  if (!is_verified_) return {};
  if (!is_expected_known_) return {.crc32c = true, .crc64_nvme = true, .crc32 = true};
  if (!expected_ || expected_->is_composite) return {};
  return {.crc32c = expected_->algorithm == ChecksumAlgorithm::kCrc32c,
          .crc64_nvme = expected_->algorithm == ChecksumAlgorithm::kCrc64Nvme,
          .crc32 = expected_->algorithm == ChecksumAlgorithm::kCrc32};
}

void ReadState::AddSum(const PartSum& sum) {
  const MutexLock lock(mutex_);
  sums_[sum.offset] = sum;
}

void ReadState::ExpectChecksum() {
  const MutexLock lock(mutex_);
  is_verified_ = true;
}

void ReadState::SetExpected(std::optional<Checksum> checksum) {
  const MutexLock lock(mutex_);
  is_expected_known_ = true;
  expected_ = std::move(checksum);
}

bool ReadState::IsSameVersion(const ObjectInfo& info) {
  const MutexLock lock(mutex_);
  if (!first_) {
    first_ = {.etag = info.etag, .modified = info.modified, .size_bytes = info.size_bytes};
    return true;
  }
  if (first_->size_bytes == 0) first_->size_bytes = info.size_bytes;
  if (first_->modified == SystemTime{}) first_->modified = info.modified;
  const bool is_size_known = info.size_bytes > 0;
  const bool is_time_needed = info.etag.empty() && info.modified != SystemTime{};
  return info.etag == first_->etag && (!is_size_known || info.size_bytes == first_->size_bytes) &&
         (!is_time_needed || info.modified == first_->modified);
}

Error ReadState::OtherVersion() const {
  return Error(ErrorCode::kPreconditionFailed,
               Name() + ": it was replaced while it was read; read it again");
}

std::string ReadState::etag() const {
  if (!planned.etag.empty()) return planned.etag;
  const MutexLock lock(mutex_);
  return first_ ? first_->etag : std::string();
}

std::optional<Error> ReadState::Damage() const {
  if (!expected_ || expected_->is_composite) return std::nullopt;
  const auto found = CombineSums(expected_->algorithm, sums_);
  if (!found || found->value == expected_->value) return std::nullopt;
  return Error(
      ErrorCode::kCorrupt,
      fmt::format("{}: {} is {} where the store says {}; the bytes were damaged on the way", Name(),
                  ChecksumName(expected_->algorithm), found->value, expected_->value));
}

}  // namespace headrace::fetch
