#include "journal/lane_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>

#include "base/digest.h"

namespace sluice::journal {
namespace {

// How much of the open file's directory a reader gets at once.
constexpr std::size_t kPlacesAtOnce = 1024;

std::unexpected<base::Failure<JournalError>> unknown(LaneId lane) {
  return base::fail(JournalError::kUnknownLane, fmt::format("lane {} is not there", lane()));
}

}  // namespace

void LaneIndex::add_lane(const format::LaneEntry& entry) {
  const std::unique_lock lock(mutex_);
  auto& lane = lanes_[entry.lane];
  lane.end = std::max(lane.end, entry.end);
  lane.last_arrival_ms = std::max(lane.last_arrival_ms, entry.last_arrival_ms);
}

void LaneIndex::add_sealed(DataFileRef file, std::span<const format::LaneSummary> lanes) {
  const std::unique_lock lock(mutex_);
  const std::uint32_t number = file->number;
  sealed_[number] = {.file = std::move(file)};
  add_fences(number, lanes);
}

void LaneIndex::add_fences(std::uint32_t file, std::span<const format::LaneSummary> lanes) {
  auto& state = sealed_.at(file);
  for (const auto& summary : lanes) {
    const auto at = lanes_.find(summary.lane);
    if (at == lanes_.end()) continue;  // dropped
    Lane& lane = at->second;
    lane.fences.push_back({.first = summary.first,
                           .last_arrival_ms = summary.last_arrival_ms,
                           .count = static_cast<std::uint32_t>(summary.end - summary.first),
                           .file = file,
                           .places_at = summary.places_at,
                           .places = summary.places,
                           .places_crc = summary.places_crc});
    lane.end = std::max(lane.end, summary.end);
    lane.last_arrival_ms = std::max(lane.last_arrival_ms, summary.last_arrival_ms);
    ++state.live;
  }
  if (state.live > 0) return;
  dead_.push_back(std::move(state.file));
  sealed_.erase(file);
}

void LaneIndex::open_file(DataFileRef file) {
  const std::unique_lock lock(mutex_);
  open_ = std::move(file);
}

void LaneIndex::reopen_file(DataFileRef file, const Directory& directory) {
  const std::unique_lock lock(mutex_);
  open_ = std::move(file);
  for (const auto& summary : directory.lanes) {
    auto& lane = lanes_[summary.lane];
    const auto from = directory.places.begin() + summary.places_at;
    lane.places.assign(from, from + summary.places);
    lane.end = std::max(lane.end, summary.end);
    lane.last_arrival_ms = std::max(lane.last_arrival_ms, summary.last_arrival_ms);
  }
}

void LaneIndex::publish(std::span<const format::RunEntry> runs, std::uint64_t frame_offset) {
  const std::unique_lock lock(mutex_);
  for (const auto& run : runs) {
    if (dropped_.contains(run.lane)) continue;
    auto& lane = lanes_[run.lane];
    lane.places.push_back({.first = run.first,
                           .offset = frame_offset + run.offset,
                           .first_arrival_ms = run.first_arrival_ms,
                           .last_arrival_ms = run.last_arrival_ms,
                           .count = run.count,
                           .bytes = run.bytes,
                           .crc = run.crc,
                           .batches = run.batches});
    lane.end = run.first + run.count;
    lane.last_arrival_ms = run.last_arrival_ms;
  }
}

LaneIndex::Directory LaneIndex::open_directory() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::uint32_t> order;
  for (const auto& [id, lane] : lanes_) {
    if (!lane.places.empty()) order.push_back(id);
  }
  std::ranges::sort(order);
  Directory directory;
  for (const auto id : order) {
    const auto& places = lanes_.at(id).places;
    directory.lanes.push_back(
        {.lane = id,
         .places = static_cast<std::uint32_t>(places.size()),
         .places_at = static_cast<std::uint32_t>(directory.places.size()),
         .places_crc = base::crc32c(format::bytes_of(std::span<const format::RunPlace>(places))),
         .first = places.front().first,
         .end = places.back().first + places.back().count,
         .first_arrival_ms = places.front().first_arrival_ms,
         .last_arrival_ms = places.back().last_arrival_ms});
    directory.places.insert(directory.places.end(), places.begin(), places.end());
  }
  return directory;
}

void LaneIndex::seal_open(std::uint64_t bytes, std::uint64_t places_at,
                          std::span<const format::LaneSummary> lanes) {
  const std::unique_lock lock(mutex_);
  open_->bytes = bytes;
  open_->places_at = places_at;
  const std::uint32_t number = open_->number;
  sealed_[number] = {.file = std::move(open_)};
  open_ = nullptr;
  for (auto& [id, lane] : lanes_) {
    lane.places.clear();
    lane.places.shrink_to_fit();
  }
  add_fences(number, lanes);
}

bool LaneIndex::knows(LaneId lane) const {
  const std::shared_lock lock(mutex_);
  return lanes_.contains(lane());
}

