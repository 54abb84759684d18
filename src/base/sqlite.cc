#include "base/sqlite.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cctype>
#include <utility>

#include "base/sqlite_checksums.h"

namespace sluice::base {
namespace {

std::unexpected<Failure<SqliteError>> sqlite_failure(sqlite3* db, int code) {
  SqliteError error = SqliteError::kOther;
  if ((code & 0xff) == SQLITE_CONSTRAINT) error = SqliteError::kConstraint;
  if ((code & 0xff) == SQLITE_BUSY) error = SqliteError::kBusy;
  if ((code & 0xff) == SQLITE_FULL) error = SqliteError::kFull;
  if (db != nullptr && sqlite3_extended_errcode(db) == SQLITE_IOERR_DATA)
    return fail(error, "sqlite: the file is damaged: a page's checksum is wrong");
  return fail(error,
              fmt::format("sqlite: {}", db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)));
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
SqliteStatement::SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

SqliteStatement& SqliteStatement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), at + 1, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int at, std::string_view text) {
  sqlite3_bind_text(statement_.get(), at + 1, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::bind_null(int at) {
  sqlite3_bind_null(statement_.get(), at + 1);
  return *this;
}

SqliteResult<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_failure(sqlite3_db_handle(statement_.get()), code);
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int SqliteStatement::column_count() const {
  return sqlite3_column_count(statement_.get());
}
std::string SqliteStatement::column_name(int at) const {
  return sqlite3_column_name(statement_.get(), at);
}
std::string SqliteStatement::declared_type(int at) const {
  const char* type = sqlite3_column_decltype(statement_.get(), at);
  std::string text = type != nullptr ? type : "";
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}
bool SqliteStatement::is_null(int at) const {
  return type(at) == SQLITE_NULL;
}
std::int64_t SqliteStatement::int64(int at) const {
  return sqlite3_column_int64(statement_.get(), at);
}
double SqliteStatement::real(int at) const {
  return sqlite3_column_double(statement_.get(), at);
}
int SqliteStatement::type(int at) const {
  return sqlite3_column_type(statement_.get(), at);
}

std::string_view SqliteStatement::text(int at) const {
  // sqlite3_column_text first: the byte count is that of the text form.
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), at));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), at))};
}

void Sqlite::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

SqliteResult<Sqlite> Sqlite::open(const std::string& path, Mode mode) {
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_FULLMUTEX,
                                   mode == Mode::kMetadata ? sqlite_checksums_vfs() : nullptr);
  Sqlite db(handle);
  if (code != SQLITE_OK) {
    auto failure = sqlite_failure(handle, code);
    return fail(failure.error().code, fmt::format("{}: {}", path, failure.error().message));
  }
  sqlite3_busy_timeout(handle, 5000);
  if (mode == Mode::kMetadata) {
    int reserved = kSqliteChecksumBytes;  // of a new file's pages
    sqlite3_file_control(handle, nullptr, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    // The log holds one change at most: SQLite takes a damaged one for the log's end. The
    // checkpoint: a process that died may have left a change that it never synced.
    auto ok = db.execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
        "PRAGMA wal_autocheckpoint=1; PRAGMA wal_checkpoint(PASSIVE)");
    if (!ok) return std::unexpected(ok.error());
  }
  return db;
}

SqliteResult<SqliteStatement> Sqlite::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_failure(db_.get(), code);
  return SqliteStatement(statement);
}

SqliteResult<void> Sqlite::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_failure(db_.get(), code);
  return {};
}

SqliteResult<SqliteTransaction> SqliteTransaction::begin(Sqlite& db) {
  if (auto ok = db.execute("BEGIN IMMEDIATE"); !ok) return std::unexpected(ok.error());
  return SqliteTransaction(&db);
}

SqliteTransaction::SqliteTransaction(SqliteTransaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)) {}

SqliteTransaction::~SqliteTransaction() {
  if (db_ != nullptr)
    (void)db_->execute("ROLLBACK");  // an error here means that SQLite rolled back already
}

SqliteResult<void> SqliteTransaction::commit() {
  auto ok = db_->execute("COMMIT");
  if (ok) db_ = nullptr;
  return ok;
}

}  // namespace sluice::base
