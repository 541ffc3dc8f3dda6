// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "headrace/gateway/post_policy.h"
#include "headrace/store/object_store.h"

namespace headrace::gateway {

// The boundary of a multipart/form-data Content-Type; nothing: it is another type.
std::optional<std::string> FormBoundary(std::string_view content_type);

// A multipart/form-data body (RFC 7578): the fields in front of its file, then the file's bytes as
// a ByteSource. What follows the file is ignored, as S3 ignores it.
class FormBody final : public ByteSource {
 public:
  // `raw`, the whole body, outlives it.
  FormBody(ByteSource& raw, std::string_view boundary);

  // Reads up to the file's first byte. MalformedPOSTRequest; MaxPostPreDataLengthExceededError.
  Task<Result<FormFields>> ReadFields();
  // The name that the file's part gives; empty: none.
  const std::string& file_name() const { return file_name_; }
  // What Read tests the file's size against: EntityTooLarge, EntityTooSmall.
  void SetSizeRange(const FileSizeRange& range) { range_ = range; }

  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override;

 private:
  std::string_view unread() const { return std::string_view(input_).substr(begin_); }
  // Receives more; false: the body has ended.
  Task<Result<bool>> Fill();
  // Reads up to and with `mark` and gives what was in front of it.
  Task<Result<std::string>> ReadUntil(std::string_view mark);
  Task<Status> SkipToEnd();

  ByteSource& raw_;
  const std::string delimiter_;  // "\r\n--boundary"
  std::string input_;
  size_t begin_ = 0;
  size_t fields_bytes_ = 0;
  std::string file_name_;
  FileSizeRange range_;
  uint64_t file_bytes_ = 0;
  bool has_ended_ = false;
};

}  // namespace headrace::gateway
