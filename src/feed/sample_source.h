// Makes the example's source database: three tables of 11,154 rows of posts, places and users,
// seeded, with every kind of dirt that examples/pinterest/dirt.md lists (a test counts them).
#pragma once

#include <cstdint>
#include <string>

#include "feed/row_reader.h"

namespace sluice::feed {

constexpr std::int64_t kSampleRows = 11'154;

// `path` must not exist. The same seed gives the same rows.
FeedResult<void> make_sample_source(const std::string& path, std::uint64_t seed);

}  // namespace sluice::feed
