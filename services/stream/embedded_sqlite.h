// A thin owner for SQLite connections and statements: values in, Result out, errors mapped to the log's codes. Nothing
// here knows what a record is.
//
// Lifecycle: a Database outlives its Statements. Threads: one at a time for a Database and all its Statements.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace qc::stream::embedded {

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }

  explicit operator bool() const { return statement_ != nullptr; }

  // Parameters count from 1. Bytes are not copied: they must live until reset.
  Statement& bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  Statement& bind(int index, std::string_view bytes) {
    // SQLite takes a null pointer for NULL, and an empty string_view may hold one.
    sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
    return *this;
  }
  Statement& bind_text(int index, std::string_view text) {
    sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  Statement& bind_null(int index) {
    sqlite3_bind_null(statement_, index);
    return *this;
  }

  // SQLITE_ROW, SQLITE_DONE or an error; for loops that cannot afford more.
  int step() { return sqlite3_step(statement_); }
  void reset() { sqlite3_reset(statement_); }
  // Steps to the end and resets.
  Result<void> run(std::string_view doing);
  // Steps once: true where there is a row. The caller resets.
  Result<bool> next(std::string_view doing);
  Error error(int code, std::string_view doing) const;

  // Columns count from 0.
  std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  bool null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string_view bytes(int column) {
    const void* data = sqlite3_column_blob(statement_, column);  // before the length: SQLite's own rule
    return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// Resets a statement when a scope ends, so that no early return leaves a read transaction open.
class Resetting {
 public:
  explicit Resetting(Statement& statement) : statement_(statement) {}
  ~Resetting() { statement_.reset(); }
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;

 private:
  Statement& statement_;
};

class Database {
 public:
  enum class Access { Create, Write, Read };
  // Waits up to `busy_max` for other connections, in every call.
  static Result<Database> open(const std::string& path, Access access, std::chrono::milliseconds busy_max,
                               std::size_t cache_bytes);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  Result<Statement> prepare(const std::string& sql);
  Result<void> run(const std::string& sql);
  // The first column of the first row; nullopt-like failure where there is no row is `otherwise`.
  Result<std::int64_t> integer(const std::string& sql, std::int64_t otherwise = 0);
  Error error(int code, std::string_view doing) const;
  // Ends a transaction that is still open; SQLite may have ended it itself after an error.
  void roll_back();
  void set_busy_max(std::chrono::milliseconds busy_max) { busy_->max = busy_max; }
  sqlite3* handle() { return handle_.get(); }

 private:
  struct Busy {
    std::chrono::milliseconds max{0};
    std::chrono::steady_clock::time_point since;
  };
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database(sqlite3* handle, std::unique_ptr<Busy> busy) : busy_(std::move(busy)), handle_(handle) {}
  static int wait_while_busy(void* busy, int calls);

  std::unique_ptr<Busy> busy_;  // outlives the handle that points at it
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace qc::stream::embedded
