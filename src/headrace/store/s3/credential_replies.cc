// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/credential_replies.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "headrace/base/encoding.h"
#include "headrace/base/time_text.h"

namespace headrace::s3 {
namespace {

constexpr std::string_view kStsVersion = "2011-06-15";

std::unexpected<Error> BadReply(const std::string& source, std::string_view what) {
  return Fail(ErrorCode::kPermissionDenied, fmt::format("{}: {}", source, what));
}

std::string TextOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Credentials> ReadKeys(const nlohmann::json& object, const char* token_name,
                             const std::string& source) {
  Credentials credentials{.keys = {.access_key_id = TextOf(object, "AccessKeyId"),
                                   .secret_access_key = TextOf(object, "SecretAccessKey"),
                                   .session_token = TextOf(object, token_name)},
                          .expires = std::nullopt,
                          .source = source};
  if (credentials.keys.access_key_id.empty() || credentials.keys.secret_access_key.empty()) {
    return BadReply(source, "its answer has no AccessKeyId or SecretAccessKey");
  }
  const std::string expiration = TextOf(object, "Expiration");
  if (!expiration.empty()) {
    credentials.expires = ParseIsoTime(expiration);
    if (!credentials.expires)
      return BadReply(source, "its answer has an Expiration of no known form");
  }
  return credentials;
}

Result<nlohmann::json> ParseObject(std::string_view text, const std::string& source) {
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return BadReply(source, "its answer is not JSON");
  return json;
}

void AddField(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form.push_back('&');
  form.append(name).append("=").append(UriEncode(value));
}

}  // namespace

Result<Credentials> ReadEndpointReply(std::string_view json, const std::string& source) {
  HR_TRY_ASSIGN(const nlohmann::json object, ParseObject(json, source));
  const std::string code = TextOf(object, "Code");
  if (!code.empty() && code != "Success") {
    return BadReply(source, "it has no credentials to give (Code is not Success)");
  }
  return ReadKeys(object, "Token", source);
}

Result<Credentials> ReadProcessReply(std::string_view json, const std::string& source) {
  HR_TRY_ASSIGN(const nlohmann::json object, ParseObject(json, source));
  const auto version = object.find("Version");
  if (version == object.end() || !version->is_number_integer() || *version != 1) {
    return BadReply(source, "its output has another Version than 1");
  }
  return ReadKeys(object, "SessionToken", source);
}

Result<Credentials> ReadStsReply(std::string_view xml, const std::string& source) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) {
    return BadReply(source, "STS did not answer with XML");
  }
  // <AssumeRoleResponse><AssumeRoleResult><Credentials>, or the same with WithWebIdentity.
  const pugi::xml_node found = document.document_element().first_child().child("Credentials");
  Credentials credentials{.keys = {.access_key_id = found.child_value("AccessKeyId"),
                                   .secret_access_key = found.child_value("SecretAccessKey"),
                                   .session_token = found.child_value("SessionToken")},
                          .expires = ParseIsoTime(found.child_value("Expiration")),
                          .source = source};
  if (credentials.keys.access_key_id.empty() || credentials.keys.secret_access_key.empty() ||
      credentials.keys.session_token.empty()) {
    return BadReply(source, "the answer of STS holds no credentials");
  }
  return credentials;
}

std::string AssumeRoleForm(const AssumeRoleStep& step) {
  std::string form;
  AddField(form, "Action", "AssumeRole");
  AddField(form, "Version", kStsVersion);
  AddField(form, "RoleArn", step.role_arn);
  AddField(form, "RoleSessionName", step.session_name);
  if (!step.external_id.empty()) AddField(form, "ExternalId", step.external_id);
  if (!step.duration_seconds.empty()) AddField(form, "DurationSeconds", step.duration_seconds);
  return form;
}

std::string WebIdentityForm(const WebIdentityStep& step, std::string_view token) {
  std::string form;
  AddField(form, "Action", "AssumeRoleWithWebIdentity");
  AddField(form, "Version", kStsVersion);
  AddField(form, "RoleArn", step.role_arn);
  AddField(form, "RoleSessionName", step.session_name);
  AddField(form, "WebIdentityToken", token);
  return form;
}

Result<std::vector<std::string>> SplitCommand(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool is_in_word = false;
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && i + 1 < command.size() &&
                 (command[i + 1] == '"' || command[i + 1] == '\\')) {
        word.push_back(command[++i]);
      } else {
        word.push_back(c);
      }
    } else if (c == ' ' || c == '\t') {
      if (is_in_word) words.push_back(std::move(word));
      word.clear();
      is_in_word = false;
    } else {
      is_in_word = true;
      if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '\\' && i + 1 < command.size()) {
        word.push_back(command[++i]);
      } else {
        word.push_back(c);
      }
    }
  }
  if (is_in_word) words.push_back(std::move(word));
  if (quote != 0 || words.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "credential_process is no command line; check its quotes");
  }
  return words;
}

}  // namespace headrace::s3
