// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/base/buffer.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// One object written from bytes whose number is not known before their end: parts go up while the
// next one is gathered. What fits into one part is a plain put. Nothing is visible before Finish.
//
// Threads: one at a time, which must not be an event loop; calls block while the part before is on
// its way. Memory: two parts. Lifetime: store, executor and context outlive it. Dropped before
// Finish has succeeded, it aborts what was begun.
class StreamedUpload {
 public:
  // Precondition: `part_size_bytes` times 10,000 holds the object.
  StreamedUpload(ObjectStore& store, Executor executor, S3Uri target, uint64_t part_size_bytes,
                 ObjectAttributes attributes, const CallContext& context);
  ~StreamedUpload();
  StreamedUpload(const StreamedUpload&) = delete;
  StreamedUpload& operator=(const StreamedUpload&) = delete;

  // Free room of the part being gathered; never empty.
  std::span<std::byte> room() { return gathered_.span().subspan(gathered_bytes_); }
  // The first `size_bytes` of room() now hold bytes of the object.
  Status Advance(size_t size_bytes);
  Status Finish();

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  struct Part;

  Status SendPart();
  Status AwaitPart();
  Status PutWhole();
  void Abort();

  ObjectStore& store_;
  Executor executor_;
  S3Uri target_;
  uint64_t part_size_bytes_;
  ObjectAttributes attributes_;
  const CallContext& context_;

  Buffer gathered_;
  size_t gathered_bytes_ = 0;  // Invariant: < part_size_bytes_ between calls.
  uint64_t size_bytes_ = 0;    // Of the object so far.
  MultipartUpload upload_;     // Its upload_id is empty until the first part is full.
  std::vector<PartInfo> parts_;
  std::unique_ptr<Part> on_its_way_;
};

}  // namespace headrace::job
