// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/help_format.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace headrace::cli {
namespace {

constexpr size_t kLeftColumns = 30;
constexpr size_t kColumns = 100;

bool TakesMany(const CLI::Option& option) {
  return option.get_expected_max() >= CLI::detail::expected_max_vector_size;
}

class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { label("SUBCOMMAND", "COMMAND"); }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return TwoColumns(make_option_name(option, is_positional) + Form(*option, is_positional),
                      option->get_description() + Notes(*option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return TwoColumns(command->get_name(), command->get_description());
  }

 private:
  // What follows the name. Of arguments the usage line says it all.
  static std::string Form(const CLI::Option& option, bool is_positional) {
    if (is_positional || option.get_type_size() == 0) return {};
    const std::string type = option.get_type_name();
    return fmt::format(" {}{}", type, TakesMany(option) && !type.ends_with("...") ? " ..." : "");
  }
  static std::string Notes(const CLI::Option& option) {
    std::string notes;
    if (!option.get_default_str().empty()) {
      notes += fmt::format(" (default: {})", option.get_default_str());
    }
    std::vector<std::string> excluded;
    for (const CLI::Option* other : option.get_excludes()) excluded.push_back(other->get_name());
    std::ranges::sort(excluded);
    if (!excluded.empty()) notes += fmt::format(" (not with {})", fmt::join(excluded, ", "));
    return notes;
  }
};

}  // namespace

std::string TwoColumns(std::string_view left, std::string_view right) {
  std::string text = fmt::format("  {}", left);
  if (text.size() >= kLeftColumns && !right.empty()) text += '\n';
  size_t line_begin = text.ends_with('\n') ? text.size() : 0;
  while (!right.empty()) {
    const size_t end = std::min(right.find(' '), right.size());
    const std::string_view word = right.substr(0, end);
    right.remove_prefix(std::min(end + 1, right.size()));
    const size_t line_size = text.size() - line_begin;
    if (line_size > kLeftColumns && line_size + 1 + word.size() > kColumns) {
      text += '\n';
      line_begin = text.size();
    }
    const bool is_first = text.size() - line_begin < kLeftColumns;
    text.append(is_first ? kLeftColumns - (text.size() - line_begin) : 1, ' ');
    text += word;
  }
  return text + '\n';
}

std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter() {
  return std::make_shared<HelpFormatter>();
}

}  // namespace headrace::cli
