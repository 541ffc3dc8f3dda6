// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/App.hpp>

// What CLI11's own checks let through. Pure.
namespace headrace::cli {

// A number from `min` to `max`; unlike CLI::Range, "nan" is none.
CLI::Validator NumberFrom(double min, double max);

// Digits alone, of a value that 64 bits hold: no sign, no fraction.
CLI::Validator WholeNumber();

// The name of an option or argument that was given an empty value, as a shell's unset variable
// gives it, and that would be taken for one not given; empty: there is none. Subcommands included.
std::string EmptyOption(const CLI::App& app);

}  // namespace headrace::cli
