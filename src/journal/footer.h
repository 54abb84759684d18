// The end of a sealed file: writing it, reading it at start, and the bounded cache of the parts
// that readers ask for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/metrics.h"
#include "journal/format.h"
#include "journal/lane_index.h"

namespace sluice::journal {

struct Footer {
  format::Trailer trailer;
  std::vector<format::LaneSummary> lanes;
  std::vector<format::TokenEntry> tokens;
  std::uint64_t places_at = 0;  // in the file
};

// What sealing needs to know of a file's frames; the CRCs and counts of the trailer are filled in.
struct Seal {
  format::Trailer trailer;
  LaneIndex::Directory directory;
  std::vector<format::TokenEntry> tokens;
};

// What becomes of the room between frames and footer.
enum class UnusedRoom {
  kGiveBack,  // if it is much
  kKeep,      // the next start may go on in the file
};

// Writes and syncs the footer: at the end of the file, or, where room is given back, behind the
// frames.
base::IoResult<Footer> write_footer(base::File& file, std::uint64_t file_bytes, Seal seal,
                                    UnusedRoom unused);

// The footer of file `number`; nullopt: the file is not sealed (or its trailer is damaged).
// kCorrupt: the trailer is right but what it speaks of is not. Tokens are read of files sealed at
// `tokens_since_ms` or later.
JournalResult<std::optional<Footer>> read_footer(const DataFile& file,
                                                 std::int64_t tokens_since_ms);

// All RunPlaces of a sealed file, by lane. kCorrupt: those of some lane are not what was written.
JournalResult<std::vector<format::RunPlace>> read_places(const DataFile& file,
                                                         const Footer& footer);
// The trailer once more, synced.
base::IoStatus write_trailer(DataFile& file, const format::Trailer& trailer);
// The file is as if it had never been sealed; synced.
base::IoStatus remove_trailer(DataFile& file);

// The RunPlaces of a lane in a sealed file. Thread-safe.
class FooterCache {
 public:
  using Places = std::shared_ptr<const std::vector<format::RunPlace>>;  // readers keep them
  FooterCache(std::uint64_t bytes_max, base::MetricsRegistry& metrics);
  JournalResult<Places> places(const DataFile& file, LaneId lane, const Fence& fence);

 private:
  struct Key {
    std::uint32_t file = 0;
    std::uint32_t lane = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Key key;
    Places places;
  };

  const std::uint64_t bytes_max_;
  base::Counter& hits_;
  base::Counter& misses_;
  base::Gauge& cached_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used one first
  std::map<Key, std::list<Entry>::iterator> by_key_;
  std::uint64_t bytes_ = 0;
};

}  // namespace sluice::journal
