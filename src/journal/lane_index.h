// What is where: for each lane its fences (one a sealed file), the runs of the open file, its
// bounds. Only durable things are in it. Readers and the journal thread meet here; every call is
// short and does no input or output. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/env.h"
#include "journal/format.h"
#include "journal/journal.h"

namespace sluice::journal {

// One file of the log. Shared: a reader may still be in a file that has just died.
struct DataFile {
  std::uint32_t number = 0;
  std::string path;
  std::unique_ptr<base::File> file;
  std::uint64_t bytes = 0;      // its size
  std::uint64_t places_at = 0;  // where a sealed file's RunPlaces begin
};
using DataFileRef = std::shared_ptr<DataFile>;

// Where in a sealed file a lane's records are.
struct Fence {
  std::uint64_t first = 0;
  std::int64_t last_arrival_ms = 0;
  std::uint32_t count = 0;
  std::uint32_t file = 0;
  std::uint32_t places_at = 0;
  std::uint32_t places = 0;
  std::uint32_t places_crc = 0;
  std::uint64_t end() const { return first + count; }
};

class LaneIndex {
 public:
  // The file that holds the first record at or after a position: a fence and its file, or some of
  // the runs of the open file.
  struct Found {
    DataFileRef file;  // null: nothing is there
    std::optional<Fence> fence;
    std::vector<format::RunPlace> places;
    std::uint64_t end = 1;  // the lane's durable end
  };
  // The open file's directory in the order of a footer.
  struct Directory {
    std::vector<format::RunPlace> places;
    std::vector<format::LaneSummary> lanes;
  };

  // At start: what the newest opening frame says of a lane, then the sealed files, oldest first.
  void add_lane(const format::LaneEntry& entry);
  void add_sealed(DataFileRef file, std::span<const format::LaneSummary> lanes);

  void open_file(DataFileRef file);
  // The file, sealed once, is open again: what its footer says of it.
  void reopen_file(DataFileRef file, const Directory& directory);
  void publish(std::span<const format::RunEntry> runs, std::uint64_t frame_offset);
  Directory open_directory() const;
  // The open file was sealed: its size now, and its footer.
  void seal_open(std::uint64_t bytes, std::uint64_t places_at,
                 std::span<const format::LaneSummary> lanes);

  bool knows(LaneId lane) const;
  LaneBounds bounds(LaneId lane) const;
  std::vector<format::LaneEntry> lanes() const;  // `next` is not set
  JournalResult<Found> find(LaneId lane, Index from) const;
  JournalResult<Found> find_arrival(LaneId lane, std::int64_t arrival_ms) const;

  void release(LaneId lane, Index below);
  void drop(LaneId lane);
  // Files without a live record since the last call; nobody finds them any more.
  std::vector<DataFileRef> take_dead();
  std::size_t files() const;
  std::uint64_t file_bytes() const;
  // Of memory: lanes, fences and the open file's directory.
  std::uint64_t memory_bytes() const;

 private:
  struct Lane {
    std::uint64_t end = 1;
    std::int64_t last_arrival_ms = 0;
    std::vector<Fence> fences;             // by index
    std::vector<format::RunPlace> places;  // of the open file, by index
  };
  struct FileState {
    DataFileRef file;
    std::uint32_t live = 0;  // fences into it
  };

  void add_fences(std::uint32_t file, std::span<const format::LaneSummary> lanes);
  void forget_fence(const Fence& fence);
  Found found_open(const Lane& lane, std::vector<format::RunPlace>::const_iterator at) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uint32_t, Lane> lanes_;
  std::unordered_set<std::uint32_t> dropped_;
  std::unordered_map<std::uint32_t, FileState> sealed_;
  DataFileRef open_;
  std::vector<DataFileRef> dead_;
};

}  // namespace sluice::journal
