// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/post_policy.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

using nlohmann::json;

// No policy that a browser carries comes near it.
constexpr size_t kPolicyBytesMax = 20 * 1024;

std::unexpected<Error> Invalid(std::string_view why) {
  return FailS3("InvalidPolicyDocument", fmt::format("Invalid Policy: {}", why));
}

std::unexpected<Error> Denied(std::string_view why) {
  return FailS3("AccessDenied", fmt::format("Invalid according to Policy: {}", why));
}

Result<json> ParsePolicy(std::string_view policy_base64) {
  const auto text = Base64Decode(policy_base64);
  if (!text || text->size() > kPolicyBytesMax) return Invalid("it is not Base64 of a document");
  json policy = json::parse(*text, nullptr, false);
  if (!policy.is_object()) return Invalid("it is not a JSON document");
  for (const auto& [name, value] : policy.items()) {
    if (name != "expiration" && name != "conditions") {
      return Invalid(fmt::format("unexpected '{}'", name));
    }
  }
  return policy;
}

Status CheckExpiration(const json& policy, SystemTime now) {
  const auto found = policy.find("expiration");
  if (found == policy.end() || !found->is_string()) return Invalid("it has no expiration");
  const auto expiration = ParseIsoTime(found->get<std::string>());
  if (!expiration) return Invalid("its expiration is not a time such as 2026-12-31T12:00:00.000Z");
  if (*expiration <= now) return Denied("Policy expired.");
  return Ok();
}

// Fields that no condition has to name.
bool IsFree(std::string_view name) {
  return name == "policy" || name == "x-amz-signature" || name == "signature" ||
         name == "awsaccesskeyid" || name == "file" || name.starts_with("x-ignore-");
}

// The conditions that were met, and the size they allow.
class Checker {
 public:
  Checker(const FormFields& fields, std::string_view bucket) : fields_(fields), bucket_(bucket) {}

  Status Check(const json& condition) {
    if (condition.is_object()) {
      for (const auto& [name, value] : condition.items()) {
        if (!value.is_string()) return Invalid("a condition's value is not text");
        HR_TRY(CheckField("eq", name, value.get<std::string>()));
      }
      return condition.empty() ? Invalid("a condition is empty") : Ok();
    }
    if (!condition.is_array() || condition.size() != 3 || !condition[0].is_string()) {
      return Invalid("a condition is neither an object nor a list of three");
    }
    const std::string kind = LowerCase(condition[0].get<std::string>());
    if (kind == "content-length-range") return CheckRange(condition[1], condition[2]);
    if (kind != "eq" && kind != "starts-with") {
      return Invalid(fmt::format("a condition cannot be '{}'", kind));
    }
    if (!condition[1].is_string() || !condition[2].is_string()) {
      return Invalid("a condition's field or value is not text");
    }
    const std::string name = condition[1].get<std::string>();
    if (!name.starts_with('$')) return Invalid("a condition's field does not begin with '$'");
    return CheckField(kind, std::string_view(name).substr(1), condition[2].get<std::string>());
  }

  Status CheckNoOthers() const {
    for (const auto& [name, value] : fields_) {
      if (!IsFree(name) && !named_.contains(name)) {
        return Denied(fmt::format("Extra input fields: {}", name));
      }
    }
    return Ok();
  }

  const FileSizeRange& size() const { return size_; }

 private:
  Status CheckField(std::string_view kind, std::string_view given_name, const std::string& wanted) {
    const std::string name = LowerCase(given_name);
    const auto found = fields_.find(name);
    std::string_view value = found == fields_.end() ? std::string_view() : found->second;
    if (name == "bucket") value = bucket_;
    named_.insert(name);
    const bool holds = kind == "eq" ? value == wanted : value.starts_with(wanted);
    if (holds) return Ok();
    return Denied(fmt::format("Policy Condition failed: [\"{}\", \"${}\", \"{}\"]", kind,
                              given_name, wanted));
  }

  Status CheckRange(const json& low, const json& high) {
    // Some clients write the numbers as text.
    const auto number = [](const json& value) -> std::optional<uint64_t> {
      if (value.is_number_unsigned()) return value.get<uint64_t>();
      if (!value.is_string()) return std::nullopt;
      return ParseDecimal(value.get<std::string>());
    };
    const auto size_bytes_min = number(low);
    const auto size_bytes_max = number(high);
    if (!size_bytes_min || !size_bytes_max) return Invalid("content-length-range needs two sizes");
    size_.size_bytes_min = std::max(size_.size_bytes_min, *size_bytes_min);
    size_.size_bytes_max = std::min(size_.size_bytes_max, *size_bytes_max);
    return Ok();
  }

  const FormFields& fields_;
  const std::string_view bucket_;
  std::set<std::string, std::less<>> named_;
  FileSizeRange size_;
};

}  // namespace

Result<FileSizeRange> CheckPostPolicy(std::string_view policy_base64, const FormFields& fields,
                                      std::string_view bucket, SystemTime now) {
  HR_TRY_ASSIGN(const json policy, ParsePolicy(policy_base64));
  HR_TRY(CheckExpiration(policy, now));
  const auto conditions = policy.find("conditions");
  if (conditions == policy.end() || !conditions->is_array() || conditions->empty()) {
    return Invalid("it has no conditions");
  }
  Checker checker(fields, bucket);
  for (const json& condition : *conditions) HR_TRY(checker.Check(condition));
  HR_TRY(checker.CheckNoOthers());
  return checker.size();
}

}  // namespace headrace::gateway
