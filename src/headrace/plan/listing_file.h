// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/plan/listing.h"
#include "headrace/store/object_store.h"

namespace headrace::plan {

// Writes the listing in the binary format of docs/formats/listing.md. The file appears complete, by
// rename, or not at all. Blocks.
Status SaveListing(const Listing& listing, const std::string& path);

// Reads what SaveListing wrote, or lines as `headrace ls --recursive --json` prints them; the
// file's first bytes tell which. kCorrupt names the file and what is wrong with it. Blocks.
Result<Listing> LoadListing(const std::string& path);

// One line of `headrace ls --recursive --json`: an object with "key" and "size_bytes", and where
// known "etag", "modified" (RFC 3339) and "storage_class"; other members are ignored. kCorrupt says
// what is wrong, not where.
Result<ObjectInfo> ParseListingLine(std::string_view line);

}  // namespace headrace::plan
