// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/webdataset.h"

namespace headrace::format {
namespace {

// "__index__", "__meta__/x": what WebDataset keeps for itself.
bool IsReserved(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('/'));
  return first.size() >= 4 && first.starts_with("__") && first.ends_with("__");
}

}  // namespace

std::optional<SampleName> ParseSampleName(std::string_view member_name) {
  if (IsReserved(member_name)) return std::nullopt;
  const size_t slash = member_name.rfind('/');
  const size_t last = slash == std::string_view::npos ? 0 : slash + 1;
  const size_t dot = member_name.find('.', last);
  if (dot == std::string_view::npos) return std::nullopt;
  if (dot == last) {
    // ".x" belongs to no sample, but the reader's pattern lets "a/.x" be field "x" of sample "a/".
    if (last == 0) return std::nullopt;
    const size_t before = slash == 0 ? std::string_view::npos : member_name.rfind('/', slash - 1);
    const size_t folder = before == std::string_view::npos ? 0 : before + 1;
    if (member_name.substr(folder, last - folder).contains('.')) return std::nullopt;
  }
  return SampleName{.key = member_name.substr(0, dot), .field = member_name.substr(dot + 1)};
}

}  // namespace headrace::format
