#include "streams/journal_mark.h"

#include "streams/catalog.h"

namespace sluice::streams {

StreamResult<JournalMark> read_journal_mark(const std::string& meta_path) {
  auto catalog = Catalog::open(meta_path);
  if (!catalog) return std::unexpected(catalog.error());
  return catalog->journal_mark();
}

StreamResult<void> give_up_numbers(const std::string& meta_path, std::uint64_t frames) {
  // No lane comes so far by itself: a trillion records, or a million crashes.
  constexpr std::uint64_t kRaise = std::uint64_t{1} << 40;
  auto catalog = Catalog::open(meta_path);
  if (!catalog) return std::unexpected(catalog.error());
  auto mark = catalog->journal_mark();
  if (!mark) return std::unexpected(mark.error());
  return catalog->set_journal_mark({.frames = frames, .index_floor = mark->index_floor + kRaise});
}

}  // namespace sluice::streams
