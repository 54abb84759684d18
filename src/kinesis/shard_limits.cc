#include "kinesis/shard_limits.h"

#include <algorithm>

#include "kinesis/limits.h"

namespace sluice::kinesis {
namespace {

constexpr auto kWriteBytes = static_cast<double>(kShardWriteBytes);
constexpr auto kWriteRecords = static_cast<double>(kShardWriteRecords);
constexpr auto kReadCalls = static_cast<double>(kShardReadCalls);
constexpr auto kReadBytes = static_cast<double>(kShardReadBytes);

}  // namespace

ShardLimits::Buckets& ShardLimits::filled(const streams::Stream& stream,
                                          streams::ShardIndex shard) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const auto [at, fresh] =
      buckets_.try_emplace(Key{stream.incarnation, shard},
                           Buckets{kWriteBytes, kWriteRecords, kReadCalls, kReadBytes, now_ns});
  Buckets& has = at->second;
  const double seconds = static_cast<double>(now_ns - has.filled_ns) / 1e9;
  has.filled_ns = now_ns;
  has.write_bytes = std::min(kWriteBytes, has.write_bytes + seconds * kWriteBytes);
  has.write_records = std::min(kWriteRecords, has.write_records + seconds * kWriteRecords);
  has.read_calls = std::min(kReadCalls, has.read_calls + seconds * kReadCalls);
  has.read_bytes = std::min(kReadBytes, has.read_bytes + seconds * kReadBytes);
  return has;
}

// A shard that was left alone for a while is as one never used.
void ShardLimits::forget_full() {
  if (buckets_.size() < forget_at_) return;
  const std::int64_t idle_ns = clock_.monotonic_ns() - kShardIdleMs * 1'000'000;
  std::erase_if(buckets_,
                [idle_ns](const auto& entry) { return entry.second.filled_ns < idle_ns; });
  forget_at_ = std::max<std::size_t>(1024, 2 * buckets_.size());
}

bool ShardLimits::write(const streams::Stream& stream, streams::ShardIndex shard,
                        std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  forget_full();
  Buckets& has = filled(stream, shard);
  // The largest record is larger than a second's bytes by its key: a full bucket takes it.
  const auto wanted = static_cast<double>(bytes);
  if (has.write_records < 1 || has.write_bytes < std::min(wanted, kWriteBytes)) return false;
  has.write_records -= 1;
  has.write_bytes -= wanted;
  return true;
}

bool ShardLimits::begin_read(const streams::Stream& stream, streams::ShardIndex shard) {
  const std::lock_guard lock(mutex_);
  forget_full();
  Buckets& has = filled(stream, shard);
  if (has.read_calls < 1 || has.read_bytes <= 0) return false;
  has.read_calls -= 1;
  return true;
}

void ShardLimits::end_read(const streams::Stream& stream, streams::ShardIndex shard,
                           std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Buckets& has = filled(stream, shard);
  const auto given = static_cast<double>(bytes);
  has.read_bytes -= given;
  // A page of 10 MiB is followed by five seconds of nothing, whatever was saved up before.
  if (given > kReadBytes) has.read_bytes = std::min(has.read_bytes, -given);
}

std::size_t ShardLimits::shards() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace sluice::kinesis
