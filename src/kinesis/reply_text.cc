#include "kinesis/reply_text.h"

#include <fmt/core.h>

#include "base/uint128.h"

namespace sluice::kinesis {

using base::JsonWriter;

void write_hash_range(JsonWriter& w, const streams::Shard& shard) {
  w.key("HashKeyRange").begin_object();
  w.field("StartingHashKey", std::string_view(base::to_decimal(shard.hash_first)));
  w.field("EndingHashKey", std::string_view(base::to_decimal(shard.hash_last)));
  w.end_object();
}

void write_shard(JsonWriter& w, const streams::Shard& shard) {
  w.begin_object().field("ShardId", std::string_view(shard.id()));
  if (shard.parent) w.field("ParentShardId", std::string_view(streams::shard_id(*shard.parent)));
  if (shard.adjacent_parent)
    w.field("AdjacentParentShardId", std::string_view(streams::shard_id(*shard.adjacent_parent)));
  write_hash_range(w, shard);
  w.key("SequenceNumberRange").begin_object();
  w.field("StartingSequenceNumber", std::string_view(shard.start().to_string()));
  if (!shard.open()) w.field("EndingSequenceNumber", std::string_view(shard.end().to_string()));
  w.end_object().end_object();
}

void write_time(JsonWriter& w, std::string_view name, std::int64_t ms) {
  w.key(name).raw(fmt::format("{}.{:03}", ms / 1000, ms % 1000));
}

void write_mode(JsonWriter& w, streams::StreamMode mode) {
  w.key("StreamModeDetails").begin_object();
  w.field("StreamMode", mode == streams::StreamMode::kOnDemand ? "ON_DEMAND" : "PROVISIONED");
  w.end_object();
}

}  // namespace sluice::kinesis
