// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/remove_prefix.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/deliver/file/batch_delete.h"
#include "headrace/plan/list_prefix.h"

namespace headrace::cli {

Status RemovePrefix(CommandContext& context, ObjectStore& store, const S3Uri& prefix,
                    const file::PathFilter& filter, bool is_dry_run, TransferDisplay& display) {
  const auto step_for = [&prefix](const std::string& key) {
    return Step{
        .verb = "delete", .source = FormatS3Uri(prefix.bucket, key), .target = {}, .size_bytes = 0};
  };
  const auto on_key = [&](const std::string& key, const Error* error) {
    if (error != nullptr) {
      display.OnFailed(step_for(key), *error);
    } else {
      display.OnDone(step_for(key));
    }
  };
  plan::PrefixStream objects(store, context.loops(),
                             {.bucket = prefix.bucket, .prefix = prefix.key}, plan::ListOptions{},
                             context.call());
  file::BatchDelete deletes(store, context.loops(), prefix.bucket, on_key, context.call());
  while (true) {
    Result<std::optional<ObjectInfo>> object = objects.Next();
    if (!object.has_value() || !*object) {
      deletes.Finish();
      if (object.has_value()) display.OnAllFound();
      return object.has_value() ? Ok() : Status(std::unexpected(std::move(object).error()));
    }
    std::string key = std::move((*object)->key);
    if (!filter.Includes(std::string_view(key).substr(prefix.key.size()))) continue;
    if (is_dry_run) {
      display.OnWouldDo(step_for(key));
    } else {
      display.OnFound(0);
      display.AwaitRoom();
      deletes.Add(std::move(key));
    }
  }
}

}  // namespace headrace::cli
