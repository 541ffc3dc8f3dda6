// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/augmented_manifest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/task.h"
#include "headrace/plan/json_text.h"

namespace headrace::plan {
namespace {

Result<UniqueFd> OpenNameless(const std::string& folder) {
  std::string path = folder + "/.manifest.XXXXXX";
  UniqueFd file(mkostemp(path.data(), O_CLOEXEC));
  if (!file.is_open() || unlink(path.c_str()) != 0) {
    return std::unexpected(Error::FromErrno(errno, "keep a copy in " + folder));
  }
  return file;
}

Status WriteAll(int file, std::span<const char> bytes, const std::string& folder) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return std::unexpected(Error::FromErrno(errno, "keep a copy in " + folder));
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Ok();
}

// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
Result<std::string> ReadAt(int file, uint64_t offset, uint64_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got =
        pread(file, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Error::FromErrno(errno, "read the manifest's copy"));
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<AugmentedManifest> AugmentedManifest::Read(ObjectStore& store, EventLoops& loops,
                                                  const S3Uri& uri, const std::string& folder,
                                                  const AugmentedManifestOptions& options,
                                                  const CallContext& context) {
  const std::string attempt =
      fmt::format("augmented manifest {}", FormatS3Uri(uri.bucket, uri.key));
  const HeadRequest look{.bucket = uri.bucket, .key = uri.key, .conditions = {}};
  HR_TRY_ASSIGN(const ObjectHead head,
                While(attempt, RunBlocking(loops.Next(), store.Head(look, context))));
  if (head.info.size_bytes > options.size_bytes_max) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: its {} bytes are above the limit of {}; split it into channels",
                            attempt, head.info.size_bytes, options.size_bytes_max));
  }
  HR_TRY_ASSIGN(UniqueFd file, While(attempt, OpenNameless(folder)));
  LineIndex index(options.lines);
  std::string piece(std::min(options.piece_bytes, head.info.size_bytes), '\0');
  for (uint64_t begin = 0; begin < head.info.size_bytes; begin += piece.size()) {
    const uint64_t end = std::min<uint64_t>(begin + piece.size(), head.info.size_bytes);
    const GetRequest request{.bucket = uri.bucket,
                             .key = uri.key,
                             .range = ByteRange{.begin = begin, .end = end},
                             .conditions = {.if_match = head.info.etag},
                             .target = std::as_writable_bytes(std::span(piece))};
    HR_TRY_ASSIGN(const GetResult got,
                  While(attempt, RunBlocking(loops.Next(), store.Get(request, context))));
    const std::span<const char> bytes = std::span<const char>(piece).first(got.size_bytes);
    HR_TRY(While(attempt, index.Add(std::as_bytes(bytes))));
    HR_TRY(While(attempt, WriteAll(file.get(), bytes, folder)));
  }
  HR_TRY(While(attempt, index.Finish()));
  if (index.size() == 0) {
    return Fail(ErrorCode::kInvalidArgument, attempt + ": it is empty");
  }
  return AugmentedManifest(std::move(file), std::move(index), options.lines.line_bytes_max);
}

Result<std::string> AugmentedManifest::LineAt(uint64_t index) const {
  const uint64_t begin = index_.BeginOf(index);
  const uint64_t end = index + 1 < index_.size() ? index_.BeginOf(index + 1) : index_.text_bytes();
  // Blank lines may follow: no more than the line, its end and a byte of them is read.
  HR_TRY_ASSIGN(std::string line,
                ReadAt(text_.get(), begin, std::min(end - begin, line_bytes_max_ + 1)));
  line.resize(std::min(line.find('\n'), line.size()));
  if (line.ends_with('\r')) line.pop_back();
  if (begin == 0 && line.starts_with(kUtf8Mark)) line.erase(0, kUtf8Mark.size());
  return line;
}

Result<std::vector<AttributeValue>> AugmentedManifest::ValuesAt(uint64_t index,
                                                                AugmentedLineParser& parser) const {
  HR_TRY_ASSIGN(const std::string line, LineAt(index));
  auto values = parser.Parse(line);
  if (values) return values;
  return While(fmt::format("line {}", NumberOf(index)), std::move(values));
}

uint64_t AugmentedManifest::NumberOf(uint64_t index) const {
  constexpr uint64_t kPieceBytes = 1ULL << 20U;
  const uint64_t begin = index_.BeginOf(index);
  uint64_t number = 1;
  for (uint64_t offset = 0; offset < begin; offset += kPieceBytes) {
    const auto piece = ReadAt(text_.get(), offset, std::min(kPieceBytes, begin - offset));
    if (!piece) break;  // The line itself could not be read either, and its error says so.
    number += static_cast<uint64_t>(std::ranges::count(*piece, '\n'));
  }
  return number;
}

}  // namespace headrace::plan
