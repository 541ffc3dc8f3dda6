// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/store/object_store.h"

namespace headrace::gateway {

// The XML bodies that requests carry, with and without S3's namespace. All fail with MalformedXML.
// Most bytes of such a body: 1,000 keys of 1,024 bytes, each byte escaped.
inline constexpr size_t kXmlBytesMax = 8U << 20U;

struct DeleteOrder {
  struct Item {
    std::string key;
    std::string version_id;
    std::string etag;  // Without quotes; empty: whatever is there.
  };
  std::vector<Item> items;  // 1 to 1,000.
  bool is_quiet = false;
};
Result<DeleteOrder> ParseDelete(const std::string& xml);

// ETags without quotes.
Result<std::vector<PartInfo>> ParseComplete(const std::string& xml);

// InvalidTag for more than ten, doubled or over-long ones.
Result<std::map<std::string, std::string>> ParseTagging(const std::string& xml);
// The same from an x-amz-tagging header: "a=b&c=d".
Result<std::map<std::string, std::string>> ParseTaggingHeader(std::string_view header);

// Only well-formed or empty: the location that CreateBucket names does not matter here.
Status CheckCreateBucket(const std::string& xml);

}  // namespace headrace::gateway
