#include "pipeline/delta_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/uuid.h"
#include "pipeline/flow_id.h"
#include "pipeline/names.h"
#include "sparksql/sparksql.h"

namespace sluice::pipeline {
namespace {

namespace json = boost::json;
constexpr base::Logger kLog{"pipeline"};
constexpr std::int64_t kFileBytesTarget = std::int64_t{128} << 20;
constexpr const char* kTxnRetention = "delta.setTransactionRetentionDuration";

PipelineError code_of(delta::DeltaError error) {
  switch (error) {
    case delta::DeltaError::kConflict:
    case delta::DeltaError::kIo:
    case delta::DeltaError::kExists:
    case delta::DeltaError::kEngine:
    case delta::DeltaError::kInterrupted:
      return PipelineError::kRetry;
    case delta::DeltaError::kNotATable:
    case delta::DeltaError::kNoVersion:
    case delta::DeltaError::kUnsupported:
    case delta::DeltaError::kCorrupt:
    case delta::DeltaError::kFenced:
    case delta::DeltaError::kQuery:
    case delta::DeltaError::kSchema:
      break;
  }
  return PipelineError::kStopped;
}

std::unexpected<base::Failure<PipelineError>> failed(
    const base::Failure<delta::DeltaError>& failure) {
  if (failure.code == delta::DeltaError::kQuery)
    return base::fail(PipelineError::kStopped,
                      sparksql::execution_error(failure.message, {}).to_string());
  return base::fail(code_of(failure.code), failure.message);
}

types::DataType all_nullable(const types::DataType& schema) {
  std::vector<types::Field> fields = schema.fields();
  for (types::Field& field : fields)
    field.nullable = true;
  return types::DataType::structure(std::move(fields));
}

// The rows of `select_sql` with the table's columns: matched by name without regard to case, those
// that the query lacks are NULL.
std::string as_table_rows(const std::string& select_sql, const types::DataType& query,
                          const types::DataType& table) {
  std::string columns;
  for (const types::Field& field : table.fields()) {
    if (!columns.empty()) columns += ", ";
    const auto found = std::ranges::find_if(query.fields(), [&](const types::Field& from) {
      return equal_names(from.name, field.name);
    });
    const std::string value =
        found == query.fields().end() ? "NULL" : duck::quote_identifier(found->name);
    columns += fmt::format("CAST({} AS {}) AS {}", value, field.type->to_duckdb(),
                           duck::quote_identifier(field.name));
  }
  return fmt::format("SELECT {} FROM ({})", columns, select_sql);
}

delta::DeltaResult<delta::Table> open_or_create(base::Env& env, base::Clock& clock,
                                                const TableDefinition& definition) {
  auto table = delta::Table::open(env, clock, definition.root);
  if (table || table.error().code != delta::DeltaError::kNotATable) return table;
  delta::Metadata metadata;
  metadata.description = definition.comment;
  metadata.schema = all_nullable(definition.schema);
  metadata.partition_columns = definition.partitioned_by;
  metadata.configuration = definition.properties;
  metadata.created_ms = clock.now_ms();
  auto made = delta::Table::create(env, clock, definition.root, metadata);
  if (made || made.error().code != delta::DeltaError::kExists) return made;
  return delta::Table::open(env, clock, definition.root);  // another flow of the table was first
}

}  // namespace

PipelineResult<DeltaSink> DeltaSink::open(base::Env& env, base::Clock& clock, base::Random& random,
                                          const TableDefinition& definition) {
  auto table = open_or_create(env, clock, definition);
  if (!table) return failed(table.error());
  DeltaSink sink(env, clock, random, definition, *std::move(table));
  if (auto ok = sink.refresh(); !ok) return std::unexpected(ok.error());
  if (sink.snapshot_->metadata.configuration.contains(kTxnRetention))
    return base::fail(PipelineError::kStopped,
                      fmt::format("{}: the table property {} lets Delta forget which batches are "
                                  "in the table. Take it off to go on",
                                  definition.name, kTxnRetention));
  if (auto ok = sink.evolve(); !ok) return std::unexpected(ok.error());
  return sink;
}

PipelineResult<std::shared_ptr<const delta::Snapshot>> DeltaSink::refresh() {
  auto snapshot = table_.refresh();
  if (!snapshot) return failed(snapshot.error());
  snapshot_ = *snapshot;
  return snapshot_;
}

PipelineResult<void> DeltaSink::evolve() {
  auto merged = delta::merge_schema(snapshot_->metadata.schema, definition_.schema);
  if (!merged) return failed(merged.error());
  if (merged->added.empty()) return {};
  delta::Transaction change;
  change.info.operation = "ADD COLUMNS";
  change.info.txn_id = base::random_uuid(random_);
  std::string columns;
  base::JsonWriter out(columns);
  out.begin_array();
  for (const std::string& name : merged->added)
    out.value(std::string_view(name));
  out.end_array();
  change.info.parameters = {{"columns", columns}};
  change.metadata = snapshot_->metadata;
  change.metadata->schema = merged->schema;
  if (auto done = table_.commit(*snapshot_, std::move(change)); !done) return failed(done.error());
  if (auto ok = refresh(); !ok) return std::unexpected(ok.error());
  return {};
}

PipelineResult<WrittenFiles> DeltaSink::write(duck::Connection& engine,
                                              const std::string& select_sql,
                                              const types::DataType& schema) {
  const delta::Metadata& metadata = snapshot_->metadata;
  auto files = delta::write_files(engine, env_, definition_.root,
                                  as_table_rows(select_sql, schema, metadata.schema),
                                  metadata.schema, delta::write_options(metadata));
  if (!files) return failed(files.error());
  WrittenFiles written;
  written.files = *std::move(files);
  for (const delta::AddFile& file : written.files) {
    written.rows += file.records();
    written.bytes += file.size_bytes;
  }
  return written;
}

PipelineResult<delta::Version> DeltaSink::commit(const BatchCommit& batch,
                                                 const WrittenFiles& written) {
  const Plan& plan = batch.record.plan;
  const std::int64_t now = clock_.now_ms();
  delta::Transaction change;
  change.info.operation = "STREAMING UPDATE";
  change.info.parameters = {{"outputMode", "Append"},
                            {"queryId", batch.flow_id},
                            {"epochId", std::to_string(plan.batch)}};
  change.info.metrics = {{"numAddedFiles", std::to_string(written.files.size())},
                         {"numRemovedFiles", "0"},
                         {"numOutputRows", std::to_string(written.rows)},
                         {"numOutputBytes", std::to_string(written.bytes)}};
  change.info.extra = {{"sluice", to_json(batch.record)}};
  change.info.txn_id = base::random_uuid(random_);
  change.info.blind_append = true;
  change.adds = written.files;
  change.fence_app_id = batch.app_id;
  change.txns.push_back({batch.app_id, plan.batch, now});
  for (const PlannedStream& stream : plan.streams)
    for (const ShardRange& range : stream.shards)
      change.txns.push_back({position_app_id(batch.app_id, stream.incarnation, range.shard_id),
                             static_cast<std::int64_t>(range.to + 1), now});
  auto version = table_.commit(*snapshot_, std::move(change));
  if (!version && version.error().code == delta::DeltaError::kFenced)
    return base::fail(PipelineError::kStopped,
                      fmt::format("fenced: another process runs this flow and has committed batch "
                                  "{} ({})",
                                  plan.batch, version.error().message));
  if (!version) return failed(version.error());
  if (auto ok = table_.maybe_checkpoint(); !ok)
    kLog.warn("{}: checkpoint: {}", definition_.name, ok.error().message);
  return *version;
}

PipelineResult<std::map<std::int64_t, CommitRecord>> DeltaSink::records(const std::string& flow_id,
                                                                        std::int64_t generation,
                                                                        std::size_t commits_max) {
  auto history = table_.history(commits_max);
  if (!history) return failed(history.error());
  std::map<std::int64_t, CommitRecord> out;
  for (const delta::HistoryEntry& entry : *history) {
    const auto query = entry.parameters.find("queryId");
    if (query == entry.parameters.end() || query->second != flow_id) continue;
    boost::system::error_code code;
    const json::value info = json::parse(entry.commit_info_json, code);
    const json::object* members = code ? nullptr : info.if_object();
    const json::value* ours = members == nullptr ? nullptr : members->if_contains("sluice");
    if (ours == nullptr) continue;
    auto record =
        parse_commit_record(json::serialize(*ours), fmt::format("commit {}", entry.version()));
    if (!record) return std::unexpected(record.error());
    if (record->plan.generation != generation) continue;
    const auto batch = record->plan.batch;
    out.insert_or_assign(batch, *std::move(record));
  }
  return out;
}

bool DeltaSink::wants_compaction() const {
  const auto small = std::ranges::count_if(snapshot_->files, [](const delta::AddFile& file) {
    return file.size_bytes < kFileBytesTarget / 2;
  });
  return static_cast<std::size_t>(small) > kFilesMax;
}

PipelineResult<bool> DeltaSink::compact(duck::Connection& engine) {
  auto done = delta::optimize(engine, env_, clock_, table_, kFileBytesTarget);
  if (!done && done.error().code == delta::DeltaError::kConflict) {
    kLog.info("{}: merging of small files gave way to another writer", definition_.name);
    return false;
  }
  if (!done) return failed(done.error());
  if (auto ok = refresh(); !ok) return std::unexpected(ok.error());
  return done->version.has_value();
}

std::int64_t DeltaSink::total_rows() const {
  std::int64_t rows = 0;
  for (const delta::AddFile& file : snapshot_->files) {
    if (file.records() < 0) return -1;
    rows += file.records();
  }
  return rows;
}

}  // namespace sluice::pipeline
