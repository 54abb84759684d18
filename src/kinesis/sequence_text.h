// A sequence number as a client sends it: what AWS reads out of its three versions, of which only
// the newest is given out (docs/formats/sequence-number.md). Used by put.cc and get.cc for checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::kinesis {

struct SequenceText {
  int version = 2;
  std::int64_t shard_created_s = 0;
  std::int64_t arrival_s = 0;  // 0 in version 0, which has none
  std::uint64_t index = 0;     // of version 2
  std::int32_t shard = 0;      // negative where the number says so: AWS prints it
};

// nullopt: AWS calls it invalid.
std::optional<SequenceText> read_sequence_text(std::string_view digits);

}  // namespace sluice::kinesis
