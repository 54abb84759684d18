// Calls of the last minutes by their request token, so that a retry gets the first answer. Bounded
// by age and count, the oldest goes first. Journal thread only.
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
  TokenTable(std::int64_t window_ms, std::size_t entries_max)
      : window_ms_(window_ms), entries_max_(entries_max) {}

  // Null: not seen within the window.
  const std::vector<AppendedRun>* find(const RequestToken& token, std::int64_t now_ms);
  void insert(const RequestToken& token, std::vector<AppendedRun> answer, std::int64_t now_ms);
  // Those of a footer, oldest first.
  void insert(const std::vector<format::TokenEntry>& entries, std::int64_t now_ms);
  std::size_t size() const { return answers_.size(); }

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

  const std::int64_t window_ms_;
  const std::size_t entries_max_;
  std::unordered_map<base::Uint128, std::vector<AppendedRun>, Hash> answers_;
  std::deque<Seen> order_;
};

}  // namespace sluice::journal
