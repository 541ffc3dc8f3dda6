// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <memory>
#include <stop_token>
#include <string>

#include <fmt/format.h>

#include "headrace/base/work_pool.h"
#include "headrace/cli/commands.h"
#include "headrace/gateway/gateway.h"
#include "headrace/gateway/key_pair_file.h"
#include "headrace/net/http_server.h"
#include "headrace/store/directory/directory_store.h"

namespace headrace::cli {
namespace {

struct ServeOptions {
  std::string folder;
  std::string listen = "127.0.0.1:9000";
  std::string access_key;
  std::string secret_key;
  bool is_anonymous = false;
  bool allows_anonymous_remote = false;
  std::string durability = "object";
  size_t thread_count = 2;
};

struct ListenAddress {
  std::string host;
  uint16_t port = 0;
};

// "HOST:PORT", an IPv6 address in brackets.
Result<ListenAddress> ParseListen(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : net::ParseDecimal(std::string_view(text).substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--listen '{}' is not HOST:PORT, such as 127.0.0.1:9000", text));
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return ListenAddress{.host = std::move(host), .port = static_cast<uint16_t>(*port)};
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status CheckAnonymous(const ServeOptions& options, const ListenAddress& address) {
  if (!options.is_anonymous || options.allows_anonymous_remote || IsLoopback(address.host)) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--anonymous on {} lets everyone who reaches this machine write; give "
                          "--allow-anonymous-remote too if that is meant",
                          address.host));
}

// The keys given, the environment's, or a pair of the folder's own.
Result<std::vector<s3::AccessKeys>> Users(CommandContext& context, ServeOptions& options) {
  if (options.is_anonymous) return std::vector<s3::AccessKeys>();
  const Environment& environment = context.world().environment;
  if (options.access_key.empty()) options.access_key = environment.Get("HEADRACE_ACCESS_KEY");
  if (options.secret_key.empty()) options.secret_key = environment.Get("HEADRACE_SECRET_KEY");
  if (options.access_key.empty() != options.secret_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an access key and a secret key belong together; only one of them is given");
  }
  if (!options.access_key.empty()) {
    return std::vector<s3::AccessKeys>{
        {.access_key_id = options.access_key, .secret_access_key = options.secret_key}};
  }
  const std::string path = options.folder + "/.headrace/credentials";
  HR_TRY_ASSIGN(s3::AccessKeys keys, gateway::LoadOrMakeKeyPair(path));
  if (!context.options().is_quiet) {
    fmt::print(context.world().err,
               "the key pair is in {}; clients use it with\n"
               "  export AWS_SHARED_CREDENTIALS_FILE={}\n",
               path, path);
  }
  return std::vector<s3::AccessKeys>{std::move(keys)};
}

void WaitForStop(const std::stop_token& stop) {
  std::promise<void> stopped;
  const std::stop_callback on_stop(stop, [&] { stopped.set_value(); });
  stopped.get_future().wait();
}

Result<ExitCode> Serve(CommandContext& context, ServeOptions& options) {
  HR_TRY_ASSIGN(const ListenAddress address, ParseListen(options.listen));
  HR_TRY(CheckAnonymous(options, address));
  EventLoops loops(options.thread_count);
  WorkPool pool(options.thread_count * 4);
  const auto durability =
      options.durability == "none" ? directory::Durability::kNone : directory::Durability::kObject;
  HR_TRY_ASSIGN(const auto store,
                directory::DirectoryStore::Open(options.folder, pool, {.durability = durability}));
  HR_TRY_ASSIGN(auto users, Users(context, options));
  gateway::GatewayOptions gateway_options;
  gateway_options.authenticator.users = std::move(users);
  gateway_options.authenticator.is_open = options.is_anonymous;
  gateway::Gateway gateway(*store, std::move(gateway_options), *context.world().clock);
  HR_TRY_ASSIGN(
      const auto server,
      net::HttpServer::Start(loops, gateway, {.host = address.host, .port = address.port}));
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  fmt::print(context.world().out, "listening on http://{}{}{}:{}\n", is_ipv6 ? "[" : "",
             address.host, is_ipv6 ? "]" : "", server->port());
  std::fflush(context.world().out);
  WaitForStop(context.world().stop);
  server->Stop();
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareServe(CLI::App& app) {
  auto options = std::make_shared<ServeOptions>();
  app.add_option("DIR", options->folder, "The folder to serve: its sub-folders are the buckets")
      ->required();
  app.add_option("--listen", options->listen, "HOST:PORT; port 0 takes any free one")
      ->capture_default_str();
  app.add_option("--access-key", options->access_key,
                 "Access key clients sign with; or HEADRACE_ACCESS_KEY. Without any, a pair is "
                 "made once and kept in DIR/.headrace/credentials");
  app.add_option("--secret-key", options->secret_key, "Its secret key; or HEADRACE_SECRET_KEY");
  app.add_flag("--anonymous", options->is_anonymous, "Check no signatures");
  app.add_flag("--allow-anonymous-remote", options->allows_anonymous_remote,
               "Let --anonymous listen on other addresses than loopback");
  app.add_option("--durability", options->durability,
                 "object: flush each object to the disk before answering; none: do not")
      ->check(CLI::IsMember({"object", "none"}))
      ->capture_default_str();
  app.add_option("--threads", options->thread_count, "Event-loop threads")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  return [options](CommandContext& context) { return Serve(context, *options); };
}

}  // namespace headrace::cli
