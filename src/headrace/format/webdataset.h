// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace headrace::format {

// A member's name as WebDataset reads it: the sample's key, with its folders, and the field.
struct SampleName {
  std::string_view key;    // "train/0001" of "train/0001.seg.png".
  std::string_view field;  // "seg.png": all after the first dot of the last path part.
};

// Nothing for a member that belongs to no sample: one without a dot after the first character of
// its last part, such as a directory, or "._x" and ".x" files. Consecutive members with equal keys
// are one sample. https://github.com/webdataset/webdataset#the-webdataset-format
std::optional<SampleName> ParseSampleName(std::string_view member_name);

}  // namespace headrace::format
