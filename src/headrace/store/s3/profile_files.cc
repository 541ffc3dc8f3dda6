// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/profile_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/base/unique_fd.h"

namespace headrace::s3 {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

constexpr std::string_view kBlanks = " \t\r";

bool IsBlank(char c) { return kBlanks.contains(c); }

// A '#' or ';' after a blank begins a comment; inside a word (a secret may hold '#') it does not.
std::string_view WithoutComment(std::string_view line) {
  for (size_t i = 1; i < line.size(); ++i) {
    if ((line[i] == '#' || line[i] == ';') && IsBlank(line[i - 1])) return line.substr(0, i);
  }
  return line;
}

struct NameValue {
  std::string name;
  std::string value;
};
std::optional<NameValue> SplitAssignment(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  NameValue pair{.name = LowerCase(Trim(line.substr(0, equals), kBlanks)),
                 .value = std::string(Trim(WithoutComment(line.substr(equals + 1)), kBlanks))};
  if (pair.name.empty()) return std::nullopt;
  return pair;
}

// "profile train" with the word gone and quotes removed; nothing when the header is of another
// kind.
std::optional<std::string> NameAfter(std::string_view header, std::string_view word) {
  if (!header.starts_with(word)) return std::nullopt;
  std::string_view rest = header.substr(word.size());
  if (rest.empty() || !IsBlank(rest.front())) return std::nullopt;
  rest = Trim(rest, kBlanks);
  if (rest.size() >= 2 && (rest.front() == '"' || rest.front() == '\'') &&
      rest.back() == rest.front()) {
    rest = rest.substr(1, rest.size() - 2);
  }
  return std::string(rest);
}

std::string PathFrom(const Environment& environment, const std::string& variable,
                     std::string_view in_home) {
  std::string path(environment.Get(variable));
  const std::string home(environment.Get("HOME"));
  if (path.empty()) return home.empty() ? std::string() : home + std::string(in_home);
  if (path.starts_with("~/")) return home + path.substr(1);
  return path;
}

Result<std::string> ReadIfThere(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = ReadSmallFile(path);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::string();
  if (!text) {
    return Fail(ErrorCode::kInvalidArgument, text.error().message() +
                                                 "; correct the file or set "
                                                 "another");
  }
  if (const size_t line = BrokenLine(*text); line != 0) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}, line {}: neither [SECTION] nor NAME = VALUE; correct it", path, line));
  }
  return text;
}

}  // namespace

std::string_view ValueOf(const ProfileValues& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string_view() : std::string_view(found->second);
}

const ProfileValues* ProfileFiles::Find(const std::string& profile) const {
  const auto found = profiles.find(profile);
  return found == profiles.end() ? nullptr : &found->second;
}

std::map<std::string, ProfileValues> ParseIni(std::string_view text) {
  std::map<std::string, ProfileValues> sections;
  ProfileValues* section = nullptr;
  std::string block;  // The name whose indented lines follow.
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view trimmed = Trim(line, kBlanks);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
    if (trimmed.front() == '[') {
      const size_t end = trimmed.find(']');
      if (end == std::string_view::npos) continue;
      section = &sections[std::string(Trim(trimmed.substr(1, end - 1), kBlanks))];
      block.clear();
      continue;
    }
    auto pair = SplitAssignment(line);
    if (section == nullptr || !pair) continue;
    if (IsBlank(line.front()) && !block.empty()) {
      (*section)[block + "." + pair->name] = std::move(pair->value);
    } else {
      block = pair->value.empty() ? pair->name : std::string();
      (*section)[pair->name] = std::move(pair->value);
    }
  }
  return sections;
}

size_t BrokenLine(std::string_view text) {
  bool has_section = false;
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view trimmed = Trim(line, kBlanks);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
    const bool is_header = trimmed.front() == '[';
    if (is_header && !trimmed.contains(']')) return number;
    if (is_header) has_section = true;
    if (!has_section) return number;
    const bool is_assignment = trimmed.find_first_of("=:") != std::string_view::npos;
    if (!is_header && !is_assignment && !IsBlank(line.front())) return number;
  }
  return 0;
}

ProfileFiles MergeProfileFiles(std::string_view config_text, std::string_view credentials_text) {
  ProfileFiles files;
  for (auto& [header, values] : ParseIni(config_text)) {
    if (header == "default") {
      // [profile default] wins over [default] where both are there.
      for (auto& [name, value] : values) files.profiles["default"].try_emplace(name, value);
    } else if (const auto profile = NameAfter(header, "profile")) {
      for (auto& [name, value] : values) files.profiles[*profile][name] = value;
    } else if (const auto services = NameAfter(header, "services")) {
      files.services[*services] = values;
    }
  }
  for (auto& [header, values] : ParseIni(credentials_text)) {
    for (auto& [name, value] : values) files.profiles[header][name] = value;
    files.profiles[header];
  }
  return files;
}

Result<std::string> ReadSmallFile(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return std::unexpected(Error::FromErrno(errno, "open " + path));
  std::string text;
  std::array<char, 16 * 1024> piece{};
  while (true) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Error::FromErrno(errno, "read " + path));
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > kFileBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "read " + path + ": larger than 1 MiB");
    }
  }
}

Result<ProfileFiles> ReadProfileFiles(const Environment& environment) {
  const std::string config_path = PathFrom(environment, "AWS_CONFIG_FILE", "/.aws/config");
  const std::string credentials_path =
      PathFrom(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  HR_TRY_ASSIGN(const std::string config_text, ReadIfThere(config_path));
  HR_TRY_ASSIGN(const std::string credentials_text, ReadIfThere(credentials_path));
  ProfileFiles files = MergeProfileFiles(config_text, credentials_text);
  files.config_path = config_path;
  files.credentials_path = credentials_path;
  return files;
}

}  // namespace headrace::s3
