// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace headrace::directory {

// A prepared statement. Bind, then Step until it says false, then Reset.
// Threads: those of its Database.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // Parameters count from 1. Texts are borrowed until Reset. One that cannot be bound is Step's
  // error.
  void BindText(int index, std::string_view text);
  void BindBytes(int index, std::string_view bytes);
  void BindNumber(int index, int64_t number);
  // True: a row is there. False: the statement has finished.
  Result<bool> Step();
  // Step, which gives no row, and Reset.
  Status Run();
  void Reset();

  // Columns count from 0. Texts are valid until the next Step or Reset.
  std::string_view Text(int column) const;
  int64_t Number(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void NoteBind(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_code_ = 0;  // Of the first parameter since Reset that could not be bound; 0: none.
};

// Resets a statement when a scope ends, whatever happened in it.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.Reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  Statement& statement_;
};

// One connection to a SQLite database file. Threads: one at a time.
class Database {
 public:
  static Result<Database> Open(const std::string& path);

  Status Execute(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// Changes that are made all or not at all: rolled back unless they were committed.
// Threads, lifetime: within those of its Database.
class Transaction {
 public:
  // Waits for other connections' writers first.
  static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // What could not be committed is rolled back.
  Status Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // Null: over.
};

}  // namespace headrace::directory
