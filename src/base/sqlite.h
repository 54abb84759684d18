// RAII over SQLite: the metadata file of a data folder (WAL, full sync) and databases that `feed`
// reads. A connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::base {

enum class SqliteError {
  kConstraint,  // a unique or foreign key refused the row
  kBusy,        // another connection holds the lock longer than the busy timeout
  kFull,        // the disk is full
  kOther,       // the statement or the file is broken: stop
};

template <class T>
using SqliteResult = Result<T, SqliteError>;

// A prepared statement. Parameters and columns count from 0.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement);
  // Parameters by position; text and blobs are copied.
  SqliteStatement& bind(int at, std::int64_t value);
  SqliteStatement& bind(int at, std::string_view text);
  SqliteStatement& bind_null(int at);
  // True: a row is there. False: done.
  SqliteResult<bool> step();
  // Ready to be bound and run again.
  void reset();

  int column_count() const;
  std::string column_name(int at) const;
  // As the table's definition has it, upper case ("DATETIME"); empty for an expression.
  std::string declared_type(int at) const;
  bool is_null(int at) const;
  std::int64_t int64(int at) const;
  double real(int at) const;
  // Valid until the next step or reset.
  std::string_view text(int at) const;
  // SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  int type(int at) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Sqlite {
 public:
  enum class Mode { kReadOnly, kMetadata };
  // kMetadata makes the file if needed and sets WAL, synchronous=FULL, foreign_keys; what can be
  // read is synced. ":memory:" for tests.
  static SqliteResult<Sqlite> open(const std::string& path, Mode mode);

  SqliteResult<SqliteStatement> prepare(std::string_view sql);
  // One or more statements without parameters or rows.
  SqliteResult<void> execute(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  explicit Sqlite(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless commit() was called.
class SqliteTransaction {
 public:
  static SqliteResult<SqliteTransaction> begin(Sqlite& db);
  SqliteTransaction(SqliteTransaction&& other) noexcept;
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();
  SqliteResult<void> commit();

 private:
  explicit SqliteTransaction(Sqlite* db) : db_(db) {}
  Sqlite* db_;
};

}  // namespace sluice::base
