// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

// What CLI11's own checks let through. Pure.
namespace headrace::cli {

// None of these adds to the option's type in --help: what it may be stands in its text.

// A number from `min` to `max`; unlike CLI::Range, "nan" is none.
CLI::Validator NumberFrom(double min, double max);

// Digits alone, of a value that 64 bits hold: no sign, no fraction. `min`, `max`: inclusive.
CLI::Validator WholeNumber();
CLI::Validator WholeNumberFrom(uint64_t min, uint64_t max = UINT64_MAX);

// A size with or without a unit (512MiB, 500MB), above 0, as bytes.
CLI::Validator Size();

CLI::Validator OneOf(std::vector<std::string> words);

// The name of an option or argument that was given an empty value, as a shell's unset variable
// gives it, and that would be taken for one not given; empty: there is none. Subcommands included.
std::string EmptyOption(const CLI::App& app);

}  // namespace headrace::cli
