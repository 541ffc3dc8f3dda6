// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string_view>

#include "headrace/base/error.h"

// Lines on the command's streams. A stream that cannot be written remembers it: nothing here fails
// or throws, and CheckWritten tells in the end.
namespace headrace::cli {

// One call for the whole line, so that lines of several threads do not mix. What a machine reads,
// or text of our own.
void PrintLine(std::FILE* stream, std::string_view line);

// For people: control characters in it, which could forge lines or drive the terminal, are shown as
// \x1b. Text that came from keys, metadata or servers.
void PrintShown(std::FILE* stream, std::string_view line);

// Sends what is buffered. kResourceExhausted when that or anything before it could not be written.
Status CheckWritten(std::FILE* stream);

}  // namespace headrace::cli
