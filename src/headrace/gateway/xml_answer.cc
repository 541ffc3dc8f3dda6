// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/xml_answer.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/time_text.h"
#include "headrace/base/utf8.h"
#include "headrace/base/xml_text.h"

namespace headrace::gateway {
namespace {

// One file whose name is not UTF-8 must not make a whole listing unreadable.
std::string WithReplacements(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    valid += size > 0 ? text.substr(0, size) : std::string_view("\uFFFD");
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return valid;
}

}  // namespace

XmlAnswer::XmlAnswer(std::string_view root, Namespace its_namespace) : root_(root) {
  text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<";
  text_.append(root);
  if (its_namespace == Namespace::kS3) {
    text_.append(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
  }
  text_.append(">");
}

XmlAnswer& XmlAnswer::Open(std::string_view name) {
  text_.append("<").append(name).append(">");
  return *this;
}

XmlAnswer& XmlAnswer::Close(std::string_view name) {
  text_.append("</").append(name).append(">");
  return *this;
}

XmlAnswer& XmlAnswer::Text(std::string_view name, std::string_view text) {
  Open(name);
  if (IsUtf8(text)) {
    AppendXmlText(text_, text);
  } else {
    AppendXmlText(text_, WithReplacements(text));
  }
  return Close(name);
}

XmlAnswer& XmlAnswer::Raw(std::string_view text) {
  text_.append(text);
  return *this;
}

XmlAnswer& XmlAnswer::Number(std::string_view name, uint64_t number) {
  const fmt::format_int digits(number);
  return Text(name, {digits.data(), digits.size()});
}

XmlAnswer& XmlAnswer::Time(std::string_view name, SystemTime time) {
  return Text(name, IsoTime(time));
}

XmlAnswer& XmlAnswer::Etag(std::string_view etag) {
  text_.append("<ETag>&quot;").append(etag).append("&quot;</ETag>");
  return *this;
}

XmlAnswer& XmlAnswer::Owner(std::string_view name) {
  return Open(name).Text("ID", "headrace").Text("DisplayName", "headrace").Close(name);
}

std::string XmlAnswer::End() && {
  text_.append("</").append(root_).append(">");
  return std::move(text_);
}

}  // namespace headrace::gateway
