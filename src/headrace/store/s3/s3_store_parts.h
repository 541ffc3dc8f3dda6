// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/net/http_client.h"
#include "headrace/store/s3/credential_cache.h"
#include "headrace/store/s3/request_runner.h"
#include "headrace/store/s3/s3_store.h"

namespace headrace::s3 {

// What an S3Store is made of. Order matters: the runner uses what stands before it.
struct S3Store::Parts {
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<CredentialCache> credentials;  // Null: requests are not signed.
  std::unique_ptr<RequestRunner> runner;
  bool is_tls = false;
};

// The bytes of an upload in one piece, so that each try can send them again.
struct UploadBody {
  std::span<const std::byte> bytes;
  std::vector<std::byte> collected;  // Owns the bytes where the source did not have them in memory.
};
// kInvalidArgument: a source that is not in memory and larger than kCollectedBodyBytesMax, or that
// ends before or after its announced size.
Task<Result<UploadBody>> CollectBody(ByteSource& source, const std::string& attempt);

// "a=b&c=d" with the values encoded.
class QueryBuilder {
 public:
  QueryBuilder& Add(std::string_view name, std::string_view value);
  // A name without a value: "uploads=".
  QueryBuilder& Add(std::string_view name) { return Add(name, ""); }
  std::string Take() { return std::move(query_); }

 private:
  std::string query_;
};

// Answers that are one document: most of S3's are under 1 KiB.
inline constexpr size_t kShortTextBytesMax = 1 << 20;
// 1,000 keys of 1,024 bytes, each byte as %XX, and 400 bytes of markup around each.
inline constexpr size_t kListTextBytesMax = 8 << 20;

}  // namespace headrace::s3
