// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/blank_secrets.h"

#include <algorithm>
#include <array>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"

namespace headrace::s3 {
namespace {

// SigV4's and SigV2's parameters that let a reader of the log act as the signer.
constexpr std::array<std::string_view, 4> kSecretParameters = {
    "X-Amz-Signature", "X-Amz-Security-Token", "Signature", "X-Amz-S3session-Token"};

bool IsSecret(std::string_view name) {
  // An escaped letter must not carry a secret past us.
  const auto decoded = UriDecode(name, true);
  return std::ranges::any_of(kSecretParameters, [&](std::string_view secret) {
    return EqualIgnoringCase(decoded ? *decoded : name, secret);
  });
}

}  // namespace

std::string BlankSecrets(std::string_view target) {
  const size_t question = target.find('?');
  if (question == std::string_view::npos) return std::string(target);
  std::string blanked(target.substr(0, question + 1));
  std::string_view query = target.substr(question + 1);
  while (true) {
    const size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    const size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && IsSecret(parameter.substr(0, equals))) {
      blanked.append(parameter.substr(0, equals)).append("=-");
    } else {
      blanked += parameter;
    }
    if (end == std::string_view::npos) return blanked;
    blanked += '&';
    query.remove_prefix(end + 1);
  }
}

}  // namespace headrace::s3
