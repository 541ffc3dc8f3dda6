// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "headrace/base/log.h"
#include "headrace/cli/command.h"
#include "headrace/cli/help_format.h"
#include "headrace/cli/open_files.h"
#include "headrace/cli/option_checks.h"
#include "headrace/cli/print.h"
#include "headrace/cli/signal_watch.h"
#include "headrace/cli/trailing_command.h"
#include "headrace/cli/unknown_word.h"

namespace headrace::cli {
namespace {

std::string ExitCodeHelp() {
  std::string help = "Exit codes:\n";
  for (const ExitCodeMeaning& row : ExitCodeMeanings()) {
    fmt::format_to(std::back_inserter(help), "  {:>3}  {}\n", static_cast<int>(row.code),
                   row.meaning);
  }
  return help;
}

// A day: beyond it, nobody is waiting any more.
constexpr double kTimeoutSecondsMax = 86'400;

// Given in seconds, fractions included. Unset, `value` stays as it is.
void DeclareTimeout(CLI::App& app, const char* names, std::chrono::milliseconds& value,
                    const char* help) {
  app.add_option_function<double>(
         names,
         [&value](const double& seconds) {
           value =
               std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
         },
         help)
      ->type_name("SECONDS")
      ->check(NumberFrom(0.001, kTimeoutSecondsMax));
}

void DeclareGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--endpoint-url", options.s3.endpoint_url,
                 "The store, as http://HOST:PORT or https://HOST (default: AWS_ENDPOINT_URL_S3, "
                 "AWS_ENDPOINT_URL, the profile, then Amazon S3)")
      ->type_name("URL");
  app.add_option("--profile", options.s3.profile, "Profile of the shared AWS configuration files")
      ->type_name("NAME");
  app.add_option("--region", options.s3.region, "Region to sign for")->type_name("NAME");
  app.add_flag_callback(
      "--no-sign-request", [&signs = options.s3.sign_requests] { signs = false; },
      "Send requests without a signature (public buckets)");
  app.add_flag_callback(
      "--no-verify-ssl", [&verifies = options.s3.verify_tls] { verifies = false; },
      "Accept any TLS certificate");
  DeclareTimeout(app, "--read-timeout,--cli-read-timeout", options.s3.idle_timeout,
                 "A request with no byte sent or received for this long fails (default: 30)");
  DeclareTimeout(app, "--connect-timeout,--cli-connect-timeout", options.s3.connect_timeout,
                 "How long each address of the store may take to connect (default: 3.5)");
  AddSpan(
      app, "--timeout", [&options](std::chrono::milliseconds span) { options.timeout = span; },
      "The command ends after this long (90, 90s, 10m, 2h), done or not, as after Ctrl-C; of run, "
      "its preparation (default: no limit)");
  app.add_flag("-q,--quiet", options.is_quiet, "Print errors only");
  app.add_flag("--debug", options.is_debug,
               "Show each request, its retries and timing on standard error");
  app.add_flag("--json", options.is_json, "One JSON object per line on standard output");
}

constexpr std::string_view kFirstSteps =
    "First steps, the first line in a terminal of its own:\n"
    "  mkdir -p buckets && headrace serve buckets\n"
    "  export AWS_ENDPOINT_URL=http://127.0.0.1:9000  # and what the server says of its key pair\n"
    "  headrace mb s3://photos\n"
    "  headrace sync ./photos s3://photos\n"
    "  headrace run --channel training=s3://photos --base ./job -- python3 train.py\n";

// Commands by name with the actions their declarations gave.
struct DeclaredCommand {
  const Command* command;
  const CLI::App* app;
  CommandAction action;
};

std::vector<DeclaredCommand> DeclareCommands(CLI::App& app) {
  std::vector<DeclaredCommand> declared;
  for (const Command& command : Commands()) {
    CLI::App* subcommand =
        app.add_subcommand(std::string(command.name), std::string(command.summary));
    subcommand->group("Commands");
    subcommand->fallthrough();
    subcommand->footer(fmt::format(
        "\nExamples:\n{}\nOptions of every command (store, credentials, output): headrace --help\n",
        command.examples));
    declared.push_back({&command, subcommand, command.declare(*subcommand)});
  }
  return declared;
}

KnownWords WordsHere(const CLI::App& app) {
  KnownWords words;
  const auto add_options = [&words](const CLI::App& owner) {
    for (const CLI::Option* option : owner.get_options()) {
      for (const std::string& name : option->get_snames()) words.options.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) words.options.push_back("--" + name);
    }
  };
  for (const CLI::App* chosen : app.get_subcommands()) add_options(*chosen);
  add_options(app);
  if (!app.get_subcommands().empty()) return words;
  for (const Command& command : Commands()) words.commands.emplace_back(command.name);
  return words;
}

// What is wrong with the words that nothing has taken; empty: all were taken.
std::string UnknownWords(const CLI::App& app, std::span<const std::string> arguments) {
  std::vector<std::string> unknown = app.remaining(true);
  std::erase(unknown, "--");
  if (unknown.empty()) return {};
  const auto chosen = app.get_subcommands();
  if (IsServiceWord(unknown.front()) && arguments.front() == unknown.front()) {
    return fmt::format("leave out '{}': headrace {}", unknown.front(),
                       chosen.empty() ? "COMMAND" : chosen.front()->get_name());
  }
  const auto option =
      std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with('-'); });
  return UnknownWordText(option == unknown.end() ? unknown.front() : *option, WordsHere(app));
}