LaneBounds LaneIndex::bounds(LaneId lane) const {
  const std::shared_lock lock(mutex_);
  const auto at = lanes_.find(lane());
  if (at == lanes_.end()) return {.first = Index(1), .end = Index(1)};
  const Lane& found = at->second;
  std::uint64_t first = found.end;
  if (!found.places.empty()) first = found.places.front().first;
  if (!found.fences.empty()) first = found.fences.front().first;
  return {.first = Index(first), .end = Index(found.end), .last_arrival_ms = found.last_arrival_ms};
}

std::vector<format::LaneEntry> LaneIndex::lanes() const {
  std::vector<format::LaneEntry> out;
  {
    const std::shared_lock lock(mutex_);
    out.reserve(lanes_.size());
    for (const auto& [id, lane] : lanes_)
      out.push_back({.lane = id, .end = lane.end, .last_arrival_ms = lane.last_arrival_ms});
  }
  std::ranges::sort(out, {}, &format::LaneEntry::lane);
  return out;
}

LaneIndex::Found LaneIndex::found_open(const Lane& lane,
                                       std::vector<format::RunPlace>::const_iterator at) const {
  Found found;
  found.end = lane.end;
  if (at == lane.places.end()) return found;
  found.file = open_;
  const auto left = static_cast<std::size_t>(lane.places.end() - at);
  found.places.assign(at, at + static_cast<std::ptrdiff_t>(std::min(left, kPlacesAtOnce)));
  return found;
}

JournalResult<LaneIndex::Found> LaneIndex::find(LaneId lane, Index from) const {
  const std::shared_lock lock(mutex_);
  const auto at = lanes_.find(lane());
  if (at == lanes_.end()) return unknown(lane);
  const Lane& found = at->second;
  const auto fence =
      std::ranges::partition_point(found.fences, [&](const Fence& f) { return f.end() <= from(); });
  if (fence != found.fences.end())
    return Found{
        .file = sealed_.at(fence->file).file, .fence = *fence, .places = {}, .end = found.end};
  return found_open(found, std::ranges::partition_point(found.places, [&](const auto& place) {
                      return place.first + place.count <= from();
                    }));
}

JournalResult<LaneIndex::Found> LaneIndex::find_arrival(LaneId lane,
                                                        std::int64_t arrival_ms) const {
  const std::shared_lock lock(mutex_);
  const auto at = lanes_.find(lane());
  if (at == lanes_.end()) return unknown(lane);
  const Lane& found = at->second;
  const auto fence = std::ranges::partition_point(
      found.fences, [&](const Fence& f) { return f.last_arrival_ms < arrival_ms; });
  if (fence != found.fences.end())
    return Found{
        .file = sealed_.at(fence->file).file, .fence = *fence, .places = {}, .end = found.end};
  return found_open(found, std::ranges::partition_point(found.places, [&](const auto& place) {
                      return place.last_arrival_ms < arrival_ms;
                    }));
}

void LaneIndex::forget_fence(const Fence& fence) {
  auto& state = sealed_.at(fence.file);
  if (--state.live > 0) return;
  dead_.push_back(std::move(state.file));
  sealed_.erase(fence.file);
}

void LaneIndex::release(LaneId lane, Index below) {
  const std::unique_lock lock(mutex_);
  const auto at = lanes_.find(lane());
  if (at == lanes_.end()) return;
  auto& fences = at->second.fences;
  const auto live =
      std::ranges::partition_point(fences, [&](const Fence& f) { return f.end() <= below(); });
  for (auto fence = fences.begin(); fence != live; ++fence)
    forget_fence(*fence);
  fences.erase(fences.begin(), live);
}

void LaneIndex::drop(LaneId lane) {
  const std::unique_lock lock(mutex_);
  dropped_.insert(lane());
  const auto at = lanes_.find(lane());
  if (at == lanes_.end()) return;
  for (const auto& fence : at->second.fences)
    forget_fence(fence);
  lanes_.erase(at);
}

std::vector<DataFileRef> LaneIndex::take_dead() {
  const std::unique_lock lock(mutex_);
  return std::exchange(dead_, {});
}

std::uint64_t LaneIndex::file_bytes() const {
  const std::shared_lock lock(mutex_);
  std::uint64_t bytes = open_ != nullptr ? open_->bytes : 0;
  for (const auto& [number, state] : sealed_)
    bytes += state.file->bytes;
  return bytes;
}

std::uint64_t LaneIndex::memory_bytes() const {
  // A node and a bucket of a table, beside what it holds.
  constexpr std::uint64_t kNode = 2 * sizeof(void*) + 8;
  const std::shared_lock lock(mutex_);
  std::uint64_t bytes = lanes_.size() * (kNode + sizeof(std::pair<std::uint32_t, Lane>)) +
                        dropped_.size() * (kNode + sizeof(std::uint32_t)) +
                        sealed_.size() * (kNode + sizeof(FileState) + sizeof(DataFile));
  for (const auto& [id, lane] : lanes_)
    bytes +=
        lane.fences.capacity() * sizeof(Fence) + lane.places.capacity() * sizeof(format::RunPlace);
  return bytes;
}

std::size_t LaneIndex::files() const {
  const std::shared_lock lock(mutex_);
  return sealed_.size() + (open_ != nullptr ? 1 : 0);
}

}  // namespace sluice::journal
