// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/deliver/file/stream_upload.h"
#include "headrace/format/tar_writer.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

struct ArchiveMember {
  format::TarEntry entry;
  std::string path;
};

// A folder's contents as an archive will hold them, with names relative to the folder, in an order
// that does not depend on the file system.
struct ArchiveContents {
  std::vector<ArchiveMember> members;
  uint64_t size_bytes = 0;  // Of all files.
  // Names of what tar cannot hold: sockets, pipes and devices, and what the kernel makes up
  // (/proc).
  std::vector<std::string> skipped;
  std::vector<Error> unreadable;  // Why each file or folder that is missing here cannot be read.
};

// Links are followed. One that leads nowhere, or back to a folder it lies in, is kept as a link.
// Fails only when the folder itself cannot be read. The errors name the path.
Result<ArchiveContents> ScanFolder(const std::string& folder);

struct ArchiveOptions {
  // Weights hardly compress: zlib's fastest level takes a third of the default's time for nearly
  // the same size.
  int gzip_level = 1;
  file::StreamUploadOptions upload;
};

// Streams a .tar.gz of `contents` to `target` without a local copy. Returns its size. Blocks its
// thread, which must not be an event loop. kPreconditionFailed when a file changes its size
// meanwhile.
Result<uint64_t> UploadArchive(ObjectStore& store, EventLoops& loops,
                               const ArchiveContents& contents, const S3Uri& target,
                               const ArchiveOptions& options, const CallContext& context);

}  // namespace headrace::job
