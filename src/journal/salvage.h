// One file of the log under repair: what of it is good, frame by frame and batch by batch, and a
// new file made of that. Used by repair() alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal/footer.h"
#include "journal/repair.h"
#include "journal/scan.h"

namespace sluice::journal {

// Indexes of a lane as [first, end), by index.
class IndexRanges {
 public:
  void add(std::uint64_t first, std::uint64_t end);
  // What is in this and not in `other`.
  IndexRanges minus(const IndexRanges& other) const;
  bool empty() const { return ranges_.empty(); }
  std::uint64_t end() const { return ranges_.empty() ? 0 : ranges_.back().second; }
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& all() const { return ranges_; }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;  // apart from each other
};
using LaneRanges = std::map<std::uint32_t, IndexRanges>;

// A frame whose header and directory are good.
struct FoundFrame {
  std::uint64_t offset = 0;
  std::uint64_t lsn = 0;
  bool whole = false;  // so is all it holds
};

struct Examined {
  DataFileRef file;
  std::vector<FileFlaw> flaws;
  std::optional<Opening> opening;
  std::optional<format::Trailer> trailer;
  std::vector<FoundFrame> frames;  // by place and number; the opening frame is one of them
  std::uint64_t salt = 0;          // of the frames
  std::uint64_t first_lsn = 0;     // as the file itself tells; 0: it does not
  std::uint64_t last_lsn = 0;
  std::uint64_t records = 0;  // good ones
  LaneRanges good;
  LaneRanges written;    // that are known to have been written
  bool is_full = false;  // the footer told all that was written
  std::map<std::uint32_t, std::int64_t> last_arrival_ms;
};

// Reads the whole file. `newest`: it may end with a frame that was not acknowledged, but not with
// one up to `frames_known`. Errors are those of reading.
base::IoResult<Examined> examine(DataFileRef file, bool newest, std::uint64_t frames_known);

// What the new file must be, beyond the good frames.
struct Rewrite {
  std::uint64_t first_lsn = 0;
  std::uint64_t last_lsn = 0;
  std::vector<format::LaneEntry> table;  // of the opening frame
  std::int64_t now_ms = 0;
  std::uint64_t salt = 0;
};

// Writes the good frames of `from` to the empty file `to`, with an empty frame for each that is
// lost, seals and syncs it.
base::IoStatus write_repaired(const Examined& from, const Rewrite& how, DataFile& to);

}  // namespace sluice::journal
