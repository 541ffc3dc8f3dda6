// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_failure.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace headrace::net {

std::string TakeTlsReason(std::string_view otherwise) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
    return "no TLS at the other end; is it an http:// address?";
  }
  return std::string(reason == nullptr ? otherwise : reason);
}

Status CheckTlsFile(std::string_view what, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return Ok();
  return std::unexpected(Error::FromErrno(errno, fmt::format("read the TLS {} {}", what, path)));
}

}  // namespace headrace::net
