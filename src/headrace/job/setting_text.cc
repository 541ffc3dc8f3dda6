// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/setting_text.h"

#include <string>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

Result<Compression> ParseOutputCompression(std::string_view text) {
  if (EqualIgnoringCase(text, "NONE")) return Compression::kNone;
  if (EqualIgnoringCase(text, "GZIP")) return Compression::kGzip;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("output compression '{}' must be GZIP or NONE", text));
}

Result<CheckpointSpec> ParseCheckpoint(std::string_view text) {
  CheckpointSpec checkpoint;
  const size_t equals = text.find('=');
  checkpoint.s3_uri = text.substr(0, equals);
  if (equals != std::string_view::npos) {
    checkpoint.folder = text.substr(equals + 1);
    if (checkpoint.folder.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("checkpoint '{}' names no folder after '='", text));
    }
  }
  HR_TRY(While("checkpoint", ParseS3Uri(checkpoint.s3_uri)));
  return checkpoint;
}

}  // namespace headrace::job
