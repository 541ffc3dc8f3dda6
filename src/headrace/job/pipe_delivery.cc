// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/pipe_delivery.h"

#include <sys/eventfd.h>

#include <utility>

#include "headrace/base/event_fd.h"

namespace headrace::job {

void PipeDelivery::Add(PipeChannel channel) {
  HR_CHECK(!fetcher_.has_value());
  channels_.push_back(std::make_unique<PipeChannel>(std::move(channel)));
  if (!faces_) return;
  Face& face = channel_faces_.emplace_back();
  face.metrics = std::make_shared<s3::S3Metrics>(s3::kS3Metrics);
  face.store = faces_(face.metrics);
  channels_.back()->ReadThrough(*face.store);
}

Status PipeDelivery::Start(const std::string& folder) {
  if (channels_.empty()) return Ok();
  HR_TRY_ASSIGN(failed_event_, MakeEventFd());
  fetcher_.emplace(store_, loops_, options_.fetch);
  for (const auto& channel : channels_) {
    pipe::PipeFeedOptions options{
        .folder = folder, .channel = channel->name(), .framing = channel->framing()};
    HR_TRY_ASSIGN(auto feed,
                  While("channel " + channel->name(),
                        pipe::PipeFeed::Start(
                            std::move(options),
                            [raw = channel.get()](uint64_t epoch, const CallContext& context) {
                              return raw->Epoch(epoch, context);
                            },
                            *fetcher_,
                            [this, raw = channel.get()](const Error& error) {
                              KeepFailure(raw->name(), error);
                            })));
    feeds_.push_back(std::move(feed));
  }
  return Ok();
}

void PipeDelivery::KeepFailure(const std::string& channel, const Error& error) {
  {
    const MutexLock lock(mutex_);
    if (!failure_) failure_ = Error(error).While("channel " + channel);
  }
  HR_CHECK(eventfd_write(failed_event_.get(), 1) == 0);
}

std::vector<PipeChannelReport> PipeDelivery::Stop() {
  std::vector<PipeChannelReport> reports;
  for (size_t i = 0; i < feeds_.size(); ++i) {
    feeds_[i]->Stop();
    const PipeChannel& channel = *channels_[i];
    const pipe::PipeReport counts = feeds_[i]->report();
    reports.push_back({.name = channel.name(),
                       .counts = counts,
                       .retries = faces_ ? s3::RetryCount(*channel_faces_[i].metrics) : 0,
                       .next = channel.ResumeAt(counts.last_epoch, counts.last_epoch_items)});
  }
  feeds_.clear();
  return reports;
}

std::optional<Error> PipeDelivery::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

}  // namespace headrace::job
