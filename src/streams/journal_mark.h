// What meta.db remembers of the journal beside it. A log's end cannot tell that there was more:
// with the newest files lost, or an old copy put in place, it would start, miss acknowledged
// records and give their numbers to others. So the engine notes how many frames there were: once a
// minute, and before it closes a shard.
#pragma once

#include <cstdint>
#include <string>

#include "streams/streams.h"

namespace sluice::streams {

struct JournalMark {
  std::uint64_t frames = 0;       // the journal had at least so many
  std::uint64_t index_floor = 1;  // no record gets a lower index from now on
};

// For JournalOptions, before the journal is opened. A folder without a meta.db has a fresh mark.
StreamResult<JournalMark> read_journal_mark(const std::string& meta_path);
// The journal ends with frame `frames`; what was behind it is lost, and with it which numbers were
// given last: they go on far above all of them.
StreamResult<void> give_up_numbers(const std::string& meta_path, std::uint64_t frames);

}  // namespace sluice::streams
