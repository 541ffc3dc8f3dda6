// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/option_checks.h"

#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace headrace::cli {

CLI::Validator NumberFrom(double min, double max) {
  const auto check = [min, max](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= min && value <= max) return {};
    return fmt::format("{} is not a number from {} to {}", text, min, max);
  };
  return {check, fmt::format("{} to {}", min, max)};
}

CLI::Validator WholeNumber() {
  const auto check = [](const std::string& text) -> std::string {
    uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stopped == end) return {};
    return fmt::format("{} is not a whole number that 64 bits hold", text);
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
