// Which records the next batch reads: ranges at the durable position, within limits, parents before
// children (design: exactly once, step 1). No state; deterministic for equal inputs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/flow_files.h"
#include "pipeline/pipeline.h"

namespace sluice::pipeline {

struct ShardKey {
  std::string incarnation;  // of the stream
  std::string shard_id;
  auto operator<=>(const ShardKey&) const = default;
};

// Index of the last record read, of each shard that the flow knows. A shard that is missing here
// has appeared since and is read from its start.
using Positions = std::map<ShardKey, std::uint64_t>;

// One past the last index to read of each shard; shards that are missing are not read at all.
using Targets = std::map<ShardKey, std::uint64_t>;

struct BatchLimits {
  std::uint64_t records_max = 1'000'000;
  std::uint64_t bytes_max = std::uint64_t{256} << 20;
};

struct PlannedRanges {
  std::vector<PlannedStream> streams;
  std::uint64_t records = 0;
  // Some range moves its position (past holes) or has records.
  bool moves = false;
};

// `targets` absent: everything that is durable. With `all_shards`, shards without new records are
// listed too: the first batch writes every position into the table.
PipelineResult<PlannedRanges> plan_ranges(const std::vector<const Source*>& sources,
                                          const Positions& positions,
                                          const std::optional<Targets>& targets,
                                          const BatchLimits& limits, bool all_shards);

// The durable ends of now: what "available now" reads up to.
PipelineResult<Targets> current_ends(const std::vector<const Source*>& sources);

// Moves `positions` to the ends of the plan's ranges.
void advance(Positions& positions, const std::vector<PlannedStream>& streams);

}  // namespace sluice::pipeline
