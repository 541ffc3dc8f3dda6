// SPDX-License-Identifier: Apache-2.0
// A request's head, and everything that is read out of it before anybody is known.
#include <string>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "headrace/base/error.h"
#include "headrace/gateway/router.h"
#include "headrace/gateway/s3_request.h"
#include "headrace/net/head_parser.h"
#include "headrace/store/s3/sigv4.h"

namespace {

using headrace::ByteRange;

void ReadS3(const headrace::net::HttpRequestHead& head) {
  static const std::vector<std::string> kDomains = {"localhost", "s3.example.com"};
  if (const auto target = headrace::gateway::ParseS3Target(head, kDomains)) {
    const bool has_copy_source = head.headers.Find("x-amz-copy-source").has_value();
    (void)headrace::gateway::FindRoute(head.method, *target, has_copy_source);
  }
  (void)headrace::gateway::ParseCopySource(head.headers.Value("x-amz-copy-source"));
  (void)headrace::gateway::AttributesOf(head.headers);
  (void)headrace::gateway::WriteConditionsOf(head.headers);
  for (const uint64_t size_bytes : {uint64_t{0}, uint64_t{10}, UINT64_MAX}) {
    const auto range = headrace::gateway::ParseRange(head.headers.Value("Range"), size_bytes);
    if (!range || !*range) continue;
    HR_CHECK((*range)->begin < (*range)->end && (*range)->end <= size_bytes);
  }
  const auto signature = headrace::s3::ParseSignature(head);
  if (!signature || !*signature) return;
  static headrace::s3::SigningKeyCache keys;
  (void)headrace::s3::ExpectedSignature(head, **signature, "secret", keys);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  const std::string_view input = headrace::fuzz::TextOf(bytes, size_bytes);
  const auto parsed = headrace::net::ParseRequestHead({input.data(), input.size()});
  (void)headrace::net::ParseResponseHead({input.data(), input.size()}, false);
  if (!parsed || !*parsed) return 0;
  HR_CHECK((*parsed)->head_size_bytes <= size_bytes);
  HR_CHECK(!(*parsed)->framing.is_chunked || !(*parsed)->framing.content_length);
  ReadS3((*parsed)->head);
  return 0;
}
