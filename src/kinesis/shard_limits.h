// What AWS lets one shard take and give: kinesis.shard_limits = aws. A bucket for each shard that
// was used of late, filled by the engine's monotonic clock. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "streams/streams.h"

namespace sluice::kinesis {

class ShardLimits {
 public:
  explicit ShardLimits(const base::Clock& clock) : clock_(clock) {}

  // Takes a record of so many bytes (data and partition key) out of the shard's second; false: it
  // is used up, nothing was taken.
  bool write(const streams::Stream& stream, streams::ShardIndex shard, std::size_t bytes);
  // Takes a call of GetRecords; what it gives is told afterwards.
  bool begin_read(const streams::Stream& stream, streams::ShardIndex shard);
  void end_read(const streams::Stream& stream, streams::ShardIndex shard, std::size_t bytes);
  std::size_t shards() const;

 private:
  using Key = std::pair<std::string, streams::ShardIndex>;  // incarnation, shard
  // What may still be taken; below 0: to be waited for.
  struct Buckets {
    double write_bytes, write_records, read_calls, read_bytes;
    std::int64_t filled_ns;
  };
  Buckets& filled(const streams::Stream& stream, streams::ShardIndex shard);
  void forget_full();

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Key, Buckets> buckets_;
  std::size_t forget_at_ = 1024;
};

}  // namespace sluice::kinesis