// CLI11's own words, unless a word that it does not know explains them.
std::string ParseFailureText(const CLI::ParseError& error, const CLI::App& app,
                             std::span<const std::string> arguments) {
  const int code = error.get_exit_code();
  const bool may_be_unknown = code == static_cast<int>(CLI::ExitCodes::ExtrasError) ||
                              code == static_cast<int>(CLI::ExitCodes::RequiredError);
  std::string text = may_be_unknown ? UnknownWords(app, arguments) : std::string();
  if (!text.empty()) return text;
  const bool lacks_command =
      code == static_cast<int>(CLI::ExitCodes::RequiredError) && app.get_subcommands().empty();
  return lacks_command ? "no command is given" : error.what();
}

void PrintFailure(const CommandWorld& world, std::string_view name, std::string_view message) {
  std::fflush(world.out);
  PrintShown(world.err, fmt::format("headrace {}: {}", name, message));
}

// `code`, unless what was printed did not get through.
ExitCode Written(const CommandWorld& world, std::string_view name, ExitCode code) {
  const Status written = CheckWritten(world.out);
  if (written) return code;
  PrintFailure(world, name, written.error().message());
  return ExitCodeOf(written.error().code());
}

std::string FailureText(const Error& error, const Command& command, const CommandContext& context) {
  const std::string way_on = command.way_on.empty() ? "" : fmt::format("; {}", command.way_on);
  // What Ctrl-C broke off is not at fault, whichever request it met.
  if (error.code() == ErrorCode::kCancelled && context.world().stop.stop_requested()) {
    return "interrupted" + way_on;
  }
  // A command that runs a program says itself what was not ready.
  const bool is_out_of_time =
      error.code() == ErrorCode::kTimedOut && context.is_out_of_time() && !command.runs_program;
  if (!is_out_of_time) return error.message();
  return fmt::format("not finished within --timeout: {}{}", error.message(), way_on);
}

ExitCode RunCommand(const DeclaredCommand& declared, GlobalOptions options, CommandWorld world) {
  if (options.is_debug) SetLogLevel(LogLevel::kDebug);
  std::optional<SignalWatch> watch;
  if (world.stops_on_signals && declared.command->outlives_its_reader) {
    std::signal(SIGPIPE, SIG_IGN);
  }
  if (world.stops_on_signals && !declared.command->handles_signals) {
    watch.emplace(declared.command->reloads_on_hangup);
    world.stop = watch->stop();
    world.hangups = watch->hangups();
  }
  // A program that runs under this one expects the limit it would have without.
  if (world.stops_on_signals && !declared.command->runs_program) RaiseOpenFilesMax(kTransferFiles);
  CommandContext context(std::move(options), std::move(world));
  const Result<ExitCode> result = declared.action(context);
  const CommandWorld& used = context.world();
  if (!result.has_value()) {
    PrintFailure(used, declared.command->name,
                 FailureText(result.error(), *declared.command, context));
    return ExitCodeOf(result.error().code());
  }
  return Written(used, declared.command->name, *result);
}

}  // namespace

ExitCode RunCommandLine(std::span<const std::string> arguments, CommandWorld world) {
  CLI::App app("headrace: the data path from S3-compatible object storage to the training step",
               "headrace");
  app.require_subcommand(1);
  app.set_version_flag("--version", "headrace " + world.version);
  app.formatter(MakeHelpFormatter());
  app.footer(fmt::format("\n{}\n{}\nMore about a command: headrace COMMAND --help\n",
                         ExitCodeHelp(), kFirstSteps));
  SplitArguments split = SplitTrailingCommand(arguments, Commands());
  GlobalOptions options{.trailing = std::move(split.trailing)};
  DeclareGlobalOptions(app, options);
  const std::vector<DeclaredCommand> declared = DeclareCommands(app);
  try {
    // CLI11 takes the arguments back to front.
    app.parse(std::vector<std::string>(split.own.rbegin(), split.own.rend()));
    const std::string empty = EmptyOption(app);
    if (!empty.empty()) {
      throw CLI::ValidationError(empty, "its value is empty; leave it out if that is meant");
    }
  } catch (const CLI::CallForHelp&) {
    const std::string help = app.help();
    std::fwrite(help.data(), 1, help.size(), world.out);
    return Written(world, "--help", ExitCode::kSuccess);
  } catch (const CLI::CallForVersion& version) {
    PrintLine(world.out, version.what());
    return Written(world, "--version", ExitCode::kSuccess);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string name = chosen.empty() ? "" : " " + chosen.front()->get_name();
    PrintLine(world.err, fmt::format("headrace{0}: {1}\nSee headrace{0} --help", name,
                                     ParseFailureText(error, app, split.own)));
    return ExitCode::kUsage;
  }
  const auto chosen =
      std::ranges::find_if(declared, [](const DeclaredCommand& one) { return one.app->parsed(); });
  HR_CHECK(chosen != declared.end());
  return RunCommand(*chosen, std::move(options), std::move(world));
}

}  // namespace headrace::cli
