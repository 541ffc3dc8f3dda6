// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/users.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/log.h"
#include "headrace/base/text.h"
#include "headrace/base/toml.h"
#include "headrace/base/unique_fd.h"

namespace headrace::gateway {
namespace {

constexpr size_t kKeyCharactersMax = 128;

// What fits a credential scope ("KEY/DATE/…") and a header unescaped.
bool IsAccessKey(std::string_view text) {
  return !text.empty() && text.size() <= kKeyCharactersMax && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < '\x7f' && c != '/' && c != ',' && c != '=' && c != '&';
  });
}

bool IsBucketPattern(std::string_view text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  constexpr size_t kBucketCharactersMax = 63;
  return text.size() <= kBucketCharactersMax && std::ranges::all_of(text, [](char c) {
           return IsLetterOrDigit(c) || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

// Reads one file; every error names it and the line.
class UsersReader {
 public:
  explicit UsersReader(std::string_view file_name) : file_name_(file_name) {}

  Result<Users> Read(const toml::table& table) const {
    Users users;
    for (const auto& [key, node] : table) {
      if (key.str() == "user") {
        HR_TRY(ReadUsers(node, users));
      } else if (key.str() == "anonymous") {
        HR_TRY(ReadAnonymous(node, users));
      } else {
        return Refuse(node.source(),
                      fmt::format("'{}' is neither [[user]] nor [anonymous]", key.str()));
      }
    }
    return users;
  }

  std::unexpected<Error> Refuse(const toml::source_region& place, std::string_view why) const {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", file_name_, place.begin.line, why));
  }

 private:
  Status ReadUsers(const toml::node& node, Users& users) const {
    const toml::array* entries = node.as_array();
    if (entries == nullptr) return Refuse(node.source(), "a user begins with [[user]]");
    for (const toml::node& entry : *entries) {
      const toml::table* table = entry.as_table();
      if (table == nullptr) return Refuse(entry.source(), "a user begins with [[user]]");
      HR_TRY(ReadUser(*table, users));
    }
    return Ok();
  }

  Status ReadUser(const toml::table& table, Users& users) const {
    User user;
    for (const auto& [key, node] : table) {
      const std::string_view name = key.str();
      if (name == "access_key") {
        HR_TRY_ASSIGN(user.keys.access_key_id, Text(name, node));
      } else if (name == "secret_key") {
        HR_TRY_ASSIGN(user.keys.secret_access_key, Text(name, node));
      } else if (name == "session_token") {
        HR_TRY_ASSIGN(user.keys.session_token, Text(name, node));
      } else if (name == "read") {
        HR_TRY_ASSIGN(user.read, Patterns(name, node));
      } else if (name == "write") {
        HR_TRY_ASSIGN(user.write, Patterns(name, node));
      } else {
        return Refuse(node.source(), fmt::format("'{}' is no setting of a user", name));
      }
    }
    if (!IsAccessKey(user.keys.access_key_id)) {
      return Refuse(table.source(),
                    "a user needs an access_key of 1 to 128 printable characters other than "
                    "space, '/', ',', '=' and '&'");
    }
    const std::string id = user.keys.access_key_id;
    if (user.keys.secret_access_key.empty()) {
      return Refuse(table.source(), fmt::format("the user '{}' has no secret_key", id));
    }
    if (!users.users_.emplace(id, std::move(user)).second) {
      return Refuse(table.source(), fmt::format("the access_key '{}' is given twice", id));
    }
    return Ok();
  }

  Status ReadAnonymous(const toml::node& node, Users& users) const {
    const toml::table* table = node.as_table();
    if (table == nullptr) return Refuse(node.source(), "'anonymous' must be a table");
    for (const auto& [key, value] : *table) {
      if (key.str() != "read") {
        return Refuse(
            value.source(),
            fmt::format("'{}' is no right that everyone can have; only 'read' is", key.str()));
      }
      HR_TRY_ASSIGN(users.anonymous_read_, Patterns(key.str(), value));
    }
    return Ok();
  }

  Result<std::string> Text(std::string_view name, const toml::node& node) const {
    auto text = node.value_exact<std::string>();
    if (!text) return Refuse(node.source(), fmt::format("'{}' must be a string", name));
    return *std::move(text);
  }

  Result<BucketPatterns> Patterns(std::string_view name, const toml::node& node) const {
    const toml::array* items = node.as_array();
    if (items == nullptr) {
      return Refuse(node.source(), fmt::format("'{}' must be a list of bucket names", name));
    }
    std::vector<std::string> patterns;
    for (const toml::node& item : *items) {
      HR_TRY_ASSIGN(std::string pattern, Text(name, item));
      if (pattern.empty() || !IsBucketPattern(pattern)) {
        return Refuse(item.source(), fmt::format("an entry of '{}' is no bucket name; a '*' may "
                                                 "only stand at the end of one",
                                                 name));
      }
      patterns.push_back(std::move(pattern));
    }
    return BucketPatterns(std::move(patterns));
  }

  std::string_view file_name_;
};

bool BucketPatterns::Contains(std::string_view bucket) const {
  return std::ranges::any_of(patterns_, [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return bucket == pattern;
    pattern.remove_suffix(1);
    return bucket.starts_with(pattern);
  });
}

Result<Users> Users::Parse(std::string_view toml, std::string_view file_name) {
  const UsersReader reader(file_name);
  const toml::parse_result parsed = toml::parse(toml);
  // What the parser says may quote the text, and the text is full of secrets.
  if (!parsed) return reader.Refuse(parsed.error().source(), "this is not TOML");
  return reader.Read(parsed.table());
}

Status Users::AddOwner(s3::AccessKeys keys) {
  std::string id = keys.access_key_id;
  const BucketPatterns all({"*"});
  User owner{.keys = std::move(keys), .read = all, .write = all};
  if (users_.emplace(id, std::move(owner)).second) return Ok();
  return Fail(ErrorCode::kAlreadyExists,
              fmt::format("the access key '{}' is a user's of the users file too", id));
}

const User* Users::Find(std::string_view access_key_id) const {
  const auto found = users_.find(access_key_id);
  return found == users_.end() ? nullptr : &found->second;
}

namespace {

// Less than the size: the file has ended. A pipe may keep its reader waiting, but not for ever: the
// thread that reloads is the one that stops the server.
Result<size_t> ReadFile(int file, std::span<char> target) {
  constexpr int kPatienceMs = 5'000;
  size_t size = 0;
  while (size < target.size()) {
    const ssize_t count = ::read(file, target.data() + size, target.size() - size);
    if (count == 0) break;
    if (count > 0) {
      size += static_cast<size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(Error::FromErrno(errno, "read the users file"));
    pollfd readable{.fd = file, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPatienceMs) == 0) {
      return Fail(ErrorCode::kTimedOut, "the users file is a pipe that gives nothing");
    }
  }
  return size;
}

}  // namespace

Result<Users> LoadUsers(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) {
    return std::unexpected(Error::FromErrno(errno, fmt::format("open the users file {}", path)));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    Log(LogLevel::kWarning, "the users file {} holds secret keys and everyone can read it", path);
  }
  std::string text(Users::kFileBytesMax + 1, '\0');
  HR_TRY_ASSIGN(const size_t size, ReadFile(file.get(), text));
  if (size > Users::kFileBytesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the users file {} is larger than 1 MiB", path));
  }
  text.resize(size);
  HR_TRY_ASSIGN(Users users, Users::Parse(text, path));
  // A file that is being written anew is empty for a moment.
  if (users.is_empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the users file {} names nobody; it needs a [[user]], or read for "
                            "[anonymous]",
                            path));
  }
  return users;
}

}  // namespace headrace::gateway
