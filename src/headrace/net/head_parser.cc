// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/head_parser.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

#include "headrace/base/text.h"
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

std::unexpected<Error> Malformed(std::string_view why) {
  return Fail(ErrorCode::kCorrupt, fmt::format("malformed HTTP head: {}", why));
}

// RFC 9112 lets a server take a line that ends with LF alone, and one that goes on in the next.
// Whoever stands in front of it may read such a head otherwise and see other requests: neither is
// taken. `head` may end before its head does.
Status CheckLines(std::string_view head) {
  for (size_t begin = 0; begin < head.size();) {
    if (begin > 0 && (head[begin] == ' ' || head[begin] == '\t')) {
      return Malformed("a line that goes on in the next");
    }
    const size_t newline = head.find('\n', begin);
    if (newline == std::string_view::npos) break;
    if (newline == begin || head[newline - 1] != '\r') {
      return Malformed("a line that does not end with CRLF");
    }
    begin = newline + 1;
  }
  return Ok();
}

// RFC 3986 section 3.2: an address or a name and perhaps a port, without a user.
bool IsHost(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return IsLetterOrDigit(c) || std::string_view("-._~%!$&'()*+;=:[]").contains(c);
  });
}

// What stands between "://" and the path of a target in absolute form; nothing: it is in another.
std::optional<std::string_view> AuthorityOf(std::string_view target) {
  const size_t scheme_end = target.find("://");
  if (target.starts_with('/') || scheme_end == std::string_view::npos) return std::nullopt;
  target.remove_prefix(scheme_end + 3);
  return target.substr(0, target.find_first_of("/?#"));
}

// RFC 9112 section 3.2: one Host, which only HTTP/1.0 may leave out. Section 6.1: the one transfer
// coding that is known here is chunked, and HTTP/1.0 has none.
Status CheckRequestFields(const ParsedHead<HttpRequestHead>& parsed) {
  size_t host_count = 0;
  for (const auto& [name, value] : parsed.head.headers.fields()) {
    if (EqualIgnoringCase(name, "Host")) {
      ++host_count;
      if (!IsHost(value)) return Malformed("bad Host");
    } else if (EqualIgnoringCase(name, "Transfer-Encoding")) {
      if (parsed.is_http_1_0 || !EqualIgnoringCase(value, "chunked")) {
        return Malformed("a Transfer-Encoding other than chunked");
      }
    }
  }
  const auto authority = AuthorityOf(parsed.head.target);
  if (authority && !EqualIgnoringCase(*authority, parsed.head.headers.Value("Host"))) {
    return Malformed("the target names another host than Host");
  }
  if (host_count > 1) return Malformed("multiple Host");
  if (host_count == 0 && !parsed.is_http_1_0) return Malformed("no Host");
  return Ok();
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
    return Malformed(error.message());
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
  HR_TRY(CheckLines({input.data(), size.value_or(input.size())}));
  if (!size) return std::optional<ParsedHead<HttpRequestHead>>();
  auto parsed = Parse<true, HttpRequestHead>(input.first(*size), false);
  if (parsed) HR_TRY(CheckRequestFields(**parsed));
  return parsed;
}

}  // namespace headrace::net
