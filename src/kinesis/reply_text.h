// Pieces of replies that several operations share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "streams/streams.h"

namespace sluice::kinesis {

// "HashKeyRange":{…}
void write_hash_range(base::JsonWriter& w, const streams::Shard& shard);
// A whole Shard structure.
void write_shard(base::JsonWriter& w, const streams::Shard& shard);
// A timestamp as AWS JSON has it: epoch seconds, the milliseconds as a fraction.
void write_time(base::JsonWriter& w, std::string_view name, std::int64_t ms);
void write_mode(base::JsonWriter& w, streams::StreamMode mode);  // "StreamModeDetails":{…}

}  // namespace sluice::kinesis
