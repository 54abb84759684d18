// Delta Lake tables: log actions, snapshot, transaction and conflict rules, checkpoints, data
// files. Knows nothing of streams and SQL. Protocol (1,2) by default; what a table needs beyond
// what we do is refused by name. A Table is used by one thread at a time; several processes may
// write one table at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/named_type.h"
#include "base/result.h"
#include "duck/duck.h"
#include "types/data_type.h"

namespace sluice::delta {

using Version = base::NamedType<std::int64_t, struct DeltaVersionTag>;

enum class DeltaError {
  kNotATable,    // no _delta_log
  kExists,       // a table is there already
  kNoVersion,    // the asked version is not there, or no longer
  kUnsupported,  // a feature or property we do not have; the message names it
  kCorrupt,      // the log or a file breaks the protocol; the message names file and line
  kConflict,     // another writer changed what this transaction relies on: plan again
  kFenced,       // another process committed under our appId: stop
  kIo,           // the store failed; whether a commit took place must be read back
  kEngine,       // DuckDB failed while writing or reading data files (memory, disk, a bug)
  kQuery,        // the rows' SELECT failed by itself; the message is the function's own
  kInterrupted,  // the connection was interrupted
  kSchema,       // rows or a schema that the table cannot take; the message is Spark's
};

template <class T>
using DeltaResult = base::Result<T, DeltaError>;

struct Protocol {
  int min_reader = 1;
  int min_writer = 2;
  std::vector<std::string> reader_features;
  std::vector<std::string> writer_features;
};

struct Metadata {
  std::string id;  // UUID
  std::string name;
  std::string description;
  types::DataType schema;  // a struct
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> configuration;
  std::int64_t created_ms = 0;
};

struct AddFile {
  std::string path;  // relative to the table, as in the log (percent-encoded)
  std::map<std::string, std::optional<std::string>> partition_values;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ms = 0;
  bool data_change = true;
  std::string stats_json;                   // empty: none
  std::map<std::string, std::string> tags;  // kept as they were found
  std::int64_t records() const;             // of stats_json; −1: unknown
};

struct RemoveFile {
  std::string path;
  std::int64_t deleted_ms = 0;
  bool data_change = true;
  std::map<std::string, std::optional<std::string>> partition_values;
  std::int64_t size_bytes = 0;  // −1: unknown, then partition_values are too
};

struct Txn {
  std::string app_id;
  std::int64_t version = 0;
  std::int64_t updated_ms = 0;
};

struct CommitInfo {
  std::string operation;  // STREAMING UPDATE, OPTIMIZE, CREATE TABLE …
  std::vector<std::pair<std::string, std::string>> parameters;  // operationParameters: name → text
  std::vector<std::pair<std::string, std::string>> metrics;     // operationMetrics: name → text
  std::vector<std::pair<std::string, std::string>> extra;       // further members: name → JSON
  std::string txn_id;                                           // a UUID, for the read-back
  bool blind_append = false;
};

struct Snapshot {
  Version version;
  std::int64_t commit_ms = 0;  // of the newest commit, monotonised
  Protocol protocol;
  Metadata metadata;
  std::vector<AddFile> files;
  std::map<std::string, Txn> txns;                            // by appId
  std::int64_t txn_version(const std::string& app_id) const;  // −1: none
};

struct HistoryEntry {
  Version version;
  std::int64_t commit_ms = 0;
  std::string operation;
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> metrics;
  std::string engine;
  std::string commit_info_json;  // the whole commitInfo as it was found; empty: none
};

// What one commit does, on top of the snapshot it was made from.
struct Transaction {
  CommitInfo info;
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::vector<Txn> txns;
  std::vector<AddFile> adds;
  std::vector<RemoveFile> removes;
  // The appId whose progress by another process means that this one is fenced; empty: none.
  std::string fence_app_id;
};

// put-if-absent, list-from, read: the smallest store that a Delta log can live in.
class LogStore {
 public:
  virtual ~LogStore() = default;
  // Durable when it returns. base::IoError::kExists: somebody else has that version.
  virtual base::IoStatus put_if_absent(const std::string& name, std::string_view data) = 0;
  virtual base::IoStatus replace(const std::string& name,
                                 std::string_view data) = 0;  // _last_checkpoint only
  virtual base::IoResult<std::string> read(const std::string& name) = 0;
  virtual base::IoResult<std::vector<std::string>> list_from(
      const std::string& name) = 0;  // sorted
  virtual base::IoStatus remove(const std::string& name) = 0;
  // Names that anybody made before are on the device; for the read-back of a lost answer.
  virtual base::IoStatus sync() = 0;
};

std::unique_ptr<LogStore> local_log_store(base::Env& env, const std::string& table_root);

class Table {
 public:
  // The table in the folder `root`. `log` may be a test's.
  static DeltaResult<Table> open(base::Env& env, base::Clock& clock, const std::string& root,
                                 std::unique_ptr<LogStore> log = nullptr);
  // Version 0: commitInfo, protocol, metaData. kExists when there is one. An empty id gets a fresh
  // UUID, created_ms 0 the clock's time.
  static DeltaResult<Table> create(base::Env& env, base::Clock& clock, const std::string& root,
                                   const Metadata& metadata,
                                   std::unique_ptr<LogStore> log = nullptr);

