// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/multipart_etag.h"

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"

namespace headrace {

std::optional<std::string> MultipartEtag(std::span<const PartInfo> parts) {
  constexpr size_t kMd5Bytes = 16;
  RunningDigest digest(DigestKind::kMd5);
  for (const PartInfo& part : parts) {
    const auto md5 = HexDecode(part.etag);
    if (!md5 || md5->size() != kMd5Bytes) return std::nullopt;
    digest.Update(AsBytes(*md5));
  }
  return fmt::format("{}-{}", HexEncode(AsBytes(digest.Finish())), parts.size());
}

}  // namespace headrace
