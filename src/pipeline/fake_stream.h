// A stream in memory with the Source door, for tests: shards, expiry, resharding, holes.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace sluice::pipeline {

struct FakeShard {
  std::map<std::uint64_t, std::string> records;  // by index
  std::uint64_t oldest = 1;
  std::uint64_t end = 1;
  bool closed = false;
  std::vector<std::string> parents;

  void put(const std::string& data) { records[end++] = data; }
  void expire_below(std::uint64_t index) {
    records.erase(records.begin(), records.lower_bound(index));
    oldest = records.empty() ? end : records.begin()->first;
  }
};

struct FakeStream {
  std::string name = "arn:aws:kinesis:us-east-1:000000000000:stream/fake";
  std::string incarnation = "11111111-2222-4333-8444-555555555555";
  bool latest = false;
  bool failing = false;  // answers kRetry
  std::map<std::string, FakeShard> shards;
  std::map<std::string, FakeShard> gone;  // closed ones, all of whose records have expired

  std::vector<std::string> all() const {
    std::vector<std::string> out;
    for (const auto& [id, shard] : shards)
      for (const auto& [index, data] : shard.records)
        out.push_back(data);
    return out;
  }
};

class FakeSource final : public Source {
 public:
  explicit FakeSource(std::shared_ptr<FakeStream> stream)
      : stream_(std::move(stream)), incarnation_(stream_->incarnation) {}

  std::string name() const override { return stream_->name; }
  std::string incarnation() const override { return incarnation_; }

  PipelineResult<std::vector<SourceBounds>> bounds() const override {
    if (stream_->failing) return base::fail(PipelineError::kRetry, "fake: not now");
    std::vector<SourceBounds> out;
    for (const auto& [id, shard] : stream_->shards)
      out.push_back({id, shard.parents, shard.oldest, shard.end, shard.closed,
                     static_cast<std::int64_t>(shard.end)});
    return out;
  }

  PipelineResult<std::vector<SourceBounds>> gone() const override {
    std::vector<SourceBounds> out;
    for (const auto& [id, shard] : stream_->gone)
      out.push_back({id, shard.parents, shard.end, shard.end, true, 0});
    return out;
  }

  PipelineResult<std::uint64_t> initial(const SourceBounds& shard) const override {
    return (stream_->latest ? shard.end : shard.oldest) - 1;
  }

  PipelineResult<ShardRange> plan(const std::string& shard_id, std::uint64_t from,
                                  std::uint64_t below, std::uint64_t records_max,
                                  std::uint64_t bytes_max) const override {
    const FakeShard& shard = stream_->shards.at(shard_id);
    if (from + 1 < shard.oldest)
      return base::fail(PipelineError::kStopped, "fake: records have expired");
    ShardRange range{shard_id, from, from};
    auto it = shard.records.upper_bound(from);
    for (; it != shard.records.end() && it->first < below; ++it) {
      if (range.count == records_max || (range.count > 0 && range.bytes >= bytes_max)) break;
      range.to = it->first;
      range.bytes += it->second.size();
      ++range.count;
    }
    if (it == shard.records.end() || it->first >= below)
      range.to = std::max(range.to, std::min(below, shard.end) - 1);
    return range;
  }

  PipelineResult<std::vector<SourceRecord>> read(const ShardRange& range) const override {
    std::vector<SourceRecord> out;
    const auto shard = stream_->shards.find(range.shard_id);
    if (shard != stream_->shards.end())
      for (auto it = shard->second.records.upper_bound(range.from);
           it != shard->second.records.end() && it->first <= range.to; ++it)
        out.push_back({"p", it->second, "fake", range.shard_id, std::to_string(it->first),
                       static_cast<std::int64_t>(it->first)});
    if (out.size() != range.count)
      return base::fail(PipelineError::kStopped,
                        fmt::format("fake: {} records of {} are left", out.size(), range.count));
    return out;
  }

 private:
  std::shared_ptr<FakeStream> stream_;
  const std::string incarnation_;
};

}  // namespace sluice::pipeline
