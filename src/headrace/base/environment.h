// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace headrace {

// A process's environment variables as a value. Only the face that owns the process (cli) reads the
// real ones; everything below is handed this.
class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string> variables)
      : variables_(std::move(variables)) {}
  // This process's own variables, as they are now.
  static Environment OfProcess();

  // The variable's value; empty when it is not set.
  std::string_view Get(const std::string& name) const;
  void Set(const std::string& name, std::string value) { variables_[name] = std::move(value); }
  const std::map<std::string, std::string>& variables() const { return variables_; }

 private:
  std::map<std::string, std::string> variables_;
};

}  // namespace headrace
