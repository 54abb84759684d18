#include "journal/staging.h"

#include <fmt/core.h>

#include <limits>

#include "base/digest.h"

namespace sluice::journal {
namespace {

constexpr std::size_t kRunsMax = std::numeric_limits<std::uint16_t>::max();
// What a batch may add to the directory and to the footer.
constexpr std::uint64_t kBatchWeight = sizeof(format::RunEntry) + sizeof(format::RunPlace) +
                                       sizeof(format::TokenEntry) + sizeof(format::LaneSummary);
constexpr std::size_t kKeyBytesMax = std::numeric_limits<std::uint16_t>::max();

std::size_t encoded_bytes(const NewRecord& record) {
  return format::record_bytes(record.partition_key.size(), record.data.size(),
                              record.explicit_hash.has_value());
}

// Calls `each(first record, one past the last, bytes of the records)` for the batches that a run is
// cut into: a batch ends once it has the bytes of a whole run of the directory.
template <class Each>
void cut_into_batches(const NewRun& run, Each&& each) {
  std::size_t first = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    bytes += encoded_bytes(run.records[i]);
    if (bytes < format::kRunBytes && i + 1 < run.records.size()) continue;
    each(first, i + 1, bytes);
    first = i + 1;
    bytes = 0;
  }
}

}  // namespace

JournalResult<StagedSize> staged_size(const std::vector<NewRun>& runs, std::uint64_t weight_max) {
  StagedSize size;
  bool key_too_long = false;
  for (const auto& run : runs) {
    if (run.records.empty()) return base::fail(JournalError::kTooLarge, "a run without a record");
    cut_into_batches(run, [&](std::size_t first, std::size_t last, std::uint64_t bytes) {
      size.bytes += sizeof(format::BatchHeader) + bytes;
      size.weight += kBatchWeight + sizeof(format::BatchHeader) + bytes;
      for (std::size_t i = first; i < last; ++i)
        key_too_long = key_too_long || run.records[i].partition_key.size() > kKeyBytesMax;
    });
  }
  if (key_too_long)
    return base::fail(JournalError::kTooLarge, "a partition key is longer than 65,535 bytes");
  if (runs.size() > kRunsMax)
    return base::fail(JournalError::kTooLarge, "more than 65,535 runs in a request");
  if (size.weight > weight_max)
    return base::fail(
        JournalError::kTooLarge,
        fmt::format("a request that takes {} bytes, the limit is {}", size.weight, weight_max));
  return size;
}

std::unique_ptr<Call> stage(const std::vector<NewRun>& runs, StagedSize size,
                            std::int64_t arrival_ms, std::optional<RequestToken> token,
                            AppendDone done) {
  auto call = std::make_unique<Call>();
  call->buffer = std::make_unique_for_overwrite<char[]>(size.bytes);
  call->bytes = size.bytes;
  call->weight = size.weight;
  call->arrival_ms = arrival_ms;
  call->token = token;
  call->done = std::move(done);
  call->runs.reserve(runs.size());
  call->batches.reserve(runs.size());
  char* to = call->buffer.get();
  for (const auto& run : runs) {
    const auto part = static_cast<std::uint16_t>(call->runs.size());
    call->runs.push_back({run.lane, static_cast<std::uint32_t>(run.records.size())});
    cut_into_batches(run, [&](std::size_t first, std::size_t last, std::uint64_t records_bytes) {
      char* const at = to;
      to += sizeof(format::BatchHeader);
      for (std::size_t i = first; i < last; ++i) {
        const auto& record = run.records[i];
        to = format::write_record(to, {record.partition_key, record.data, record.explicit_hash});
      }
      format::BatchHeader header{
          .bytes = static_cast<std::uint32_t>(records_bytes),
          .count = static_cast<std::uint32_t>(last - first),
          .crc = base::crc32c({at + sizeof(format::BatchHeader), records_bytes}),
          .part = part,
          .parts = static_cast<std::uint16_t>(runs.size())};
      if (token) {
        header.flags = format::kBatchHasToken;
        header.token_high = base::high64(token->digest);
        header.token_low = base::low64(token->digest);
      }
      format::store(at, header);
      call->batches.push_back({.lane = run.lane,
                               .count = header.count,
                               .offset = static_cast<std::uint32_t>(at - call->buffer.get()),
                               .bytes = static_cast<std::uint32_t>(to - at)});
    });
  }
  return call;
}

bool StagingQueue::reserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (staged_ != 0 && staged_ + bytes > bytes_max_) return false;
  staged_ += bytes;
  return true;
}

void StagingQueue::release(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  staged_ -= bytes;
}

bool StagingQueue::push(std::unique_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  calls_.push_back(std::move(call));
  if (waiting_) ready_.notify_one();
  return true;
}

std::vector<std::unique_ptr<Call>> StagingQueue::take(std::uint64_t weight_max, bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) {
    waiting_ = true;
    ready_.wait(lock, [this] { return closed_ || !calls_.empty(); });
    waiting_ = false;
  }
  std::vector<std::unique_ptr<Call>> taken;
  std::uint64_t weight = 0;
  while (!calls_.empty() && (taken.empty() || weight + calls_.front()->weight <= weight_max)) {
    weight += calls_.front()->weight;
    taken.push_back(std::move(calls_.front()));
    calls_.pop_front();
  }
  return taken;
}

void StagingQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ready_.notify_all();
}

std::uint64_t StagingQueue::staged() const {
  const std::lock_guard lock(mutex_);
  return staged_;
}

}  // namespace sluice::journal
