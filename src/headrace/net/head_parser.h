// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <variant>

#include "headrace/base/error.h"
#include "headrace/net/http_message.h"

namespace headrace::net {

// Most bytes of a start line and its header fields. S3 allows 8 KiB of user headers; proxies and
// presigned URLs add some.
inline constexpr size_t kHeadBytesMax = 64 * 1024;

template <typename Head>
struct ParsedHead {
  Head head;
  HttpBodyFraming framing;
  bool keep_alive = true;
  bool is_http_1_0 = false;
  size_t head_size_bytes = 0;  // Of the input; what follows belongs to the body.
};

// Nothing: the input ends before the head does; call again with more (the whole input, not the
// rest). kCorrupt: not HTTP/1.x, or a framing that could be read in two ways.
template <typename Head>
using HeadParse = Result<std::optional<ParsedHead<Head>>>;

// Over one flat run of bytes, by Beast's parser; what is plain needs none. Pure: no I/O.
HeadParse<HttpResponseHead> ParseResponseHead(std::span<const char> input, bool request_was_head);
// kCorrupt also for what RFC 9112 lets a server take and a proxy before it may read otherwise:
// lines that end with LF alone or go on in the next, several Host fields, another coding than
// chunked.
HeadParse<HttpRequestHead> ParseRequestHead(std::span<const char> input);
// ParseResponseHead of a whole head, by Beast's parser whatever it looks like.
HeadParse<HttpResponseHead> ParseAnyResponseHead(std::span<const char> head, bool request_was_head);

}  // namespace headrace::net
