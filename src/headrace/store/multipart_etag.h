// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "headrace/store/object_store.h"

namespace headrace {

// The ETag of an object completed from these parts: the MD5 of the parts' MD5s and their number.
// Nothing when a part's ETag is no MD5 (encrypted with a customer's key, some servers).
std::optional<std::string> MultipartEtag(std::span<const PartInfo> parts);

}  // namespace headrace
