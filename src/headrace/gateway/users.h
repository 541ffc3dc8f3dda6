// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::gateway {

enum class Right : uint8_t { kRead, kWrite };

// A set of bucket names: whole names, and beginnings that end in '*' ("models-*", "*").
class BucketPatterns {
 public:
  BucketPatterns() = default;
  explicit BucketPatterns(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  bool Contains(std::string_view bucket) const;
  bool empty() const { return patterns_.empty(); }

 private:
  std::vector<std::string> patterns_;
};

struct User {
  s3::AccessKeys keys;  // With a session token: a request must carry it.
  BucketPatterns read;
  BucketPatterns write;

  bool May(Right right, std::string_view bucket) const {
    return (right == Right::kRead ? read : write).Contains(bucket);
  }
};

// Who may sign requests, and who may do what in which bucket. Immutable, so that a request judges
// by one version from its first byte to its last.
class Users {
 public:
  // A users file is read up to this size: some 5,000 users.
  static constexpr size_t kFileBytesMax = 1U << 20U;

  // TOML:
  //   [[user]]
  //   access_key = "TRAINER"
  //   secret_key = "…"
  //   read = ["datasets", "models-*"]
  //   write = ["models-*"]
  //   [anonymous]
  //   read = ["public"]
  // kInvalidArgument with file and line for anything else; never with a secret.
  static Result<Users> Parse(std::string_view toml, std::string_view file_name);

  // A user who may do everything. kAlreadyExists: the key is another user's.
  Status AddOwner(s3::AccessKeys keys);

  // Nobody may do anything.
  bool is_empty() const { return users_.empty() && anonymous_read_.empty(); }
  // Null: nobody has that key.
  const User* Find(std::string_view access_key_id) const;
  // What a request without a signature may do; write is never anybody's.
  bool MayAnyone(Right right, std::string_view bucket) const {
    return right == Right::kRead && anonymous_read_.Contains(bucket);
  }

 private:
  friend class UsersReader;

  std::map<std::string, User, std::less<>> users_;  // By access key.
  BucketPatterns anonymous_read_;
};

// Reads and parses a users file.
Result<Users> LoadUsers(const std::string& path);

}  // namespace headrace::gateway
