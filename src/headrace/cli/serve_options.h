// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "headrace/base/error.h"
#include "headrace/cli/serve_operation.h"
#include "headrace/net/tls_server_context.h"

namespace headrace::cli {

// What `headrace serve` was told; each option's meaning stands in its help text.
struct ServeOptions {
  std::string folder;
  std::string listen = "127.0.0.1:9000";
  std::string access_key;
  std::string secret_key;
  bool is_anonymous = false;
  bool allows_anonymous_remote = false;
  std::string users_file;
  std::vector<std::string> domains;
  std::string tls_certificate;
  std::string tls_key;
  std::string durability = "object";
  std::string etags = "md5";
  size_t thread_count = 2;
  OperationOptions operation;
};

struct ListenAddress {
  std::string host;
  uint16_t port = 0;

  // HOST:PORT as a URL has it: an IPv6 address in brackets.
  std::string UrlText(uint16_t actual_port) const;
};

// "HOST:PORT", an IPv6 address in brackets. `option` names the option in the error.
Result<ListenAddress> ParseListen(const std::string& option, const std::string& text);

// Refuses --anonymous together with --users, and on an address that other machines reach unless
// that was asked for.
Status CheckAnonymous(const ServeOptions& options, const ListenAddress& address);

// "localhost" and the --domain names in lower case. kInvalidArgument for one that is no domain
// name.
Result<std::vector<std::string>> DomainsOf(const ServeOptions& options);

// Null without --tls-cert and --tls-key, which belong together.
Result<std::unique_ptr<net::TlsServerContext>> LoadTls(const ServeOptions& options);

// `options` outlives the parsing of the command line.
void DeclareServeOptions(CLI::App& app, ServeOptions& options);

}  // namespace headrace::cli
