// One session of SQL texts over tables that somebody else owns: settings and temporary views last
// from statement to statement. Behind `sluice sql` and the conformance tests. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "duck/duck.h"
#include "sparksql/sparksql.h"

namespace sluice::sparksql {

// A statement's rows, computed while they are read: memory does not grow with their number. Values
// as as_text_query prints them; nullopt is NULL.
class RowReader {
 public:
  using Row = std::vector<std::optional<std::string>>;

  // The next row; nullopt: no more.
  SqlResult<std::optional<Row>> next();
  const types::DataType& schema() const { return schema_; }

 private:
  friend class Session;
  types::DataType schema_;  // of a statement that gives no rows: a struct without fields
  std::optional<duck::QueryResult> result_;
  std::optional<duck::Chunk> chunk_;
  std::uint64_t row_ = 0;
  Place place_;
};

class Session {
 public:
  // Catalog and connection outlive the session. Registers the native functions.
  static SqlResult<std::unique_ptr<Session>> open(duck::Connection& connection,
                                                  const Catalog& tables, SessionConf conf = {});

  // Runs one statement: SET, CREATE TEMPORARY VIEW, or a query. Read the rows to their end, or drop
  // the reader, before the next statement.
  SqlResult<RowReader> run(const Statement& statement);
  // All statements of a text, one JSON line for each, errors as well; `emit` gets the line (with
  // its line end) in pieces. Returns how many statements failed.
  int run_text(std::string_view text, const std::string& file,
               const std::function<void(std::string_view)>& emit);

  const SessionConf& conf() const { return conf_; }

 private:
  class Tables;

  Session(duck::Connection& connection, const Catalog& tables, SessionConf conf);
  SqlResult<void> create_view(const Statement& statement);

  duck::Connection& connection_;
  SessionConf conf_;
  std::shared_ptr<Tables> tables_;  // the caller's, with this session's views before them
};

// One JSON line for an error: {"error": {"class", "sqlState", "message", "stage", "line",
// "column"}}.
std::string error_json(const SqlError& error);

}  // namespace sluice::sparksql
