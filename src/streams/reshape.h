// Splits, merges and uniform scaling as arithmetic on a stream's shards: which close, which are
// made. Nothing is stored here; Engine::reshape does that.
#pragma once

#include <cstdint>

#include "streams/streams.h"

namespace sluice::streams {

// Each closes shards of `stream` and adds their children behind the others. A closed shard's
// closed_at says 1 (empty): the engine puts the journal's end there for those that had records. A
// child is made in a second after `now_s` and after its parents.
StreamResult<void> split_shard(Stream& stream, ShardIndex shard, base::Uint128 upper_first,
                               std::int64_t now_s);
StreamResult<void> merge_shards(Stream& stream, ShardIndex shard, ShardIndex adjacent,
                                std::int64_t now_s);
// Splits and merges until the open shards are `count` equal ones. Every child has one parent that
// has two children, or two parents; shards that only lead there are closed at once.
void scale_shards(Stream& stream, int count, std::int64_t now_s);

}  // namespace sluice::streams
