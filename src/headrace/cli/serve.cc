// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/log.h"
#include "headrace/base/work_pool.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/print.h"
#include "headrace/cli/serve_options.h"
#include "headrace/gateway/gateway.h"
#include "headrace/gateway/key_pair_file.h"
#include "headrace/net/http_server.h"
#include "headrace/store/directory/directory_store.h"

namespace headrace::cli {
namespace {

struct Owners {
  std::vector<s3::AccessKeys> keys;
  std::string credentials_path;  // Where clients find them; empty: their givers know.
};

// The keys given, the environment's, or, without a users file, a pair of the folder's own.
Result<Owners> OwnersOf(CommandContext& context, ServeOptions& options) {
  if (options.is_anonymous) return Owners();
  const Environment& environment = context.world().environment;
  if (options.access_key.empty()) options.access_key = environment.Get("HEADRACE_ACCESS_KEY");
  if (options.secret_key.empty()) options.secret_key = environment.Get("HEADRACE_SECRET_KEY");
  if (options.access_key.empty() != options.secret_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an access key and a secret key belong together; only one of them is given");
  }
  if (!options.access_key.empty()) {
    const s3::AccessKeys given{.access_key_id = options.access_key,
                               .secret_access_key = options.secret_key};
    return Owners{.keys = {given}, .credentials_path = {}};
  }
  if (!options.users_file.empty()) return Owners();
  const std::string path = options.folder + "/.headrace/credentials";
  HR_TRY_ASSIGN(s3::AccessKeys keys, gateway::LoadOrMakeKeyPair(path));
  return Owners{.keys = {std::move(keys)}, .credentials_path = path};
}

// What a client's environment has to say; without a `url` its user knows how to reach us.
void TellClients(CommandContext& context, const std::string& credentials_path,
                 const std::string& url) {
  if (credentials_path.empty() || context.options().is_quiet) return;
  PrintLine(context.world().err,
            fmt::format("the key pair is in {}; clients use it with\n"
                        "  export AWS_SHARED_CREDENTIALS_FILE={}{}{}",
                        credentials_path, std::filesystem::absolute(credentials_path).native(),
                        url.empty() ? "" : " AWS_ENDPOINT_URL=", url));
}

Status ReloadUsers(const ServeOptions& options, gateway::Gateway& gateway) {
  if (options.users_file.empty()) return Ok();
  HR_TRY_ASSIGN(gateway::Users users, gateway::LoadUsers(options.users_file));
  return gateway.ReplaceUsers(std::move(users));
}

// What a SIGHUP could not replace stays as it was.
void Note(std::string_view what, const Status& reloaded) {
  if (reloaded) return;
  Log(LogLevel::kError, "kept the old {}: {}", what, reloaded.error().message());
}

// Each SIGHUP runs all of `reloads`, on this thread.
void WaitForStop(const CommandWorld& world, std::span<const std::function<void()>> reloads) {
  Hangups none;
  Hangups& hangups = world.hangups ? *world.hangups : none;
  while (hangups.Wait(world.stop)) {
    for (const auto& reload : reloads) reload();
  }
}

directory::DirectoryStoreOptions StoreOptionsOf(const ServeOptions& options) {
  directory::DirectoryStoreOptions store;
  if (options.durability == "none") store.durability = directory::Durability::kNone;
  if (options.etags == "random") store.etags = directory::Etags::kRandom;
  return store;
}

Result<ExitCode> Serve(CommandContext& context, ServeOptions& options) {
  HR_TRY_ASSIGN(const ListenAddress address, ParseListen("--listen", options.listen));
  HR_TRY(CheckAnonymous(options, address));
  HR_TRY_ASSIGN(const auto domains, DomainsOf(options));
  HR_TRY_ASSIGN(const auto tls, LoadTls(options));
  HR_TRY_ASSIGN(const auto operation, ServeOperation::Make(options.operation));
  EventLoops loops(options.thread_count);
  WorkPool pool(options.thread_count * 4);
  HR_TRY_ASSIGN(const auto store,
                directory::DirectoryStore::Open(options.folder, pool, StoreOptionsOf(options)));
  HR_TRY_ASSIGN(auto owners, OwnersOf(context, options));
  const std::string scheme = tls ? "https" : "http";
  gateway::GatewayOptions gateway_options;
  gateway_options.domains = domains;
  gateway_options.scheme = scheme;
  gateway_options.authenticator.users = std::move(owners.keys);
  gateway_options.authenticator.is_open = options.is_anonymous;
  gateway_options.shape = operation->shape();
  gateway_options.metrics = &operation->metrics();
  gateway_options.access_log = operation->access_log();
  gateway::Gateway gateway(*store, std::move(gateway_options), *context.world().clock);
  HR_TRY(ReloadUsers(options, gateway));
  net::HttpServerOptions server_options = operation->server_options();
  server_options.host = address.host;
  server_options.port = address.port;
  server_options.tls = tls.get();
  HR_TRY_ASSIGN(const auto server, net::HttpServer::Start(loops, gateway, server_options));
  HR_TRY_ASSIGN(const auto watch, operation->StartWatch(loops, *server));
  const std::string url = fmt::format("{}://{}", scheme, address.UrlText(server->port()));
  const bool is_everywhere = address.host == "0.0.0.0" || address.host == "::";
  TellClients(context, owners.credentials_path, is_everywhere ? "" : url);
  PrintLine(context.world().out, "listening on " + url);
  if (!watch.address.empty()) {
    PrintLine(context.world().out, fmt::format("metrics on http://{}/metrics", watch.address));
  }
  std::fflush(context.world().out);
  const std::vector<std::function<void()>> reloads = {
      [&] { Note("users", ReloadUsers(options, gateway)); },
      [&] {
        if (tls) Note("TLS certificate", tls->Reload());
      },
      [&] { operation->Reload(); }};
  WaitForStop(context.world(), reloads);
  server->Stop();
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareServe(CLI::App& app) {
  auto options = std::make_shared<ServeOptions>();
  DeclareServeOptions(app, *options);
  return [options](CommandContext& context) { return Serve(context, *options); };
}

}  // namespace headrace::cli
