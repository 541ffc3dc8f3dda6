// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <stop_token>

#include "headrace/deliver/file/read_in_order.h"
#include "headrace/deliver/file/upload_stream.h"

namespace headrace::cli {

// Reads what comes next on `stream`, past its buffer; kCancelled as soon as `stop` is requested,
// even while nothing comes. Lifetime: the stream outlives it.
file::ByteReader ReaderOf(std::FILE* stream, const std::stop_token& stop);

// Writes all bytes to `stream`. Lifetime: the stream outlives it.
file::ByteSink SinkOf(std::FILE* stream);

}  // namespace headrace::cli
