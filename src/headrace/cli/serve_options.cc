// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/serve_options.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/cli/option_checks.h"
#include "headrace/net/http_client.h"

namespace headrace::cli {
namespace {

bool IsDomainCharacter(char c) { return IsLetterOrDigit(c) || c == '-' || c == '.'; }

}  // namespace

std::string ListenAddress::UrlText(uint16_t actual_port) const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", actual_port);
}

Result<ListenAddress> ParseListen(const std::string& option, const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : ParseDecimal(std::string_view(text).substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}' is not HOST:PORT, such as 127.0.0.1:9000", option, text));
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return ListenAddress{.host = std::move(host), .port = static_cast<uint16_t>(*port)};
}

Status CheckAnonymous(const ServeOptions& options, const ListenAddress& address) {
  if (options.is_anonymous && !options.users_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--anonymous checks nobody, so --users has no meaning beside it; to let everyone "
                "read a bucket, name it under [anonymous] in the users file");
  }
  if (!options.is_anonymous || options.allows_anonymous_remote || net::IsLoopback(address.host)) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--anonymous on {} lets everyone who reaches this machine write; give "
                          "--allow-anonymous-remote too if that is meant",
                          address.host));
}

Result<std::vector<std::string>> DomainsOf(const ServeOptions& options) {
  std::vector<std::string> domains = {"localhost"};
  for (const std::string& domain : options.domains) {
    const bool is_name = !domain.empty() && std::ranges::all_of(domain, IsDomainCharacter);
    if (!is_name || domain.starts_with('.') || domain.ends_with('.')) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--domain '{}' is no domain name such as s3.example.com; it has no "
                              "port and no bucket",
                              domain));
    }
    domains.push_back(LowerCase(domain));
  }
  return domains;
}

Result<std::unique_ptr<net::TlsServerContext>> LoadTls(const ServeOptions& options) {
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--tls-cert and --tls-key belong together; only one of them is given");
  }
  if (options.tls_certificate.empty()) return nullptr;
  return net::TlsServerContext::Load(options.tls_certificate, options.tls_key);
}

void DeclareServeOptions(CLI::App& app, ServeOptions& options) {
  app.add_option("DIR", options.folder, "The folder to serve: its sub-folders are the buckets")
      ->required();
  app.add_option("--listen", options.listen, "Where to listen; port 0 takes any free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--access-key", options.access_key,
                 "Access key clients sign with; or HEADRACE_ACCESS_KEY. Without any, a pair is "
                 "made once and kept in DIR/.headrace/credentials")
      ->type_name("KEY");
  app.add_option("--secret-key", options.secret_key, "Its secret key; or HEADRACE_SECRET_KEY")
      ->type_name("KEY");
  app.add_option("--users", options.users_file,
                 "TOML file of users with keys and rights; read again on SIGHUP")
      ->type_name("FILE");
  app.add_option("--domain", options.domains,
                 "Take BUCKET.NAME in Host for a bucket, beside BUCKET.localhost; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--anonymous", options.is_anonymous, "Check no signatures");
  app.add_flag("--allow-anonymous-remote", options.allows_anonymous_remote,
               "Let --anonymous listen on other addresses than loopback");
  app.add_option("--tls-cert", options.tls_certificate,
                 "Serve https with this certificate: a PEM file, the chain behind it")
      ->type_name("FILE");
  app.add_option("--tls-key", options.tls_key, "The certificate's key: a PEM file")
      ->type_name("FILE");
  app.add_option("--durability", options.durability,
                 "object: flush each object to the disk before answering; none: do not")
      ->check(OneOf({"object", "none"}))
      ->type_name("object|none")
      ->capture_default_str();
  app.add_option("--etags", options.etags,
                 "md5: of what is sent, which some clients compare; random: says nothing of it, "
                 "which makes uploads cheaper")
      ->check(OneOf({"md5", "random"}))
      ->type_name("md5|random")
      ->capture_default_str();
  app.add_option("--threads", options.thread_count, "Event-loop threads, 1 to 64")
      ->type_name("COUNT")
      ->transform(WholeNumberFrom(1, 64))
      ->capture_default_str();
  DeclareOperationOptions(app, options.operation);
}

}  // namespace headrace::cli
