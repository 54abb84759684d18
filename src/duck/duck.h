// RAII over the DuckDB C API. The only room that includes duckdb.h (a caller that registers native
// functions gets the raw handles from here). DuckDB never sees a user's text: only SQL that the
// house itself made. A Database may be shared between threads; a Connection and its results belong
// to one thread at a time.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::duck {

enum class DuckError {
  kInvalidInput,  // the data or a function refused (message kept as the function gave it): the
                  // query's own fault
  kOutOfMemory,   // memory_limit reached: smaller batches may pass
  kInterrupted,   // cancelled
  kIo,            // a file could not be read or written
  kInternal,      // SQL of ours that DuckDB does not take, or DuckDB's own bug: report it
};

template <class T>
using DuckResult = base::Result<T, DuckError>;

struct DatabaseOptions {
  std::int64_t memory_limit_bytes = std::int64_t{1} << 30;
  int threads = 2;
  std::vector<std::string> allowed_directories;  // the only folders that queries may read or write
  std::string temp_directory;                    // empty: no spilling to disk
};

// One column's values of a chunk. Text and blobs are valid while the chunk lives.
class Vector {
 public:
  explicit Vector(duckdb_vector vector);
  bool is_null(std::uint64_t row) const;
  bool boolean(std::uint64_t row) const;
  std::int64_t int64(
      std::uint64_t row) const;          // of any integer, date (days) or timestamp (µs) column
  double real(std::uint64_t row) const;  // of FLOAT and DOUBLE
  std::string_view text(std::uint64_t row) const;  // of VARCHAR and BLOB
  duckdb_vector raw() const { return vector_; }

 private:
  duckdb_vector vector_;
  void* data_;
  std::uint64_t* validity_;  // null: all rows are valid
  duckdb_type type_;
};

class Chunk {
 public:
  explicit Chunk(duckdb_data_chunk chunk) : chunk_(chunk) {}
  Chunk(Chunk&& other) noexcept;
  Chunk& operator=(Chunk&& other) noexcept;
  ~Chunk();
  std::uint64_t size() const;
  Vector column(std::uint64_t at) const;
  duckdb_data_chunk raw() const { return chunk_; }

 private:
  duckdb_data_chunk chunk_ = nullptr;
};

class QueryResult {
 public:
  explicit QueryResult(duckdb_result result);
  QueryResult(QueryResult&& other) noexcept;
  QueryResult& operator=(QueryResult&& other) noexcept;
  ~QueryResult();
  std::uint64_t column_count() const;
  std::string column_name(std::uint64_t at) const;
  // nullopt: no more rows.
  DuckResult<std::optional<Chunk>> next();
  std::int64_t rows_changed() const;

 private:
  duckdb_result result_{};
  bool owned_ = false;
};

class Connection {
 public:
  explicit Connection(duckdb_connection connection) : connection_(connection) {}
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();
  // One or more statements; the result is the last one's.
  DuckResult<QueryResult> query(const std::string& sql);
  // The same where no rows are wanted.
  DuckResult<void> execute(const std::string& sql);
  // The first column of the first row, as text; nullopt: no row or NULL.
  DuckResult<std::optional<std::string>> scalar(const std::string& sql);
  // From another thread: the running query ends with kInterrupted.
  void interrupt();
  duckdb_connection raw() const { return connection_; }

 private:
  duckdb_connection connection_ = nullptr;
};

class Database {
 public:
  // In memory, with everything that reaches outside switched off but `allowed_directories`.
  static DuckResult<Database> open(const DatabaseOptions& options);
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();
  DuckResult<Connection> connect();

 private:
  explicit Database(duckdb_database database) : database_(database) {}
  duckdb_database database_ = nullptr;
};

std::string quote_identifier(std::string_view name);  // "a""b"
std::string quote_text(std::string_view text);        // 'a''b'

}  // namespace sluice::duck
