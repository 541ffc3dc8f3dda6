// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/key_pair_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "headrace/base/random.h"
#include "headrace/base/unique_fd.h"

namespace headrace::gateway {
namespace {

constexpr std::string_view kIdName = "aws_access_key_id = ";
constexpr std::string_view kSecretName = "aws_secret_access_key = ";

// The rest of the line that begins with `name`; empty: there is none.
std::string ValueOf(std::string_view text, std::string_view name) {
  const size_t found = text.find(name);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = text.substr(found + name.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

Result<s3::AccessKeys> Load(int file, const std::string& path) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return std::unexpected(Error::FromErrno(errno, "stat " + path));
  if ((status.st_mode & 077U) != 0) {
    return Fail(
        ErrorCode::kPermissionDenied,
        fmt::format("{} can be read by others; chmod 600 it, or delete it for a new pair", path));
  }
  std::array<char, 4096> bytes;
  const ssize_t count = ::read(file, bytes.data(), bytes.size());
  if (count < 0) return std::unexpected(Error::FromErrno(errno, "read " + path));
  const std::string_view text(bytes.data(), static_cast<size_t>(count));
  s3::AccessKeys keys{.access_key_id = ValueOf(text, kIdName),
                      .secret_access_key = ValueOf(text, kSecretName)};
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{} holds no key pair; delete it and a new one is made", path));
  }
  return keys;
}

}  // namespace

Result<s3::AccessKeys> LoadOrMakeKeyPair(const std::string& path) {
  {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.is_open()) return Load(file.get(), path);
  }
  if (errno != ENOENT) return std::unexpected(Error::FromErrno(errno, "open " + path));
  s3::AccessKeys keys{.access_key_id = "HR" + RandomHex(9), .secret_access_key = RandomHex(20)};
  const std::string text = fmt::format("[default]\n{}{}\n{}{}\n", kIdName, keys.access_key_id,
                                       kSecretName, keys.secret_access_key);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return std::unexpected(Error::FromErrno(errno, "make " + path));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return std::unexpected(Error::FromErrno(errno, "write " + path));
  }
  return keys;
}

}  // namespace headrace::gateway
