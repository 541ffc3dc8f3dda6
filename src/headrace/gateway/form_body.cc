// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/form_body.h"

#include <algorithm>
#include <cstring>

#include "headrace/base/text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

// S3's own limit on all that stands in front of the file.
constexpr size_t kFieldsBytesMax = 20 * 1024;
constexpr size_t kFillBytes = 64 * 1024;

std::unexpected<Error> Malformed() {
  return FailS3("MalformedPOSTRequest",
                "the body is not well-formed multipart/form-data with a file as its last field");
}

// The value of a parameter: name="value" or name=value. Nothing: it is not there.
std::optional<std::string> Parameter(std::string_view header, std::string_view name) {
  const std::string lower = LowerCase(header);
  size_t at = 0;
  while ((at = lower.find(name, at)) != std::string::npos) {
    const size_t after = at + name.size();
    const bool is_whole = at > 0 && (lower[at - 1] == ';' || lower[at - 1] == ' ');
    at = after;
    if (!is_whole || after >= lower.size() || lower[after] != '=') continue;
    std::string_view value = header.substr(after + 1);
    if (value.starts_with('"')) {
      value.remove_prefix(1);
      return std::string(value.substr(0, value.find('"')));
    }
    return std::string(value.substr(0, value.find_first_of("; ")));
  }
  return std::nullopt;
}

struct PartHead {
  std::string name;
  std::optional<std::string> file_name;
};
Result<PartHead> ParsePartHead(std::string_view text) {
  PartHead head;
  while (!text.empty()) {
    const size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Malformed();
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (EqualIgnoringCase(line.substr(0, colon), "Content-Disposition")) {
      head.name = LowerCase(Parameter(value, "name").value_or(std::string()));
      head.file_name = Parameter(value, "filename");
    }
  }
  if (head.name.empty()) return Malformed();
  return head;
}

}  // namespace

std::optional<std::string> FormBoundary(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/form-data";
  if (!EqualIgnoringCase(content_type.substr(0, kType.size()), kType)) return std::nullopt;
  auto boundary = Parameter(content_type, "boundary");
  // RFC 2046 section 5.1.1.
  if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
  return boundary;
}

FormBody::FormBody(ByteSource& raw, std::string_view boundary)
    : raw_(raw), delimiter_(std::string("\r\n--").append(boundary)) {
  // The first boundary may stand at the very start.
  input_ = "\r\n";
}

Task<Result<bool>> FormBody::Fill() {
  input_.erase(0, begin_);
  begin_ = 0;
  const size_t used = input_.size();
  input_.resize(used + kFillBytes);
  const auto room = std::as_writable_bytes(std::span(input_).subspan(used));
  const auto count = co_await raw_.Read(room);
  input_.resize(used + count.value_or(0));
  if (!count) co_return std::unexpected(count.error());
  co_return *count > 0;
}

Task<Result<std::string>> FormBody::ReadUntil(std::string_view mark) {
  while (true) {
    const size_t found = unread().find(mark);
    const size_t size = found == std::string_view::npos ? unread().size() : found;
    if (fields_bytes_ + size > kFieldsBytesMax) {
      co_return FailS3("MaxPostPreDataLengthExceededError",
                       "the fields in front of the file have more than 20,480 bytes");
    }
    if (found != std::string_view::npos) {
      std::string text(unread().substr(0, found));
      begin_ += found + mark.size();
      fields_bytes_ += found;
      co_return text;
    }
    HR_CO_TRY_ASSIGN(const bool has_more, co_await Fill());
    if (!has_more) co_return Malformed();
  }
}

Task<Result<FormFields>> FormBody::ReadFields() {
  constexpr std::string_view kLineEnd = "\r\n";
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  FormFields fields;
  HR_CO_TRY(co_await ReadUntil(delimiter_));
  while (true) {
    // What follows a boundary on its line is blanks, or "--" at the end of all parts.
    HR_CO_TRY_ASSIGN(const std::string rest, co_await ReadUntil(kLineEnd));
    if (rest.find_first_not_of(" \t") != std::string::npos) co_return Malformed();
    HR_CO_TRY_ASSIGN(const std::string head_text, co_await ReadUntil(kHeadEnd));
    HR_CO_TRY_ASSIGN(PartHead head, ParsePartHead(head_text));
    if (head.name == "file") {
      file_name_ = head.file_name.value_or(std::string());
      co_return fields;
    }
    HR_CO_TRY_ASSIGN(std::string value, co_await ReadUntil(delimiter_));
    if (!fields.emplace(head.name, std::move(value)).second) {
      co_return FailS3("InvalidArgument", "the form has the field '" + head.name + "' twice");
    }
  }
}

Task<Status> FormBody::SkipToEnd() {
  while (true) {
    begin_ = input_.size();
    HR_CO_TRY_ASSIGN(const bool has_more, co_await Fill());
    if (!has_more) co_return Ok();
  }
}

Task<Result<size_t>> FormBody::Read(std::span<std::byte> target) {
  while (!has_ended_) {
    const size_t found = unread().find(delimiter_);
    // The last bytes may be the beginning of the delimiter.
    const size_t sure = found != std::string_view::npos ? found
                        : unread().size() >= delimiter_.size()
                            ? unread().size() - delimiter_.size() + 1
                            : 0;
    if (sure > 0) {
      const size_t count = std::min(sure, target.size());
      std::memcpy(target.data(), input_.data() + begin_, count);
      begin_ += count;
      file_bytes_ += count;
      if (file_bytes_ > range_.size_bytes_max) {
        co_return FailS3("EntityTooLarge", "the file is larger than the policy allows");
      }
      co_return count;
    }
    if (found != std::string_view::npos) {
      has_ended_ = true;
      HR_CO_TRY(co_await SkipToEnd());
      break;
    }
    HR_CO_TRY_ASSIGN(const bool has_more, co_await Fill());
    if (!has_more) co_return Malformed();
  }
  if (file_bytes_ < range_.size_bytes_min) {
    co_return FailS3("EntityTooSmall", "the file is smaller than the policy asks for");
  }
  co_return size_t{0};
}

}  // namespace headrace::gateway
