// Which shard a lane of the journal belongs to, read from meta.db without an engine: for
// `sluice repair`, which must work where the journal does not start.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "streams/streams.h"

namespace sluice::streams {

struct LaneName {
  StreamKey stream;
  std::string shard;  // shardId-000000000000
  std::int64_t retention_hours = 0;
};

// Every shard's lane. kUnavailable: the file is not there or cannot be read.
StreamResult<std::map<journal::LaneId, LaneName>> read_lane_names(const std::string& meta_path);

}  // namespace sluice::streams
