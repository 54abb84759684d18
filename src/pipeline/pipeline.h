// The doors of the pipeline engine: Source → Decoder → Transform → Sink for one batch, with state
// kept apart. Stage objects are const while a batch runs. Design: exactly once, from stream to
// table (docs/design).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::pipeline {

enum class PipelineError {
  kInvalidProject,  // the project's files are wrong; the message carries Spark's class and the
                    // place
  kStopped,  // the flow must not go on by itself (expired, recreated, fenced …); the message says
             // why and what helps
  kRetry,    // a passing failure: the same batch again after a wait
};

template <class T>
using PipelineResult = base::Result<T, PipelineError>;

// Records of one shard with from < index ≤ to.
struct ShardRange {
  std::string shard_id;
  std::uint64_t from = 0;  // exclusive
  std::uint64_t to = 0;    // inclusive
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  // of the records, as planned; not kept in plan files
  bool operator==(const ShardRange& other) const {
    return shard_id == other.shard_id && from == other.from && to == other.to &&
           count == other.count;
  }
};

struct SourceRecord {
  std::string partition_key;
  std::string data;
  std::string stream;
  std::string shard_id;
  std::string sequence_number;
  std::int64_t arrival_ms = 0;
};

struct SourceBounds {
  std::string shard_id;
  std::vector<std::string> parents;  // to be read to their end first; may be gone already
  std::uint64_t oldest = 0;          // index of the oldest readable record
  std::uint64_t end = 0;             // one past the newest durable record
  bool closed = false;
  std::int64_t newest_arrival_ms = 0;
};

// Where records come from: the local engine, or any Kinesis endpoint. Exact ranges, so that a batch
// can be read again.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::string name() const = 0;         // the stream's ARN: the same after it is made anew
  virtual std::string incarnation() const = 0;  // changes when the stream is made anew
  virtual PipelineResult<std::vector<SourceBounds>> bounds() const = 0;
  // Closed shards that are not in bounds() any more, because all their records have expired; of
  // these `end` and `parents` are known.
  virtual PipelineResult<std::vector<SourceBounds>> gone() const = 0;
  // Where a flow that has never run begins in this shard: the index before the first record that
  // `initialPosition` asks for.
  virtual PipelineResult<std::uint64_t> initial(const SourceBounds& shard) const = 0;
  // The range of at most `records_max` records and about `bytes_max` bytes (at least one record)
  // after index `from` and below `below`. Where nothing is left below `below`, `to` is the index
  // before it, so that holes in the numbering are passed too. kStopped when records after `from`
  // have expired.
  virtual PipelineResult<ShardRange> plan(const std::string& shard_id, std::uint64_t from,
                                          std::uint64_t below, std::uint64_t records_max,
                                          std::uint64_t bytes_max) const = 0;
  // Exactly the records of the range, in order; kStopped when some have expired.
  virtual PipelineResult<std::vector<SourceRecord>> read(const ShardRange& range) const = 0;
};

// A project as it lies on disk or came over the wire; the engine itself reads no client's paths.
struct ProjectFiles {
  std::string spec_path;                     // for messages
  std::string spec;                          // YAML
  std::map<std::string, std::string> files;  // path relative to the spec's folder → text
};

}  // namespace sluice::pipeline
