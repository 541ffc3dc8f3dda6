// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>

// How --help looks: names and types on the left, wrapped text on the right, defaults and what
// excludes what said in words.
namespace headrace::cli {

// "  <left>   <right>", the right one wrapped; below the left one where that is long. Pure.
std::string TwoColumns(std::string_view left, std::string_view right);

std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter();

}  // namespace headrace::cli
