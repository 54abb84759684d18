// The JSON files below <table>/_sluice/<flow id>: flow.json, plans/N.json, state/head.json, and the
// `sluice` member of a commitInfo, which repeats a plan's ranges. Formats: docs/formats/flow.md.
// Readers take nothing on trust: what is not exactly as written by a version they know is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pipeline.h"

namespace sluice::pipeline {

// One stream that a flow reads, as it was when the flow first saw it.
struct FlowStream {
  std::string name;  // ARN
  std::string incarnation;
  // Index before the first record to read, of each shard known then. A shard that appears later is
  // read from its start.
  std::map<std::string, std::uint64_t> start;
  bool operator==(const FlowStream&) const = default;
};

// flow.json: written once a generation. The table has the last word on id and generation.
struct FlowFile {
  std::string flow_id;
  std::string flow_name;
  std::string table_id;
  std::int64_t generation = 0;
  std::uint64_t hash_seed = 0;
  std::vector<FlowStream> streams;
  bool operator==(const FlowFile&) const = default;

  const FlowStream* find(const std::string& stream_name) const;
};

// What one batch reads of one stream.
struct PlannedStream {
  std::string name;
  std::string incarnation;
  std::vector<ShardRange> shards;
  bool operator==(const PlannedStream&) const = default;
};

// plans/N.json: put-if-absent; whoever wrote it, it is the plan.
struct Plan {
  std::int64_t batch = 0;
  std::int64_t generation = 0;
  std::int64_t batch_time_ms = 0;
  std::string sql_hash;     // of the flow's query as written; 32 hex digits
  std::string schema_hash;  // of the query's result; 32 hex digits
  std::vector<PlannedStream> streams;
  bool operator==(const Plan&) const = default;

  std::uint64_t records() const;
};

// A synced file of keys that is part of the state as of a batch.
struct KeyFileRef {
  std::int64_t from = 0;  // batches, both inclusive
  std::int64_t to = 0;
  std::string file;  // name in state/
  std::uint64_t count = 0;
  std::uint32_t crc = 0;
  bool operator==(const KeyFileRef&) const = default;
};

// state/head.json: a shortcut to what the table's commits say; replaced after each commit.
struct Head {
  std::int64_t batch = -1;
  std::int64_t generation = 0;
  std::int64_t batch_time_ms = 0;
  std::vector<KeyFileRef> files;  // by `from`; together they cover 0 … batch, or nothing
  bool operator==(const Head&) const = default;
};

// The `sluice` member of a batch's commitInfo.
struct CommitRecord {
  Plan plan;                // ranges and hashes of the plan
  std::string sql_hash;     // of the SQL that ran; differs from the plan's when it was changed
  std::string schema_hash;  // likewise
  std::optional<KeyFileRef> state;
  bool operator==(const CommitRecord&) const = default;
};

std::string to_json(const FlowFile& file);
std::string to_json(const Plan& plan);
std::string to_json(const Head& head);
std::string to_json(const CommitRecord& record);

// kStopped: damaged, or of a format not known here. `where` names the file for the message.
PipelineResult<FlowFile> parse_flow_file(std::string_view json, const std::string& where);
PipelineResult<Plan> parse_plan(std::string_view json, const std::string& where);
PipelineResult<Head> parse_head(std::string_view json, const std::string& where);
PipelineResult<CommitRecord> parse_commit_record(std::string_view json, const std::string& where);

// 32 hex digits that tell one text from another.
std::string text_hash(std::string_view text);

}  // namespace sluice::pipeline
