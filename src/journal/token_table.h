// Calls of the last minutes by their request token, so that a retry gets the first answer. Bounded
// by age and by the runs remembered, the oldest call goes first. Journal thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "journal/format.h"
#include "journal/journal.h"

namespace sluice::journal {

class TokenTable {
 public:
  // A call has an entry for each of its runs.
  TokenTable(std::int64_t window_ms, std::size_t entries_max)
      : window_ms_(window_ms), entries_max_(entries_max) {}

  // Null: not seen within the window.
  const std::vector<AppendedRun>* find(const RequestToken& token, std::int64_t now_ms);
  void insert(const RequestToken& token, std::vector<AppendedRun> answer, std::int64_t now_ms);
  // Those of a footer, oldest first.
  void insert(const std::vector<format::TokenEntry>& entries, std::int64_t now_ms);
  std::size_t entries() const { return entries_; }
  // Of memory, all calls together.
  std::size_t bytes() const { return answers_.size() * kCallBytes + entries_ * kEntryBytes; }

 private:
  struct Hash {
    std::size_t operator()(base::Uint128 digest) const {
      return static_cast<std::size_t>(base::low64(digest) ^ base::high64(digest));
    }
  };
  struct Seen {
    base::Uint128 digest;
    std::int64_t at_ms;
  };
  void forget_old(std::int64_t now_ms);

  // A node and a bucket of the table, a place in the order, the list of runs: with the heap's
  // rounding.
  static constexpr std::size_t kCallBytes = 64 + 8 + sizeof(Seen) + 24;
  static constexpr std::size_t kEntryBytes = sizeof(AppendedRun);

  const std::int64_t window_ms_;
  const std::size_t entries_max_;
  std::unordered_map<base::Uint128, std::vector<AppendedRun>, Hash> answers_;
  std::deque<Seen> order_;
  std::size_t entries_ = 0;
};

}  // namespace sluice::journal
