// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/print.h"

#include <cerrno>
#include <string>

#include "headrace/plan/key_path.h"

namespace headrace::cli {

void PrintLine(std::FILE* stream, std::string_view line) {
  std::string whole(line);
  whole += '\n';
  std::fwrite(whole.data(), 1, whole.size(), stream);
}

void PrintShown(std::FILE* stream, std::string_view line) {
  PrintLine(stream, plan::ShownKey(line));
}

Status CheckWritten(std::FILE* stream) {
  errno = 0;
  const bool is_sent = std::fflush(stream) == 0;
  if (is_sent && std::ferror(stream) == 0) return Ok();
  const std::string attempt = "write to standard output";
  // An earlier failure's reason is lost: the stream keeps no more than that there was one.
  return Fail(ErrorCode::kResourceExhausted,
              errno != 0 ? Error::FromErrno(errno, attempt).message() : attempt + " failed");
}

}  // namespace headrace::cli
