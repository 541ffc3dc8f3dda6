// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "headrace/base/json_line.h"
#include "headrace/base/text.h"
#include "headrace/base/time_text.h"
#include "headrace/cli/commands.h"
#include "headrace/cli/human_text.h"
#include "headrace/cli/look_up.h"
#include "headrace/cli/print.h"
#include "headrace/plan/key_path.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {
namespace {

// Name and value of everything a HEAD told beside size and user metadata; empty values included.
std::vector<std::pair<std::string_view, std::string>> Properties(const ObjectHead& head) {
  const ObjectAttributes& attributes = head.attributes;
  std::string checksum;
  if (head.checksum) {
    checksum = fmt::format("{} {}", ChecksumName(head.checksum->algorithm), head.checksum->value);
  }
  return {{"etag", head.info.etag},
          {"storage_class",
           head.info.storage_class.empty() ? std::string("STANDARD") : head.info.storage_class},
          {"checksum", checksum},
          {"content_type", attributes.content_type},
          {"content_encoding", attributes.content_encoding},
          {"content_disposition", attributes.content_disposition},
          {"content_language", attributes.content_language},
          {"cache_control", attributes.cache_control},
          {"expires", attributes.expires}};
}

std::string JsonOf(const S3Uri& uri, const ObjectHead& head) {
  JsonLine line;
  line.Add("bucket", uri.bucket).Add("key", uri.key).Add("size_bytes", head.info.size_bytes);
  line.Add("modified", IsoTime(head.info.modified));
  for (const auto& [name, value] : Properties(head)) line.AddIfAny(name, value);
  JsonLine metadata;
  for (const auto& [name, value] : head.attributes.user_metadata) metadata.Add(name, value);
  line.AddRaw("metadata", metadata.Text());
  return line.Text();
}

std::string TextOf(const S3Uri& uri, const ObjectHead& head) {
  std::string text = fmt::format("{}\n", plan::ShownKey(FormatS3Uri(uri.bucket, uri.key)));
  const auto add = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("  {:<20} {}\n", name, plan::ShownKey(value));
  };
  add("size", fmt::format("{} ({})", head.info.size_bytes, SizeText(head.info.size_bytes)));
  add("modified", LocalTimeText(head.info.modified));
  for (const auto& [name, value] : Properties(head)) {
    std::string shown(name);
    for (char& c : shown) c = c == '_' ? ' ' : c;
    if (!value.empty()) add(shown, value);
  }
  for (const auto& [name, value] : head.attributes.user_metadata) add("metadata " + name, value);
  text.pop_back();
  return text;
}

Result<std::string> Describe(CommandContext& context, ObjectStore& store, const S3Uri& uri) {
  const CallContext call = context.call();
  const bool is_json = context.options().is_json;
  if (uri.key.empty()) {
    HR_TRY(context.Run(store.HeadBucket(uri.bucket, call)));
    return is_json ? JsonLine().Add("bucket", uri.bucket).Text()
                   : fmt::format("s3://{}\n  {:<20} {}", uri.bucket, "bucket", "exists");
  }
  HR_TRY_ASSIGN(const ObjectHead head, LookUp(context, store, uri));
  return is_json ? JsonOf(uri, head) : TextOf(uri, head);
}

Result<ExitCode> Stat(CommandContext& context, const std::vector<std::string>& texts) {
  std::vector<S3Uri> uris;
  for (const std::string& text : texts) {
    HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
    uris.push_back(std::move(uri));
  }
  HR_TRY_ASSIGN(ObjectStore * store, context.Store());
  for (const S3Uri& uri : uris) {
    HR_TRY_ASSIGN(const std::string text, Describe(context, *store, uri));
    PrintLine(context.world().out, text);
  }
  return ExitCode::kSuccess;
}

}  // namespace

CommandAction DeclareStat(CLI::App& app) {
  auto uris = std::make_shared<std::vector<std::string>>();
  app.add_option("OBJECT", *uris, "Objects or buckets, as s3://BUCKET/KEY")->required();
  return [uris](CommandContext& context) { return Stat(context, *uris); };
}

}  // namespace headrace::cli
