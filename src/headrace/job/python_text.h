// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace headrace::job {

// AWS's training toolkit is written in Python, and scripts read what its json.dumps and str() make.
// These three make the same bytes.

// What json.loads makes of a hyperparameter's text, and the text itself as a string where it is not
// JSON. Integers beyond 64 bits become floats.
nlohmann::json DecodeHyperparameter(std::string_view text);

// json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).
std::string PythonJson(const nlohmann::json& value);

// A command-line argument's text: str(value), "" for null, "k=v,k=v" for an object.
std::string PythonArgument(const nlohmann::json& value);

}  // namespace headrace::job
