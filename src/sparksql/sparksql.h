// The room's door: Spark SQL text in, Spark-typed DuckDB SQL out, or an error with Spark's class
// and a place. Level 2: knows nothing of streams and Delta; who owns tables answers name look-ups
// through Catalog.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "duck/duck.h"
#include "types/data_type.h"

namespace sluice::sparksql {

// Where in a text: lines and columns from 1. `file` as the caller named the text.
struct Place {
  std::string file;
  int line = 1;
  int column = 1;
};

enum class Stage { kParse, kAnalysis, kExecution };

// What Spark would say, or UNSUPPORTED_BY_SLUICE where Spark would go on and we do not.
struct SqlError {
  std::string error_class;  // UNRESOLVED_COLUMN.WITH_SUGGESTION
  std::string sql_state;    // 42703; empty where Spark has none
  std::string message;      // without class and state
  Stage stage = Stage::kAnalysis;
  Place place;

  std::string to_string() const;  // [CLASS] message SQLSTATE: state (file, line l, column c)
};

template <class T>
using SqlResult = std::expected<T, SqlError>;

struct SessionConf {
  bool ansi = true;
  std::string time_zone = "UTC";
  std::map<std::string, std::string> other;  // set, kept, without effect
  // What now(), current_timestamp and current_date give, in microseconds since 1970 UTC; absent:
  // the wall clock, read once for a query.
  std::optional<std::int64_t> now_us;
  // Known keys are checked and take effect; `key` as written (spark.sql.ansi.enabled).
  SqlResult<void> set(const std::string& key, const std::string& value);
};

// ---- statements
// -----------------------------------------------------------------------------------------------------

struct Query;                                   // the parsed query, opaque here (ast.h)
using QueryRef = std::shared_ptr<const Query>;  // shared by a view and its readers; immutable

using TableName = std::vector<std::string>;  // one to three parts

struct ColumnDefinition {
  std::string name;
  std::optional<types::DataType> type;  // absent in a view's column list
  bool not_null = false;
  std::string comment;
};

enum class StatementKind {
  kQuery,  // SELECT … / VALUES …
  kCreateStreamingTable,
  kCreateMaterializedView,
  kCreateTemporaryView,
  kCreateView,
  kCreateFlow,  // CREATE FLOW f AS INSERT INTO t BY NAME query
  kSet,         // SET key = value
  kUseSchema,
  kSetCatalog,
  kOther,  // parsed, known, not run here (DESCRIBE, SHOW …): `text` names it
};

struct Statement {
  StatementKind kind = StatementKind::kQuery;
  Place place;
  std::string text;  // the statement as written
  TableName name;    // table, view or flow
  TableName target;  // of a flow: the table it inserts into
  bool if_not_exists = false;
  bool or_replace = false;
  bool by_name = false;
  std::vector<ColumnDefinition> columns;
  std::vector<std::string> partitioned_by;
  std::string comment;
  std::map<std::string, std::string> properties;  // TBLPROPERTIES; of kSet: the one key and value
  QueryRef query;                                 // null: a streaming table without AS
};

// All statements of a text, split at `;`. The first error ends it.
SqlResult<std::vector<Statement>> parse_statements(std::string_view text, const std::string& file);
// The same, but going on after an error at the next `;` (sluice sql -f).
std::vector<SqlResult<Statement>> parse_statements_leniently(std::string_view text,
                                                             const std::string& file);

// The names in FROM as written, subqueries' too; those of WITH are not among them.
std::vector<TableName> tables_read(const Query& query);
// STREAM x or STREAM f(…) anywhere in the query itself (views not looked into).
bool reads_stream(const Query& query);

// ---- analysis and lowering
// -------------------------------------------------------------------------------------------

// What a name in FROM means.
struct Relation {
  enum class Kind { kTable, kView };
  Kind kind = Kind::kTable;
  bool streaming = false;       // may be read with STREAM (and, where it is a view, only so)
  types::DataType schema;       // of a table: a struct
  std::string duckdb_relation;  // of a table: what lowered SQL puts after FROM
  QueryRef view;                // of a view: its query, inlined
  std::vector<ColumnDefinition> view_columns;
  TableName full_name;
};

class Catalog {
 public:
  virtual ~Catalog() = default;
  // nullopt: TABLE_OR_VIEW_NOT_FOUND.
  virtual std::optional<Relation> find(const TableName& name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // for "did you mean"
};

// A function that the lowered text calls and that has to be registered first (from_json with its
// schema, for one). Its name is derived from its contents: registering it twice is no harm.
struct NativeFunction {
  std::string name;
  std::string kind;  // "from_json"
  types::DataType type;
  std::map<std::string, std::string> options;
};

struct LoweredQuery {
  std::string duckdb_sql;
  types::DataType schema;  // a struct; column names as Spark gives them
  std::vector<NativeFunction> functions;
  bool ordered = false;  // the outermost query has an ORDER BY
};

SqlResult<LoweredQuery> lower_query(const QueryRef& query, const Catalog& catalog,
                                    const SessionConf& conf);

// One streaming leaf of a flow. The runner puts the batch's rows behind `duckdb_relation` (a view
// or table of that name).
struct StreamSource {
  enum class Kind { kKinesis, kTable };
  Kind kind = Kind::kKinesis;
  std::map<std::string, std::string>
      options;                  // of read_kinesis, names as Spark has them, lower-cased
  TableName table;              // of kTable
  std::string duckdb_relation;  // "__source0"
  types::DataType schema;  // of kKinesis: partitionKey, data, stream, shardId, sequenceNumber, …
  Place place;
};

// A query over one stream, cut where state is needed. Without DISTINCT: `query` reads the sources.
// With SELECT DISTINCT over the stream: `distinct_input` reads the sources; the runner keeps the
// rows never seen before in this stream and puts them behind `kDistinctRelation`; `query` reads
// that.
struct FlowQuery {
  static constexpr std::string_view kDistinctRelation = "__distinct0";
  std::vector<StreamSource> sources;
  std::optional<LoweredQuery> distinct_input;
  LoweredQuery query;
};

// Refuses, with Spark's words, what an append-only flow cannot be (aggregation, window functions,
// ORDER BY over a stream).
SqlResult<FlowQuery> lower_flow(const QueryRef& query, const Catalog& catalog,
                                const SessionConf& conf);

// Registers the spark_* functions in the database behind the connection; once for each database.
duck::DuckResult<void> register_functions(duck::Connection& connection);
// Registers what a lowered query needs besides.
duck::DuckResult<void> register_natives(duck::Connection& connection,
                                        const std::vector<NativeFunction>& functions);

// The lowered query with every column turned into text by Spark's CAST(… AS STRING), NULL staying
// NULL; nested values as JSON arrays (conformance/spark/README.md). For printing and for `sql
// --json`.
std::string as_text_query(const LoweredQuery& query, const SessionConf& conf);

// What DuckDB said while a lowered query ran, as Spark would have said it.
SqlError execution_error(const std::string& duckdb_message, const Place& place);

// The functions that are there and those that are refused, as Markdown (docs/compat.md).
std::string functions_markdown();

}  // namespace sluice::sparksql
