// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "headrace/net/head_parser.h"

namespace headrace::net {

// Reads the head of an answer as nearly every server sends it: HTTP/1.1, status 200 to 599 but for
// 204 and 304, fields of printable ASCII each in one line, and one Content-Length that says all
// there is to say about the body. `head` ends with its empty line.
//
// Nothing: it is not as plain, or it is wrong. The parser of head_parser.h then decides, which
// takes what this one takes for the same. It costs a third of that one.
std::optional<ParsedHead<HttpResponseHead>> ParsePlainHead(std::string_view head);

}  // namespace headrace::net
