// Reads a lane's past: finds runs through the index, reads near ones together, checks every
// checksum before a byte is handed out. Any thread.
#pragma once

#include <functional>

#include "journal/footer.h"
#include "journal/lane_index.h"

namespace sluice::journal {

class Reader {
 public:
  // Both must outlive this.
  Reader(const LaneIndex& index, FooterCache& footers) : index_(index), footers_(footers) {}

  JournalResult<ReadPage> read(LaneId lane, Index from, Index below, ReadLimits limits) const;
  JournalResult<Index> seek(LaneId lane, std::int64_t arrival_ms) const;

 private:
  struct Request;
  JournalResult<bool> read_runs(const DataFile& file, std::span<const format::RunPlace> places,
                                Request& request) const;

  const LaneIndex& index_;
  FooterCache& footers_;
};

}  // namespace sluice::journal
