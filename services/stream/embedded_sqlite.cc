#include "stream/embedded_sqlite.h"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace qc::stream::embedded {
namespace {

Errc code_of(int code, int system_errno) {
  const bool no_room = system_errno == ENOSPC || system_errno == EDQUOT;
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Errc::log_full;
    case SQLITE_IOERR:
      // SQLite reports ENOSPC as SQLITE_FULL when it writes a page, but not when it grows the WAL's index or truncates.
      if (no_room || code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE) return Errc::log_full;
      return Errc::log_unavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return no_room ? Errc::log_full : Errc::log_unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::log_corrupt;
    default:
      return Errc::log_fatal;
  }
}

Error error_of(sqlite3* handle, int code, std::string_view doing) {
  const char* path = sqlite3_db_filename(handle, "main");
  const int system_errno = sqlite3_system_errno(handle);
  std::string text = "the log ";
  text += path != nullptr ? path : "";
  text += ": ";
  text += doing;
  text += ": ";
  text += sqlite3_errmsg(handle);
  return Error{code_of(code, system_errno), std::move(text)};
}

}  // namespace

Error Statement::error(int code, std::string_view doing) const {
  return error_of(sqlite3_db_handle(statement_), code, doing);
}

Result<bool> Statement::next(std::string_view doing) {
  const int code = step();
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return tl::make_unexpected(error(code, doing));
}

Result<void> Statement::run(std::string_view doing) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = step();
  Result<void> result;
  if (code != SQLITE_DONE) result = tl::make_unexpected(error(code, doing));
  reset();
  return result;
}

int Database::wait_while_busy(void* busy, int calls) {
  auto* self = static_cast<Busy*>(busy);
  const auto now = std::chrono::steady_clock::now();
  if (calls == 0) self->since = now;
  if (now - self->since >= self->max) return 0;
  // Another process's commit takes a fsync: look again soon at first, then at the pace of a slow disk.
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(200 * (calls + 1), 2000)));
  return 1;
}

Result<Database> Database::open(const std::string& path, Access access, std::chrono::milliseconds busy_max,
                                std::size_t cache_bytes) {
  sqlite3* handle = nullptr;
  // Readers open for writing, too: the first reader after a crash must rebuild the WAL's index.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (access == Access::Create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle, std::make_unique<Busy>());
  if (code != SQLITE_OK) {
    return fail(code_of(code, handle != nullptr ? sqlite3_system_errno(handle) : 0),
                "the log " + path + " cannot be opened: " + sqlite3_errstr(code));
  }
  database.busy_->max = busy_max;
  sqlite3_busy_handler(handle, &Database::wait_while_busy, database.busy_.get());
  std::string settings = "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" +
                         std::to_string(std::max<std::size_t>(cache_bytes / 1024, 256)) + ";";
  if (access == Access::Read) settings += "PRAGMA query_only=1;";
  if (auto set = database.run(settings); !set) return tl::make_unexpected(set.error());
  return database;
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.c_str(), static_cast<int>(sql.size() + 1),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return tl::make_unexpected(error(code, "preparing a statement"));
  return Statement(statement);
}

Result<void> Database::run(const std::string& sql) {
  const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::make_unexpected(error(code, sql.substr(0, sql.find('('))));
  return {};
}

Result<std::int64_t> Database::integer(const std::string& sql, std::int64_t otherwise) {
  auto statement = prepare(sql);
  if (!statement) return tl::make_unexpected(statement.error());
  const auto row = statement->next(sql);
  if (!row) return tl::make_unexpected(row.error());
  return *row ? statement->integer(0) : otherwise;
}

Error Database::error(int code, std::string_view doing) const {
  return error_of(handle_.get(), code, doing);
}

void Database::roll_back() {
  if (sqlite3_get_autocommit(handle()) == 0) sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace qc::stream::embedded
