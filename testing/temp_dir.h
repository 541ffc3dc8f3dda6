// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/base/random.h"

namespace headrace::testing {

// A folder of its own below the system's temporary folder, removed with everything in it.
class TempDir {
 public:
  TempDir()
      : path_(std::filesystem::temp_directory_path() / ("headrace-test-" + RandomHex(kNameBytes))) {
    std::filesystem::create_directories(path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string string() const { return path_.string(); }
  // The full path of something inside.
  std::string Path(std::string_view relative) const { return (path_ / relative).string(); }

  // Writes a file, with the folders on its way, and says its full path.
  std::string Write(std::string_view relative, std::string_view text) const {
    const std::filesystem::path file = path_ / relative;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    HR_CHECK(out.good());
    return file.string();
  }
  // The whole file; nothing at all where there is none.
  std::string Read(std::string_view relative) const {
    std::ifstream in(path_ / relative, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  bool Has(std::string_view relative) const { return std::filesystem::exists(path_ / relative); }

 private:
  static constexpr size_t kNameBytes = 8;

  std::filesystem::path path_;
};

}  // namespace headrace::testing
