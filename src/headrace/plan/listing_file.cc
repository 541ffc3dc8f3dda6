// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/listing_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/random.h"
#include "headrace/plan/listing_format.h"

namespace headrace::plan {
namespace {

// A key of 1,024 bytes written as \u escapes takes 6 KiB; the rest of a line is short.
constexpr size_t kLineBytesMax = 64U << 10U;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  bool WriteAll(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }
  bool Sync() { return ::fsync(descriptor_) == 0; }

 private:
  int descriptor_;
};

bool WriteListing(const Listing& listing, File& file) {
  const ListingWriter writer(listing);
  if (!file.WriteAll(writer.Head())) return false;
  for (size_t i = 0; i < writer.block_count(); ++i) {
    if (!file.WriteAll(writer.Block(i))) return false;
  }
  return file.Sync();
}

std::unexpected<Error> Corrupt(const std::string& path, std::string_view what) {
  return Fail(ErrorCode::kCorrupt, fmt::format("listing '{}': {}", path, what));
}

bool ReadExactly(std::istream& file, std::span<std::byte> target) {
  file.read(reinterpret_cast<char*>(target.data()), static_cast<std::streamsize>(target.size()));
  return file.gcount() == static_cast<std::streamsize>(target.size());
}

template <typename T>
bool ReadRaw(std::istream& file, T& value) {
  return ReadExactly(file, std::as_writable_bytes(std::span(&value, 1)));
}

// Sizes that the file claims are compared with what it has before memory is taken for them.
Result<Listing> ReadBinary(std::istream& file, uint64_t file_bytes, const std::string& path) {
  const std::string attempt = fmt::format("listing '{}'", path);
  ListingFileHead head;
  if (!ReadRaw(file, head) || head.texts_bytes > file_bytes) return Corrupt(path, "cut short");
  std::vector<std::byte> bytes(head.texts_bytes);
  if (!ReadExactly(file, bytes)) return Corrupt(path, "cut short");
  ListingReader reader;
  HR_TRY(While(attempt, reader.ReadHead(head, bytes)));
  for (uint32_t i = 0; i < reader.block_count(); ++i) {
    ListingBlockHead block;
    if (!ReadRaw(file, block)) return Corrupt(path, "cut short");
    HR_TRY_ASSIGN(const size_t body_bytes, While(attempt, ListingReader::BodyBytes(block)));
    if (body_bytes > file_bytes) return Corrupt(path, "cut short");
    bytes.resize(body_bytes);
    if (!ReadExactly(file, bytes)) return Corrupt(path, "cut short");
    HR_TRY(While(attempt, reader.ReadBlock(block, bytes)));
  }
  if (file.peek() != std::istream::traits_type::eof()) {
    return Corrupt(path, "bytes after its end");
  }
  return std::move(reader).Finish();
}

// The lines of a file, read in blocks.
class LineReader {
 public:
  explicit LineReader(std::istream& file) : file_(file) {}

  // False at the end; kCorrupt where a line is too long.
  Result<bool> Next(std::string& line) {
    line.clear();
    while (true) {
      const std::string_view rest(block_.data() + begin_, end_ - begin_);
      const size_t size_bytes = std::min(rest.find('\n'), rest.size());
      if (line.size() + size_bytes > kLineBytesMax) {
        return Fail(ErrorCode::kCorrupt, fmt::format("longer than {} bytes", kLineBytesMax));
      }
      line += rest.substr(0, size_bytes);
      begin_ += size_bytes;
      if (begin_ < end_) {
        ++begin_;
        return true;
      }
      HR_TRY(Fill());
      if (end_ == 0) return !line.empty();
    }
  }

 private:
  Status Fill() {
    errno = 0;
    file_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    if (file_.bad()) return std::unexpected(Error::FromErrno(errno != 0 ? errno : EIO, "read"));
    begin_ = 0;
    end_ = static_cast<size_t>(file_.gcount());
    return Ok();
  }

  std::istream& file_;
  std::vector<char> block_ = std::vector<char>(64U << 10U);
  size_t begin_ = 0;
  size_t end_ = 0;
};

Result<Listing> ReadLines(std::istream& file, const std::string& path) {
  ListingBuilder builder;
  LineReader lines(file);
  std::string line;
  for (uint64_t number = 1;; ++number) {
    const auto at_line = [&] { return fmt::format("listing '{}' line {}", path, number); };
    auto has_line = lines.Next(line);
    if (!has_line.has_value()) return While<Listing>(at_line(), std::unexpected(has_line.error()));
    if (!*has_line) break;
    if (line.empty()) continue;
    auto object = ParseListingLine(line);
    if (!object.has_value()) return While<Listing>(at_line(), std::unexpected(object.error()));
    auto added = builder.Add(*object);
    if (!added.has_value()) return While<Listing>(at_line(), std::unexpected(added.error()));
  }
  return While(fmt::format("listing '{}'", path), builder.Finish());
}

}  // namespace

Status SaveListing(const Listing& listing, const std::string& path) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, RandomHex(8));
  const auto failure = [&] {
    const int os_error = errno;
    ::unlink(temporary.c_str());
    return std::unexpected(Error::FromErrno(os_error, fmt::format("save listing '{}'", path)));
  };
  {
    File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.is_open() || !WriteListing(listing, file)) return failure();
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failure();
  return Ok();
}

Result<Listing> LoadListing(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("listing '{}' is not a regular file; save it to one first", path));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return std::unexpected(Error::FromErrno(errno, fmt::format("read listing '{}'", path)));
  const auto file_bytes = static_cast<uint64_t>(file.tellg());
  file.seekg(0);
  std::array<char, kListingMagic.size()> start{};
  file.read(start.data(), start.size());
  const std::string_view read(start.data(), static_cast<size_t>(file.gcount()));
  file.clear();
  file.seekg(0);
  if (read == kListingMagic) return ReadBinary(file, file_bytes, path);
  if (read.empty() || read.starts_with('{')) return ReadLines(file, path);
  return Corrupt(path, "neither a saved listing nor lines of 'headrace ls --recursive --json'");
}

}  // namespace headrace::plan
