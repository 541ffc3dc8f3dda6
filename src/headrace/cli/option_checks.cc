// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/option_checks.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/time_text.h"

namespace headrace::cli {

namespace {

// Of digits alone, and within 64 bits.
std::optional<uint64_t> WholeNumberIn(const std::string& text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

CLI::Validator NumberFrom(double min, double max) {
  const auto check = [min, max](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= min && value <= max) return {};
    return fmt::format("{} is not a number from {} to {}", text, min, max);
  };
  return {check, ""};
}

CLI::Validator WholeNumber() {
  const auto read = [](std::string& text) -> std::string {
    const auto value = WholeNumberIn(text);
    if (!value) return fmt::format("{} is not a whole number that 64 bits hold", text);
    text = std::to_string(*value);
    return {};
  };
  return {read, ""};
}

CLI::Validator WholeNumberFrom(uint64_t min, uint64_t max) {
  const auto read = [min, max](std::string& text) -> std::string {
    if (const auto value = WholeNumberIn(text); value && *value >= min && *value <= max) {
      text = std::to_string(*value);
      return {};
    }
    const std::string most = max == UINT64_MAX ? "" : fmt::format(" and at most {}", max);
    return fmt::format("{} is not a whole number of at least {}{}", text, min, most);
  };
  return {read, ""};
}

CLI::Validator Size() {
  const auto read = [](std::string& text) -> std::string {
    uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc()) return fmt::format("{} is not a size that 64 bits hold", text);
    if (value == 0) return fmt::format("{} is no size above 0", text);
    text = std::to_string(value) + std::string(stopped, end);
    return CLI::AsSizeValue(false)(text);
  };
  return {read, ""};
}

void AddSpan(CLI::App& app, const std::string& name,
             std::function<void(std::chrono::milliseconds)> set, const std::string& help) {
  const auto read = [name, set = std::move(set)](const std::string& text) {
    const auto span = ParseSpan(text);
    if (!span) throw CLI::ValidationError(name, span.error().message());
    set(*span);
  };
  app.add_option_function<std::string>(name, read, help)->type_name("TIME");
}

CLI::Validator OneOf(std::vector<std::string> words) {
  const auto check = [words = std::move(words)](const std::string& text) -> std::string {
    if (std::ranges::find(words, text) != words.end()) return {};
    return fmt::format("{} is not one of {}", text, fmt::join(words, ", "));
  };
  return {check, ""};
}

std::string EmptyOption(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty()) return option->get_name();
    }
  }
  for (const CLI::App* subcommand : app.get_subcommands()) {
    if (std::string name = EmptyOption(*subcommand); !name.empty()) return name;
  }
  return {};
}

}  // namespace headrace::cli
