// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/media_type.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "headrace/base/text.h"

namespace headrace {
namespace {

using Row = std::pair<std::string_view, std::string_view>;
// Sorted by extension. What training data and what stands beside it come as (IANA names where there
// are any).
constexpr std::array kTypes{
    Row{"avif", "image/avif"},
    Row{"bmp", "image/bmp"},
    Row{"bz2", "application/x-bzip2"},
    Row{"css", "text/css"},
    Row{"csv", "text/csv"},
    Row{"flac", "audio/flac"},
    Row{"gif", "image/gif"},
    Row{"gz", "application/gzip"},
    Row{"h5", "application/x-hdf5"},
    Row{"htm", "text/html"},
    Row{"html", "text/html"},
    Row{"ico", "image/vnd.microsoft.icon"},
    Row{"jpeg", "image/jpeg"},
    Row{"jpg", "image/jpeg"},
    Row{"js", "text/javascript"},
    Row{"json", "application/json"},
    Row{"jsonl", "application/jsonl"},
    Row{"md", "text/markdown"},
    Row{"mkv", "video/x-matroska"},
    Row{"mp3", "audio/mpeg"},
    Row{"mp4", "video/mp4"},
    Row{"ogg", "audio/ogg"},
    Row{"parquet", "application/vnd.apache.parquet"},
    Row{"pdf", "application/pdf"},
    Row{"png", "image/png"},
    Row{"py", "text/x-python"},
    Row{"svg", "image/svg+xml"},
    Row{"tar", "application/x-tar"},
    Row{"tgz", "application/gzip"},
    Row{"tif", "image/tiff"},
    Row{"tiff", "image/tiff"},
    Row{"toml", "application/toml"},
    Row{"tsv", "text/tab-separated-values"},
    Row{"txt", "text/plain"},
    Row{"wasm", "application/wasm"},
    Row{"wav", "audio/wav"},
    Row{"webm", "video/webm"},
    Row{"webp", "image/webp"},
    Row{"xml", "application/xml"},
    Row{"xz", "application/x-xz"},
    Row{"yaml", "application/yaml"},
    Row{"yml", "application/yaml"},
    Row{"zip", "application/zip"},
    Row{"zst", "application/zstd"},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &Row::first));

}  // namespace

std::string_view MediaTypeOf(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string extension = LowerCase(name.substr(dot + 1));
  const auto row = std::ranges::lower_bound(kTypes, extension, {}, &Row::first);
  return row != kTypes.end() && row->first == extension ? row->second : std::string_view();
}

}  // namespace headrace
