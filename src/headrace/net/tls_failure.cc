// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_failure.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <openssl/err.h>

namespace headrace::net {

std::string TakeTlsReason(std::string_view otherwise) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return std::string(reason == nullptr ? otherwise : reason);
}

Status CheckTlsFile(std::string_view what, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return Ok();
  return std::unexpected(Error::FromErrno(errno, fmt::format("read the TLS {} {}", what, path)));
}

}  // namespace headrace::net
