#include "journal/reader.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::journal {
namespace {

// Runs closer than this are read together, up to a window.
constexpr std::uint64_t kGapBytes = 128 << 10;
constexpr std::uint64_t kWindowBytes = 1 << 20;

std::unexpected<base::Failure<JournalError>> corrupt(const DataFile& file, std::uint64_t offset,
                                                     std::string_view what) {
  return base::fail(JournalError::kCorrupt,
                    fmt::format("{} at offset {}: {}", file.path, offset, what));
}

JournalResult<std::string> read_bytes(const DataFile& file, std::uint64_t offset,
                                      std::uint64_t bytes) {
  std::string buffer;
  auto got = base::IoResult<std::size_t>(0);
  buffer.resize_and_overwrite(bytes, [&](char* data, std::size_t size) {
    got = file.file->read_at(offset, std::span(data, size));
    return got ? *got : 0;
  });
  if (!got) return base::fail(JournalError::kFailed, got.error().message);
  if (buffer.size() != bytes) return corrupt(file, offset, "the file ends too early");
  return buffer;
}

}  // namespace

// One call of read(): what is still wanted, and what was found.
struct Reader::Request {
  std::uint64_t from = 0;
  std::uint64_t below = 0;
  std::size_t records_left = 0;
  std::size_t bytes_left = 0;
  ReadPage page;

  // False: the page is full or `below` is reached.
  bool take(std::uint64_t index, std::int64_t arrival_ms, const format::RecordView& record) {
    const std::size_t bytes = record.data.size() + record.partition_key.size();
    if (index >= below || records_left == 0) return false;
    if (bytes > bytes_left && !page.records.empty()) return false;
    --records_left;
    bytes_left -= std::min(bytes, bytes_left);
    page.records.push_back({.index = Index(index),
                            .arrival_ms = arrival_ms,
                            .partition_key = std::string(record.partition_key),
                            .data = std::string(record.data),
                            .explicit_hash = record.explicit_hash});
    from = index + 1;
    return true;
  }

  // False: no more is wanted.
  JournalResult<bool> take_run(const DataFile& file, const format::RunPlace& place,
                               std::string_view bytes) {
    format::RunCursor run(bytes, place.first, place.count, place.batches, place.crc);
    while (run.next_batch()) {
      if (run.batch_first() + run.batch().count <= from) continue;
      if (run.batch_first() >= below) return false;
      if (!run.check_records()) break;
      format::RecordView record;
      for (std::uint64_t index = run.batch_first(); run.next_record(record); ++index) {
        if (index < from) continue;
        if (!take(index, run.batch().arrival_ms, record)) return false;
      }
    }
    if (run.flaw()) return corrupt(file, place.offset, *run.flaw());
    return true;
  }
};

JournalResult<bool> Reader::read_runs(const DataFile& file,
                                      std::span<const format::RunPlace> places,
                                      Request& request) const {
  while (!places.empty()) {
    if (places.front().first >= request.below) return false;
    // The window: as many runs as are wanted, near to each other.
    std::size_t taken = 1;
    std::uint64_t end = places.front().offset + places.front().bytes;
    std::uint64_t records = places.front().count;
    while (taken < places.size() && places[taken].first < request.below &&
           records < request.records_left + places.front().count) {
      const auto& next = places[taken];
      const std::uint64_t next_end = next.offset + next.bytes;
      if (next.offset - end > kGapBytes) break;
      if (next_end - places.front().offset >
          std::min<std::uint64_t>(kWindowBytes, request.bytes_left + kGapBytes))
        break;
      end = next_end;
      records += next.count;
      ++taken;
    }
    const std::uint64_t begin = places.front().offset;
    const auto buffer = read_bytes(file, begin, end - begin);
    if (!buffer) return std::unexpected(buffer.error());
    for (const auto& place : places.first(taken)) {
      const auto more = request.take_run(
          file, place, std::string_view(*buffer).substr(place.offset - begin, place.bytes));
      if (!more || !*more) return more;
    }
    places = places.subspan(taken);
  }
  return true;
}

JournalResult<ReadPage> Reader::read(LaneId lane, Index from, Index below,
                                     ReadLimits limits) const {
  Request request{.from = from(),
                  .below = below(),
                  .records_left = limits.records_max,
                  .bytes_left = limits.bytes_max,
                  .page = {}};
  std::uint64_t end = 1;
  bool more = request.from < request.below && limits.records_max > 0;
  bool full = !more;
  while (more) {
    auto found = index_.find(lane, Index(request.from));
    if (!found) return std::unexpected(found.error());
    end = found->end;
    if (found->file == nullptr) break;
    FooterCache::Places cached;
    std::span<const format::RunPlace> places = found->places;
    if (found->fence) {
      auto loaded = footers_.places(*found->file, lane, *found->fence);
      if (!loaded) return std::unexpected(loaded.error());
      cached = std::move(*loaded);
      places = *cached;
    }
    const auto first = std::ranges::partition_point(
        places, [&](const auto& place) { return place.first + place.count <= request.from; });
    places = places.subspan(static_cast<std::size_t>(first - places.begin()));
    if (places.empty())
      return corrupt(*found->file, found->file->places_at,
                     "the footer's runs do not fit its lanes");
    const auto result = read_runs(*found->file, places, request);
    if (!result) return std::unexpected(result.error());
    more = *result;
    full = !more;
    if (more) request.from = std::max(request.from, places.back().first + places.back().count);
  }
  // At the end of what is there, or of what was asked for: go on behind the gap.
  std::uint64_t next = request.from;
  if (!full) next = std::max(next, std::min(end, request.below));
  request.page.next = Index(next);
  return std::move(request.page);
}

JournalResult<Index> Reader::seek(LaneId lane, std::int64_t arrival_ms) const {
  auto found = index_.find_arrival(lane, arrival_ms);
  if (!found) return std::unexpected(found.error());
  if (found->file == nullptr) return Index(found->end);
  FooterCache::Places cached;
  std::span<const format::RunPlace> places = found->places;
  if (found->fence) {
    auto loaded = footers_.places(*found->file, lane, *found->fence);
    if (!loaded) return std::unexpected(loaded.error());
    cached = std::move(*loaded);
    places = *cached;
  }
  const auto place = std::ranges::partition_point(
      places, [&](const auto& p) { return p.last_arrival_ms < arrival_ms; });
  if (place == places.end())
    return corrupt(*found->file, found->file->places_at, "the footer's runs do not fit its lanes");
  if (place->first_arrival_ms >= arrival_ms) return Index(place->first);
  const auto buffer = read_bytes(*found->file, place->offset, place->bytes);
  if (!buffer) return std::unexpected(buffer.error());
  format::RunCursor run(*buffer, place->first, place->count, place->batches, place->crc);
  while (run.next_batch()) {
    if (run.batch().arrival_ms >= arrival_ms) return Index(run.batch_first());
  }
  return corrupt(*found->file, place->offset,
                 run.flaw().value_or("arrival times do not match the directory"));
}

}  // namespace sluice::journal
