// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/clock.h"

namespace headrace::gateway {

// Builds an answer's XML text front to back.
class XmlAnswer {
 public:
  // Opens the root; End() closes it. S3's errors are in no namespace, and some clients look for
  // them there only; everything else is in S3's.
  enum class Namespace : uint8_t { kS3, kNone };
  explicit XmlAnswer(std::string_view root, Namespace its_namespace = Namespace::kS3);

  XmlAnswer& Open(std::string_view name);
  XmlAnswer& Close(std::string_view name);
  // <name>text</name>, escaped.
  XmlAnswer& Text(std::string_view name, std::string_view text);
  // Text that needs no escape, where it stands.
  XmlAnswer& Raw(std::string_view text);
  XmlAnswer& Number(std::string_view name, uint64_t number);
  XmlAnswer& Flag(std::string_view name, bool value) {
    return Text(name, value ? "true" : "false");
  }
  XmlAnswer& Time(std::string_view name, SystemTime time);
  // <ETag>"…"</ETag>
  XmlAnswer& Etag(std::string_view etag);
  XmlAnswer& Owner(std::string_view name = "Owner");

  std::string End() &&;

 private:
  std::string root_;
  std::string text_;
};

}  // namespace headrace::gateway
