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
#include <utility>
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

struct DatabaseState;  // what is registered in a database (state.h)

struct DatabaseOptions {
  std::int64_t memory_limit_bytes = std::int64_t{1} << 30;
  int threads = 2;
  // Of `threads`, how many the caller brings (a thread that runs a query counts). DuckDB starts
  // the rest itself; with external_threads == threads it starts none.
  int external_threads = 1;
  std::vector<std::string> allowed_directories;  // the only folders that queries may read or write
  std::string temp_directory;                    // empty: no spilling to disk
  std::int64_t max_temp_directory_bytes = std::int64_t{10} << 30;
  // False lets COPY and results run on all threads where rows have no order anyway.
  bool preserve_insertion_order = true;
};

struct ListEntry {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// One column's values of a chunk, flat. Text and blobs are valid while the chunk lives.
class Vector {
 public:
  explicit Vector(duckdb_vector vector);
  bool is_null(std::uint64_t row) const {
    return validity_ != nullptr && (validity_[row / 64] >> (row % 64) & 1) == 0;
  }
  bool boolean(std::uint64_t row) const { return data<bool>()[row]; }
  std::int64_t int64(
      std::uint64_t row) const;          // of any integer, date (days) or timestamp (µs) column
  double real(std::uint64_t row) const;  // of FLOAT and DOUBLE
  // Of VARCHAR and BLOB.
  std::string_view text(std::uint64_t row) const {
    duckdb_string_t& value = static_cast<duckdb_string_t*>(data_)[row];
    return {duckdb_string_t_data(&value), duckdb_string_t_length(value)};
  }
  ListEntry list(std::uint64_t row) const;  // of LIST and MAP: a range of list_child()
  Vector list_child() const;                // of a MAP: structs (key, value)
  Vector struct_child(std::uint64_t at) const;
  template <class T>
  const T* data() const {
    return static_cast<const T*>(data_);
  }
  duckdb_type type() const { return type_; }
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
  // nullopt: no more rows. Fails only for a streamed result.
  DuckResult<std::optional<Chunk>> next();
  std::int64_t rows_changed() const;

 private:
  duckdb_result result_{};  // owned unless internal_data is null
};

class Connection {
 public:
  Connection(duckdb_connection connection, std::shared_ptr<DatabaseState> state)
      : connection_(connection), state_(std::move(state)) {}
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();
  // One or more statements; the result is the last one's, whole in memory.
  DuckResult<QueryResult> query(const std::string& sql);
  // One statement whose rows are computed while they are read. Read it to its end, or drop it,
  // before the connection's next query.
  DuckResult<QueryResult> stream(const std::string& sql);
  // The same where no rows are wanted.
  DuckResult<void> execute(const std::string& sql);
  // The first column of the first row, as text; nullopt: no row or NULL.
  DuckResult<std::optional<std::string>> scalar(const std::string& sql);
  // From another thread: the running query ends with kInterrupted.
  void interrupt();
  duckdb_connection raw() const { return connection_; }
  DatabaseState& state() const { return *state_; }
  const std::shared_ptr<DatabaseState>& shared_state() const { return state_; }

 private:
  duckdb_connection connection_ = nullptr;
  std::shared_ptr<DatabaseState> state_;
};

class Database {
 public:
  // The version this house is built and measured with; open() refuses another.
  static constexpr std::string_view kVersion = "v1.5.6";

  // In memory, UTC, with everything that reaches outside switched off but `allowed_directories`.
  static DuckResult<Database> open(const DatabaseOptions& options);
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();
  DuckResult<Connection> connect();
  duckdb_database raw() const { return database_; }

 private:
  Database(duckdb_database database, std::shared_ptr<DatabaseState> state)
      : database_(database), state_(std::move(state)) {}
  duckdb_database database_ = nullptr;
  // Shared with connections and with the functions that DuckDB holds.
  std::shared_ptr<DatabaseState> state_;
};

std::string quote_identifier(std::string_view name);  // "a""b"
// 'a''b'. Where only a constant may stand; the text must hold no NUL, which ends DuckDB's
// statement.
std::string quote_text(std::string_view text);
// The same as an expression, for any text: ('a' || chr(0) || 'b').
std::string text_expression(std::string_view text);

}  // namespace sluice::duck
