// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/head_parser.h"

#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

#include "headrace/net/plain_head.h"

namespace headrace::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

// A longer one is for the parser that knows all limits.
constexpr size_t kPlainHeadBytesMax = 8 * 1024;

std::string ToString(string_view text) { return {text.data(), text.size()}; }

// Collects start line and fields into our own types; bodies never pass through it.
template <bool kIsRequest, typename Head>
class Collector final : public http::basic_parser<kIsRequest> {
 public:
  Head head;
  bool is_http_1_0 = false;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    is_http_1_0 = version == 10;
    if constexpr (kIsRequest) {
      head.method = ToString(method);
      head.target = ToString(target);
    }
  }
  void on_response_impl(int status, string_view, int version, error_code&) override {
    is_http_1_0 = version == 10;
    if constexpr (!kIsRequest) head.status = status;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    head.headers.Add(ToString(name), ToString(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
};

// The size of the head at the front of `input`; nothing: it has not ended yet.
Result<std::optional<size_t>> HeadSizeIn(std::span<const char> input) {
  // Beast can stop in mid-head and continue; looking for the end first keeps one flat pass instead.
  const size_t end = std::string_view(input.data(), input.size()).find("\r\n\r\n");
  if (end != std::string_view::npos) return end + 4;
  if (input.size() < kHeadBytesMax) return std::nullopt;
  return Fail(ErrorCode::kCorrupt, fmt::format("HTTP head is over {} bytes", kHeadBytesMax));
}

template <bool kIsRequest, typename Head>
HeadParse<Head> Parse(std::span<const char> head, bool skip_body) {
  Collector<kIsRequest, Head> parser;
  parser.header_limit(kHeadBytesMax);
  parser.body_limit(boost::none);
  parser.skip(skip_body);
  error_code error;
  const size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error && error != http::error::need_more) {
    return Fail(ErrorCode::kCorrupt, "malformed HTTP head: " + error.message());
  }
  if (!parser.is_header_done() || used != head.size()) {
    return Fail(ErrorCode::kCorrupt, "malformed HTTP head");
  }
  ParsedHead<Head> parsed;
  parsed.framing.is_chunked = parser.chunked();
  if (const auto length = parser.content_length()) parsed.framing.content_length = *length;
  parsed.keep_alive = parser.keep_alive();
  parsed.is_http_1_0 = parser.is_http_1_0;
  parsed.head_size_bytes = head.size();
  parsed.head = std::move(parser.head);
  return std::optional<ParsedHead<Head>>(std::move(parsed));
}

}  // namespace

HeadParse<HttpResponseHead> ParseAnyResponseHead(std::span<const char> head,
                                                 bool request_was_head) {
  return Parse<false, HttpResponseHead>(head, request_was_head);
}

HeadParse<HttpResponseHead> ParseResponseHead(std::span<const char> input, bool request_was_head) {
  HR_TRY_ASSIGN(const std::optional<size_t> size, HeadSizeIn(input));
  if (!size) return std::optional<ParsedHead<HttpResponseHead>>();
  const std::span<const char> head = input.first(*size);
  if (!request_was_head && *size <= kPlainHeadBytesMax) {
    if (auto parsed = ParsePlainHead({head.data(), head.size()})) return parsed;
  }
  return ParseAnyResponseHead(head, request_was_head);
}

HeadParse<HttpRequestHead> ParseRequestHead(std::span<const char> input) {
  HR_TRY_ASSIGN(const std::optional<size_t> size, HeadSizeIn(input));
  if (!size) return std::optional<ParsedHead<HttpRequestHead>>();
  return Parse<true, HttpRequestHead>(input.first(*size), false);
}

}  // namespace headrace::net
