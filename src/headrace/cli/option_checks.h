// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <CLI/App.hpp>

// What CLI11's own checks let through. Pure.
namespace headrace::cli {

// None of these adds to the option's type in --help: what it may be stands in its text.

// A number from `min` to `max`; unlike CLI::Range, "nan" is none.
CLI::Validator NumberFrom(double min, double max);

// Digits alone, of a value that 64 bits hold: no sign, no fraction. As a transformation it keeps
// CLI11 from taking leading zeros for octal digits.
CLI::Validator WholeNumber();
// The same from `min` to `max`.
CLI::Validator WholeNumberFrom(uint64_t min, uint64_t max = UINT64_MAX);

// Bytes above 0, as digits alone or with a unit: 1048576, 64KiB, 2GB; units are powers of 1024.
// Nothing with a sign and nothing that 64 bits do not hold. A transformation.
CLI::Validator Size();

// An option of a time as ParseSpan has it.
void AddSpan(CLI::App& app, const std::string& name,
             std::function<void(std::chrono::milliseconds)> set, const std::string& help);

CLI::Validator OneOf(std::vector<std::string> words);

// The name of an option or argument that was given an empty value, as a shell's unset variable
// gives it, and that would be taken for one not given; empty: there is none. Subcommands included.
std::string EmptyOption(const CLI::App& app);

}  // namespace headrace::cli