  const std::string& root() const { return root_; }
  // Reads what is new in the log; cheap when nothing is.
  DeltaResult<std::shared_ptr<const Snapshot>> refresh();
  DeltaResult<std::shared_ptr<const Snapshot>> snapshot_at(Version version);
  // Newest first.
  DeltaResult<std::vector<HistoryEntry>> history(std::size_t count);

  // Commits on top of `base`, trying the next version while the commits in between allow it
  // (design: exactly once, step 6). An answer that got lost is read back by txn_id. The version it
  // has become.
  DeltaResult<Version> commit(const Snapshot& base, Transaction transaction);

  // Writes a V1 checkpoint and _last_checkpoint when the table's interval is reached. The table's
  // data does not depend on it: log a failure and go on.
  DeltaResult<void> maybe_checkpoint();

 private:
  struct State;
  explicit Table(std::shared_ptr<State> state);
  std::string root_;
  std::shared_ptr<State> state_;  // shared with the snapshots' readers
};

// ---- data files
// ------------------------------------------------------------------------------------------------------

struct WriteOptions {
  std::int64_t file_bytes_target = std::int64_t{128} << 20;
  std::vector<std::string> partition_columns;
  int stats_columns = 32;  // delta.dataSkippingNumIndexedCols; −1: all
  bool data_change = true;
};

// The options that the table's properties and layout ask for.
WriteOptions write_options(const Metadata& metadata);

// Runs `select_sql` and writes its rows as Parquet files (zstd 1) with fresh names below the
// table's root, synced, with statistics. No rows: no files. `schema` names and types the columns;
// the SELECT must yield each of them by name (columns of the table that it lacks read as NULL).
// kSchema: a NULL in a column that is not nullable. The session's TimeZone must be UTC.
DeltaResult<std::vector<AddFile>> write_files(duck::Connection& engine, base::Env& env,
                                              const std::string& table_root,
                                              const std::string& select_sql,
                                              const types::DataType& schema,
                                              const WriteOptions& options);

// What lowered SQL puts after FROM to read a snapshot's rows: a parenthesised SELECT with the
// schema's columns in order. kUnsupported: a file outside the table's folder.
DeltaResult<std::string> scan_sql(const std::string& table_root, const Snapshot& snapshot);

// The table's schema after a write of `query`: columns match by name without regard to case, new
// ones are added at the end as nullable, missing ones stay. kSchema, with Spark's words: types that
// do not go together.
struct SchemaMerge {
  types::DataType schema;
  std::vector<std::string> added;  // full names of the new columns; empty: nothing changed
};
DeltaResult<SchemaMerge> merge_schema(const types::DataType& table, const types::DataType& query);

struct OptimizeResult {
  std::optional<Version> version;  // absent: nothing to do
  std::size_t files_removed = 0;
  std::size_t files_added = 0;
};

// Bin-packing: rewrites small files into large ones in a commit of its own (dataChange=false, no
// txn). Yields, with kConflict, to any writer that removed one of its files.
DeltaResult<OptimizeResult> optimize(duck::Connection& engine, base::Env& env, base::Clock& clock,
                                     Table& table, std::int64_t file_bytes_target);

}  // namespace sluice::delta
