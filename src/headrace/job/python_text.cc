// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/python_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace headrace::job {
namespace {

using nlohmann::json;

// float.__repr__: the shortest digits that read back as the same number, in scientific notation
// below 1e-4 and from 1e16 on.
std::string PythonFloat(double number, bool is_json) {
  if (std::isnan(number)) return is_json ? "NaN" : "nan";
  if (std::isinf(number)) {
    return fmt::format("{}{}", number < 0 ? "-" : "", is_json ? "Infinity" : "inf");
  }
  char text[64];
  const auto scientific =
      std::to_chars(text, text + sizeof(text), number, std::chars_format::scientific);
  const std::string_view digits(text, static_cast<size_t>(scientific.ptr - text));
  const size_t e = digits.find('e');
  const int exponent = std::stoi(std::string(digits.substr(e + 1)));
  if (exponent < -4 || exponent >= 16) return std::string(digits);
  const auto fixed = std::to_chars(text, text + sizeof(text), number, std::chars_format::fixed);
  std::string plain(text, fixed.ptr);
  if (plain.find('.') == std::string::npos) plain += ".0";
  return plain;
}

std::string DumpString(const std::string& text) {
  return json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

// str.__repr__, with every character beyond ASCII taken for printable.
std::string PythonQuoted(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + quote;
}

std::string PythonRepr(const json& value);

std::string JoinedItems(const json& value) {
  std::string joined;
  for (const auto& [name, item] : value.items()) {
    if (!joined.empty()) joined += ", ";
    if (value.is_object()) joined += PythonQuoted(name) + ": ";
    joined += PythonRepr(item);
  }
  return joined;
}

std::string PythonRepr(const json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_number_float()) return PythonFloat(value.get<double>(), false);
  if (value.is_string()) return PythonQuoted(value.get_ref<const std::string&>());
  if (value.is_array()) return "[" + JoinedItems(value) + "]";
  if (value.is_object()) return "{" + JoinedItems(value) + "}";
  return value.dump();
}

std::string PythonStr(const json& value) {
  return value.is_string() ? value.get<std::string>() : PythonRepr(value);
}

}  // namespace

json DecodeHyperparameter(std::string_view text) {
  // Python's json reads these three; JSON has no name for them.
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::string(text);
  return value;
}

std::string PythonJson(const json& value) {
  if (value.is_number_float()) return PythonFloat(value.get<double>(), true);
  if (value.is_string()) return DumpString(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value.dump();
  std::string inside;
  for (const auto& [name, item] : value.items()) {
    if (!inside.empty()) inside += ',';
    if (value.is_object()) inside += DumpString(name) + ":";
    inside += PythonJson(item);
  }
  return value.is_object() ? "{" + inside + "}" : "[" + inside + "]";
}

std::string PythonArgument(const json& value) {
  if (value.is_null()) return "";
  if (!value.is_object()) return PythonStr(value);
  std::string joined;
  for (const auto& [name, item] : value.items()) {
    if (!joined.empty()) joined += ',';
    joined += name + "=" + PythonStr(item);
  }
  return joined;
}

}  // namespace headrace::job
