// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/upload_index.h"

#include "headrace/store/directory/key_walk.h"

namespace headrace::directory {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS uploads(
  bucket TEXT NOT NULL, key BLOB NOT NULL, id TEXT NOT NULL, started_ns INTEGER NOT NULL,
  checksum_algorithm TEXT NOT NULL, attributes TEXT NOT NULL,
  PRIMARY KEY(bucket, key, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts(
  upload_id TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified_ns INTEGER NOT NULL, checksum TEXT NOT NULL, file TEXT NOT NULL,
  PRIMARY KEY(upload_id, number)) WITHOUT ROWID;
)";

SystemTime TimeOfNs(int64_t ns) { return SystemTime(std::chrono::nanoseconds(ns)); }

Result<StoredUpload> ReadUpload(const Statement& row) {
  StoredUpload upload;
  upload.info.upload = {.bucket = std::string(row.Text(0)),
                        .key = std::string(row.Text(1)),
                        .upload_id = std::string(row.Text(2))};
  upload.info.started = TimeOfNs(row.Number(3));
  // "*" in front of a composite one, as EncodeChecksum writes it.
  std::string_view algorithm = row.Text(4);
  upload.info.checksum_is_composite = algorithm.starts_with('*');
  if (upload.info.checksum_is_composite) algorithm.remove_prefix(1);
  upload.info.checksum_algorithm = ParseChecksumAlgorithm(algorithm);
  ServedObject object;
  HR_TRY(DecodeExtras(row.Text(5), object));
  upload.attributes = std::move(object.head.attributes);
  upload.tags = std::move(object.tags);
  upload.info.storage_class = upload.attributes.storage_class;
  return upload;
}

}  // namespace

Result<std::unique_ptr<UploadIndex>> UploadIndex::Open(SharedDatabase& writer, Database own) {
  std::unique_ptr<UploadIndex> index(new UploadIndex(writer, std::move(own)));
  HR_TRY(index->PrepareStatements());
  return index;
}

Status UploadIndex::PrepareStatements() {
  const MutexLock lock(writer_.mutex);
  Database& database = own_;
  HR_TRY(database.Execute(kSchema));
  HR_TRY_ASSIGN(add_, database.Prepare("INSERT INTO uploads VALUES(?,?,?,?,?,?)"));
  HR_TRY_ASSIGN(find_, database.Prepare("SELECT * FROM uploads WHERE bucket=? AND key=? AND id=?"));
  HR_TRY_ASSIGN(list_all_, database.Prepare("SELECT bucket, key, id FROM uploads"));
  HR_TRY_ASSIGN(list_, database.Prepare("SELECT * FROM uploads WHERE bucket=?1 AND key>=?2 AND "
                                        "(key, id)>(?3, ?4) ORDER BY key, id LIMIT ?5"));
  HR_TRY_ASSIGN(find_part_,
                database.Prepare("SELECT file FROM parts WHERE upload_id=? AND number=?"));
  HR_TRY_ASSIGN(put_part_, database.Prepare("INSERT OR REPLACE INTO parts VALUES(?,?,?,?,?,?,?)"));
  HR_TRY_ASSIGN(parts_, database.Prepare("SELECT number, size, etag, modified_ns, checksum, file "
                                         "FROM parts WHERE upload_id=? AND number>? "
                                         "ORDER BY number LIMIT ?"));
  HR_TRY_ASSIGN(drop_, database.Prepare("DELETE FROM uploads WHERE id=?"));
  HR_TRY_ASSIGN(drop_parts_, database.Prepare("DELETE FROM parts WHERE upload_id=?"));
  return Ok();
}

Status UploadIndex::Add(const StoredUpload& upload) {
  const std::string attributes =
      EncodeExtras({.head = {.attributes = upload.attributes}, .tags = upload.tags});
  std::string algorithm(upload.info.checksum_is_composite ? "*" : "");
  if (upload.info.checksum_algorithm) algorithm += ChecksumName(*upload.info.checksum_algorithm);
  const MutexLock lock(writer_.mutex);
  add_.BindText(1, upload.info.upload.bucket);
  add_.BindBytes(2, upload.info.upload.key);
  add_.BindText(3, upload.info.upload.upload_id);
  add_.BindNumber(4, upload.info.started.time_since_epoch().count());
  add_.BindText(5, algorithm);
  add_.BindText(6, attributes);
  return add_.Run();
}

Result<std::optional<StoredUpload>> UploadIndex::Find(const MultipartUpload& upload) {
  const MutexLock lock(writer_.mutex);
  const ResetAtEnd reset(find_);
  find_.BindText(1, upload.bucket);
  find_.BindBytes(2, upload.key);
  find_.BindText(3, upload.upload_id);
  HR_TRY_ASSIGN(const bool is_there, find_.Step());
  if (!is_there) return std::nullopt;
  return ReadUpload(find_);
}

Result<std::string> UploadIndex::PutPart(const std::string& upload_id, const StoredPart& part) {
  const std::string checksum = EncodeChecksum(part.info.checksum);
  std::string replaced;
  const MutexLock lock(writer_.mutex);
  {
    const ResetAtEnd reset(find_part_);
    find_part_.BindText(1, upload_id);
    find_part_.BindNumber(2, part.info.part_number);
    HR_TRY_ASSIGN(const bool is_there, find_part_.Step());
    if (is_there) replaced = find_part_.Text(0);
  }
  put_part_.BindText(1, upload_id);
  put_part_.BindNumber(2, part.info.part_number);
  put_part_.BindNumber(3, static_cast<int64_t>(part.info.size_bytes));
  put_part_.BindText(4, part.info.etag);
  put_part_.BindNumber(5, part.info.modified.time_since_epoch().count());
  put_part_.BindText(6, checksum);
  put_part_.BindText(7, part.file);
  HR_TRY(put_part_.Run());
  return replaced;
}

Result<std::vector<StoredPart>> UploadIndex::Parts(const std::string& upload_id,
                                                   uint32_t number_after, uint32_t count_max) {
  std::vector<StoredPart> parts;
  const MutexLock lock(writer_.mutex);
  const ResetAtEnd reset(parts_);
  parts_.BindText(1, upload_id);
  parts_.BindNumber(2, number_after);
  parts_.BindNumber(3, count_max);
  while (true) {
    HR_TRY_ASSIGN(const bool is_there, parts_.Step());
    if (!is_there) return parts;
    StoredPart part;
    part.info.part_number = static_cast<uint32_t>(parts_.Number(0));
    part.info.size_bytes = static_cast<uint64_t>(parts_.Number(1));
    part.info.etag = parts_.Text(2);
    part.info.modified = TimeOfNs(parts_.Number(3));
    part.info.checksum = DecodeChecksum(parts_.Text(4));
    part.file = parts_.Text(5);
    parts.push_back(std::move(part));
  }
}

Result<std::vector<UploadInfo>> UploadIndex::List(const std::string& bucket,
                                                  const std::string& prefix,
                                                  const UploadPosition& position,
                                                  uint32_t count_max) {
  std::vector<UploadInfo> uploads;
  const MutexLock lock(writer_.mutex);
  const ResetAtEnd reset(list_);
  list_.BindText(1, bucket);
  list_.BindBytes(2, prefix);
  list_.BindBytes(3, position.key_from);
  list_.BindText(4, position.upload_id_after);
  list_.BindNumber(5, count_max);
  while (true) {
    HR_TRY_ASSIGN(const bool is_there, list_.Step());
    if (!is_there || !list_.Text(1).starts_with(prefix)) return uploads;
    HR_TRY_ASSIGN(StoredUpload upload, ReadUpload(list_));
    uploads.push_back(std::move(upload.info));
  }
}

Result<std::vector<MultipartUpload>> UploadIndex::ListAll() {
  std::vector<MultipartUpload> uploads;
  const MutexLock lock(writer_.mutex);
  const ResetAtEnd reset(list_all_);
  while (true) {
    HR_TRY_ASSIGN(const bool is_there, list_all_.Step());
    if (!is_there) return uploads;
    uploads.push_back({.bucket = std::string(list_all_.Text(0)),
                       .key = std::string(list_all_.Text(1)),
                       .upload_id = std::string(list_all_.Text(2))});
  }
}

Status UploadIndex::Drop(const std::string& upload_id) {
  const MutexLock lock(writer_.mutex);
  HR_TRY_ASSIGN(Transaction transaction, Transaction::Begin(own_));
  drop_.BindText(1, upload_id);
  HR_TRY(drop_.Run());
  drop_parts_.BindText(1, upload_id);
  HR_TRY(drop_parts_.Run());
  return transaction.Commit();
}

}  // namespace headrace::directory
