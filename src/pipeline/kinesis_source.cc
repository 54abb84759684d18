#include "pipeline/kinesis_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "pipeline/names.h"

namespace sluice::pipeline {
namespace {

constexpr std::size_t kPageRecords = 10'000;
constexpr std::size_t kPageBytes = std::size_t{10} << 20;

template <class... Args>
std::unexpected<base::Failure<PipelineError>> invalid(fmt::format_string<Args...> text,
                                                      Args&&... args) {
  return base::fail(PipelineError::kInvalidProject, fmt::format(text, std::forward<Args>(args)...));
}

std::unexpected<base::Failure<PipelineError>> from_stream(
    const base::Failure<streams::StreamError>& failure, const std::string& what) {
  const bool passing = failure.code == streams::StreamError::kThrottled ||
                       failure.code == streams::StreamError::kUnavailable;
  return base::fail(passing ? PipelineError::kRetry : PipelineError::kStopped,
                    fmt::format("{}: {}", what, failure.message));
}

// `earliest`, `trim_horizon`, `latest`, `at_timestamp` with `timestamp` (ms since 1970).
PipelineResult<void> set_position(const std::map<std::string, std::string>& options,
                                  KinesisOptions& out) {
  const auto found = options.find("initialposition");
  if (found == options.end()) return {};
  const std::string text = lower_ascii(found->second);
  if (text == "latest") return {};
  if (text == "earliest" || text == "trim_horizon") {
    out.position = InitialPosition::kEarliest;
    return {};
  }
  if (text != "at_timestamp")
    return invalid(
        "read_kinesis: initialPosition is `{}`; known are earliest, trim_horizon, latest and "
        "at_timestamp",
        found->second);
  out.position = InitialPosition::kAtTimestamp;
  const auto at = options.find("timestamp");
  if (at == options.end())
    return invalid("read_kinesis: initialPosition at_timestamp needs `timestamp` (ms since 1970)");
  const auto read =
      std::from_chars(at->second.data(), at->second.data() + at->second.size(), out.at_ms);
  if (read.ec != std::errc() || read.ptr != at->second.data() + at->second.size())
    return invalid("read_kinesis: timestamp is `{}`, milliseconds since 1970 are expected",
                   at->second);
  return {};
}

}  // namespace

PipelineResult<KinesisOptions> kinesis_options(const std::map<std::string, std::string>& options) {
  KinesisOptions out;
  out.stream = {"000000000000", "us-east-1", ""};
  for (const auto& [name, value] : options) {
    if (name == "streamname")
      out.stream.name = value;
    else if (name == "region")
      out.stream.region = value;
    else if (name == "awsaccesskey" || name == "awssecretkey" || name == "awssessiontoken")
      return invalid("read_kinesis: `{}`: keys do not belong into a project's files", name);
    else if (name == "endpointurl")
      return invalid(
          "[UNSUPPORTED_BY_SLUICE] read_kinesis: streams of another endpoint (`{}`) are "
          "not read yet",
          value);
    else if (name != "initialposition" && name != "timestamp")
      return invalid("read_kinesis: option `{}` is not known", name);
  }
  if (out.stream.name.empty()) return invalid("read_kinesis: streamName is missing");
  if (auto ok = set_position(options, out); !ok) return std::unexpected(ok.error());
  return out;
}

PipelineResult<std::unique_ptr<Source>> KinesisSource::open(const streams::StreamStore& store,
                                                            const streams::ShardLog& log,
                                                            const KinesisOptions& options) {
  auto stream = store.find(options.stream);
  if (!stream)
    return base::fail(PipelineError::kRetry,
                      fmt::format("read_kinesis: {} in region {}", stream.error().message,
                                  options.stream.region));
  return std::unique_ptr<Source>(new KinesisSource(store, log, options, (*stream)->incarnation));
}

PipelineResult<streams::StreamRef> KinesisSource::stream() const {
  auto stream = store_.find(options_.stream);
  if (!stream) return from_stream(stream.error(), "read_kinesis");
  if ((*stream)->incarnation != incarnation_)
    return base::fail(PipelineError::kStopped,
                      fmt::format("stream {} was recreated", options_.stream.name));
  return *stream;
}

PipelineResult<KinesisSource::Position> KinesisSource::find(const std::string& shard_id) const {
  auto now = stream();
  if (!now) return std::unexpected(now.error());
  for (const streams::Shard& shard : (*now)->shards)
    if (shard.id() == shard_id) return Position{*now, shard.index};
  return base::fail(PipelineError::kStopped,
                    fmt::format("stream {} has no {} any more: its records have expired",
                                options_.stream.name, shard_id));
}

PipelineResult<void> KinesisSource::check_expiry(const Position& at, std::uint64_t from,
                                                 std::uint64_t first) const {
  if (from + 1 >= first) return {};
  auto lost = log_.lost_after(at.stream, at.shard, journal::Index(from));
  if (!lost) return from_stream(lost.error(), streams::shard_id(at.shard));
  if (!*lost) return {};
  return base::fail(
      PipelineError::kStopped,
      fmt::format("records of {} after index {} have expired: the oldest readable one is {}. The "
                  "flow does not pass over records by itself; a full refresh starts again from "
                  "what the stream still has",
                  streams::shard_id(at.shard), from, first));
}

PipelineResult<std::vector<SourceBounds>> KinesisSource::bounds() const {
  auto now = stream();
  if (!now) return std::unexpected(now.error());
  std::vector<SourceBounds> out;
  for (const streams::Shard& shard : (*now)->shards) {
    auto bounds = log_.bounds(*now, shard.index);
    if (!bounds) return from_stream(bounds.error(), shard.id());
    SourceBounds made;
    made.shard_id = shard.id();
    for (const auto& parent : {shard.parent, shard.adjacent_parent})
      if (parent) made.parents.push_back(streams::shard_id(*parent));
    made.oldest = bounds->first();
    made.end = bounds->end();
    made.closed = bounds->closed;
    made.newest_arrival_ms = bounds->newest_arrival_ms;
    out.push_back(std::move(made));
  }
  return out;
}

PipelineResult<std::vector<SourceBounds>> KinesisSource::gone() const {
  auto now = stream();
  if (!now) return std::unexpected(now.error());
  std::vector<SourceBounds> out;
  for (const streams::GoneShard& shard : (*now)->gone) {
    SourceBounds made;
    made.shard_id = streams::shard_id(shard.index);
    for (const auto& parent : {shard.parent, shard.adjacent_parent})
      if (parent) made.parents.push_back(streams::shard_id(*parent));
    made.oldest = made.end = shard.end();
    made.closed = true;
    out.push_back(std::move(made));
  }
  return out;
}

PipelineResult<std::uint64_t> KinesisSource::initial(const SourceBounds& shard) const {
  if (options_.position == InitialPosition::kLatest) return shard.end - 1;
  if (options_.position == InitialPosition::kEarliest) return shard.oldest - 1;
  auto at = find(shard.shard_id);
  if (!at) return std::unexpected(at.error());
  auto index = log_.seek(at->stream, at->shard, options_.at_ms);
  if (!index) return from_stream(index.error(), shard.shard_id);
  return std::max<std::uint64_t>((*index)(), shard.oldest) - 1;
}

PipelineResult<std::uint64_t> KinesisSource::collect(const Position& at, std::uint64_t from,
                                                     std::uint64_t below, std::uint64_t records_max,
                                                     std::uint64_t bytes_max,
                                                     std::vector<SourceRecord>& out) const {
  const std::string id = streams::shard_id(at.shard);
  std::uint64_t next = from + 1;
  std::uint64_t bytes = 0;
  while (next < below && out.size() < records_max && bytes < bytes_max) {
    const journal::ReadLimits limits{
        std::min<std::uint64_t>(kPageRecords, records_max - out.size()),
        std::min<std::uint64_t>(kPageBytes, bytes_max - bytes)};
    auto page = log_.read(at.stream, at.shard, journal::Index(next), journal::Index(below), limits);
    if (!page) return from_stream(page.error(), id);
    if (page->records.empty()) return below;  // nothing but holes in the numbering is left
    for (streams::ReadRecord& record : page->records) {
      bytes += record.data.size() + record.partition_key.size();
      out.push_back({std::move(record.partition_key), std::move(record.data), options_.stream.name,
                     id, record.sequence_number.to_string(), record.arrival_ms});
    }
    next = page->records.back().sequence_number.index() + 1;
  }
  return std::min(next, below);
}

PipelineResult<ShardRange> KinesisSource::plan(const std::string& shard_id, std::uint64_t from,
                                               std::uint64_t below, std::uint64_t records_max,
                                               std::uint64_t bytes_max) const {
  auto at = find(shard_id);
  if (!at) return std::unexpected(at.error());
  auto bounds = log_.bounds(at->stream, at->shard);
  if (!bounds) return from_stream(bounds.error(), shard_id);
  if (auto ok = check_expiry(*at, from, bounds->first()); !ok) return std::unexpected(ok.error());
  below = std::min(below, bounds->end());
  ShardRange range{shard_id, from, from};
  if (below <= from + 1) return range;
  std::vector<SourceRecord> records;
  auto next = collect(*at, from, below, std::max<std::uint64_t>(records_max, 1),
                      std::max<std::uint64_t>(bytes_max, 1), records);
  if (!next) return std::unexpected(next.error());
  // Retention may have passed us while we read.
  bounds = log_.bounds(at->stream, at->shard);
  if (!bounds) return from_stream(bounds.error(), shard_id);
  if (auto ok = check_expiry(*at, from, bounds->first()); !ok) return std::unexpected(ok.error());
  range.to = *next - 1;
  range.count = records.size();
  for (const SourceRecord& record : records)
    range.bytes += record.data.size() + record.partition_key.size();
  const std::lock_guard lock(mutex_);
  planned_[shard_id] = {range, std::move(records)};
  return range;
}

PipelineResult<std::vector<SourceRecord>> KinesisSource::read(const ShardRange& range) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = planned_.find(range.shard_id);
    if (found != planned_.end()) {
      auto [planned, records] = std::move(found->second);
      planned_.erase(found);
      if (planned == range) return std::move(records);
    }
  }
  std::vector<SourceRecord> records;
  if (range.count == 0) return records;
  auto at = find(range.shard_id);
  if (!at) return std::unexpected(at.error());
  auto next = collect(*at, range.from, range.to + 1, range.count + 1,
                      std::numeric_limits<std::uint64_t>::max(), records);
  if (!next) return std::unexpected(next.error());
  if (records.size() == range.count) return records;
  return base::fail(
      PipelineError::kStopped,
      fmt::format("{}: the plan counts {} records after index {} up to {}, {} are readable: the "
                  "others have expired. The flow does not pass over records by itself; a full "
                  "refresh starts again from what the stream still has",
                  range.shard_id, range.count, range.from, range.to, records.size()));
}

}  // namespace sluice::pipeline
