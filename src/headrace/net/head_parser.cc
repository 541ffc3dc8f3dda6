// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/head_parser.h"

#include <string>

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

namespace headrace::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

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

template <bool kIsRequest, typename Head>
HeadParse<Head> Parse(std::span<const char> input, bool skip_body) {
  const string_view text(input.data(), input.size());
  // Beast can stop in mid-head and continue; looking for the end first keeps one flat pass instead.
  const size_t end = text.find("\r\n\r\n");
  if (end == string_view::npos) {
    if (input.size() >= kHeadBytesMax) {
      return Fail(ErrorCode::kCorrupt, fmt::format("HTTP head is over {} bytes", kHeadBytesMax));
    }
    return std::optional<ParsedHead<Head>>();
  }
  Collector<kIsRequest, Head> parser;
  parser.header_limit(kHeadBytesMax);
  parser.body_limit(boost::none);
  parser.skip(skip_body);
  error_code error;
  const size_t head_size = end + 4;
  const size_t used = parser.put(boost::asio::const_buffer(input.data(), head_size), error);
  if (error && error != http::error::need_more) {
    return Fail(ErrorCode::kCorrupt, "malformed HTTP head: " + error.message());
  }
  if (!parser.is_header_done() || used != head_size) {
    return Fail(ErrorCode::kCorrupt, "malformed HTTP head");
  }
  ParsedHead<Head> parsed;
  parsed.framing.is_chunked = parser.chunked();
  if (const auto length = parser.content_length()) parsed.framing.content_length = *length;
  parsed.keep_alive = parser.keep_alive();
  parsed.is_http_1_0 = parser.is_http_1_0;
  parsed.head_size_bytes = head_size;
  parsed.head = std::move(parser.head);
  return std::optional<ParsedHead<Head>>(std::move(parsed));
}

}  // namespace

HeadParse<HttpResponseHead> ParseResponseHead(std::span<const char> input, bool request_was_head) {
  return Parse<false, HttpResponseHead>(input, request_was_head);
}

HeadParse<HttpRequestHead> ParseRequestHead(std::span<const char> input) {
  return Parse<true, HttpRequestHead>(input, false);
}

}  // namespace headrace::net
