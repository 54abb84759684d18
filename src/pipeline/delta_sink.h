// A flow's end: one Delta table, to which each batch is one commit that carries rows, positions and
// the batch's number together (design: exactly once, steps 3 and 6). One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "delta/delta.h"
#include "pipeline/batch_planner.h"
#include "pipeline/flow_files.h"

namespace sluice::pipeline {

// The table as the project declares it.
struct TableDefinition {
  std::string root;  // folder
  std::string name;  // spark_catalog.default.t, for messages
  types::DataType schema;
  std::vector<std::string> partitioned_by;
  std::string comment;
  std::map<std::string, std::string> properties;
};

struct WrittenFiles {
  std::vector<delta::AddFile> files;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

// What one batch's commit says besides its files.
struct BatchCommit {
  std::string flow_id;
  std::string app_id;
  CommitRecord record;
};

class DeltaSink {
 public:
  static constexpr std::size_t kFilesMax = 8;  // small files that are left alone

  // Makes the table where there is none; adds the columns that it lacks. kStopped: it cannot take
  // the rows (Spark's words), or keeps what exactly-once relies on only for a time.
  static PipelineResult<DeltaSink> open(base::Env& env, base::Clock& clock, base::Random& random,
                                        const TableDefinition& definition);

  // Reads what is new in the log.
  PipelineResult<std::shared_ptr<const delta::Snapshot>> refresh();
  const delta::Snapshot& snapshot() const { return *snapshot_; }
  const std::string& root() const { return definition_.root; }

  // Runs `select_sql`, whose columns are `schema`, and writes its rows as synced files that no
  // commit names yet.
  PipelineResult<WrittenFiles> write(duck::Connection& engine, const std::string& select_sql,
                                     const types::DataType& schema);
  // kRetry: the table was changed meanwhile, or it is not known whether the commit took place: open
  // again. kStopped: fenced.
  PipelineResult<delta::Version> commit(const BatchCommit& batch, const WrittenFiles& written);

  // The commits of a flow that the log still has, by batch; at most `commits_max` looked at.
  PipelineResult<std::map<std::int64_t, CommitRecord>> records(const std::string& flow_id,
                                                               std::int64_t generation,
                                                               std::size_t commits_max);

  // More than kFilesMax files that are small enough to be merged.
  bool wants_compaction() const;
  // Merges small files in a commit of its own; yields to any other writer. True: something changed.
  PipelineResult<bool> compact(duck::Connection& engine);

  std::int64_t total_rows() const;  // −1: some file does not say

 private:
  DeltaSink(base::Env& env, base::Clock& clock, base::Random& random, TableDefinition definition,
            delta::Table table)
      : env_(env),
        clock_(clock),
        random_(random),
        definition_(std::move(definition)),
        table_(std::move(table)) {}
  PipelineResult<void> evolve();

  base::Env& env_;
  base::Clock& clock_;
  base::Random& random_;
  TableDefinition definition_;
  delta::Table table_;
  std::shared_ptr<const delta::Snapshot> snapshot_;  // shared with the table
};

}  // namespace sluice::pipeline
