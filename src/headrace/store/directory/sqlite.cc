// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/sqlite.h"

#include <sqlite3.h>

#include <fmt/format.h>

namespace headrace::directory {
namespace {

std::unexpected<Error> DatabaseError(sqlite3* database, std::string_view attempt) {
  const int code = sqlite3_extended_errcode(database) & 0xFF;
  const bool is_full = code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_NOMEM;
  const bool is_broken = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const ErrorCode kind = is_full     ? ErrorCode::kResourceExhausted
                         : is_broken ? ErrorCode::kCorrupt
                                     : ErrorCode::kInternal;
  return Fail(kind, fmt::format("{}: {}", attempt, sqlite3_errmsg(database)));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::BindText(int index, std::string_view text) {
  // A null pointer would bind NULL.
  NoteBind(sqlite3_bind_text(statement_.get(), index, text.data() == nullptr ? "" : text.data(),
                             static_cast<int>(text.size()), SQLITE_STATIC));
}

void Statement::BindBytes(int index, std::string_view bytes) {
  NoteBind(sqlite3_bind_blob(statement_.get(), index, bytes.data() == nullptr ? "" : bytes.data(),
                             static_cast<int>(bytes.size()), SQLITE_STATIC));
}

void Statement::BindNumber(int index, int64_t number) {
  NoteBind(sqlite3_bind_int64(statement_.get(), index, number));
}

void Statement::NoteBind(int code) {
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
}

Result<bool> Statement::Step() {
  if (bind_code_ != SQLITE_OK) {
    return Fail(ErrorCode::kInternal,
                fmt::format("metadata database: {}", sqlite3_errstr(bind_code_)));
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return DatabaseError(sqlite3_db_handle(statement_.get()), "metadata database");
}

Status Statement::Run() {
  const ResetAtEnd reset(*this);
  HR_TRY(Step());
  return Ok();
}

void Statement::Reset() {
  bind_code_ = SQLITE_OK;
  sqlite3_reset(statement_.get());
}

std::string_view Statement::Text(int column) const {
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<size_t>(size));
}

int64_t Statement::Number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Database> Database::Open(const std::string& path) {
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  Database database;
  database.database_.reset(opened);
  if (code != SQLITE_OK) return DatabaseError(opened, "open " + path);
  sqlite3_busy_timeout(opened, 5'000);
  return database;
}

Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return Ok();
  }
  return DatabaseError(database_.get(), "metadata database");
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return DatabaseError(database_.get(), "metadata database");
  return Statement(statement);
}

Result<Transaction> Transaction::Begin(Database& database) {
  HR_TRY(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
}

Status Transaction::Commit() {
  HR_TRY(database_->Execute("COMMIT"));
  database_ = nullptr;
  return Ok();
}

}  // namespace headrace::directory
