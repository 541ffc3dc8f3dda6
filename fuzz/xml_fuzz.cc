// SPDX-License-Identifier: Apache-2.0
// The XML that requests carry and the XML that other servers answer with.
#include <string>

#include "fuzz/fuzz_input.h"
#include "headrace/base/error.h"
#include "headrace/gateway/xml_request.h"
#include "headrace/store/s3/s3_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  const std::string text(headrace::fuzz::TextOf(bytes, size_bytes));
  if (const auto order = headrace::gateway::ParseDelete(text)) {
    HR_CHECK(!order->items.empty() && order->items.size() <= 1000);
  }
  if (const auto parts = headrace::gateway::ParseComplete(text)) {
    HR_CHECK(!parts->empty() && parts->size() <= 10'000);
  }
  if (const auto tags = headrace::gateway::ParseTagging(text)) HR_CHECK(tags->size() <= 10);
  if (const auto tags = headrace::gateway::ParseTaggingHeader(text)) HR_CHECK(tags->size() <= 10);
  (void)headrace::gateway::CheckCreateBucket(text);
  (void)headrace::s3::ReadListPage(text);
  (void)headrace::s3::ReadBucketPage(text);
  (void)headrace::s3::ReadUploadId(text);
  (void)headrace::s3::ReadWriteResult(text);
  (void)headrace::s3::ReadDeleteResult(text);
  return 0;
}
