#include "journal/token_table.h"

namespace sluice::journal {

void TokenTable::forget_old(std::int64_t now_ms) {
  while (!order_.empty() &&
         (entries_ > entries_max_ || order_.front().at_ms + window_ms_ <= now_ms)) {
    const auto at = answers_.find(order_.front().digest);
    entries_ -= at->second.size();
    answers_.erase(at);
    order_.pop_front();
  }
}

const std::vector<AppendedRun>* TokenTable::find(const RequestToken& token, std::int64_t now_ms) {
  forget_old(now_ms);
  const auto at = answers_.find(token.digest);
  return at == answers_.end() ? nullptr : &at->second;
}

void TokenTable::insert(const RequestToken& token, std::vector<AppendedRun> answer,
                        std::int64_t now_ms) {
  const std::size_t entries = answer.size();
  if (!answers_.emplace(token.digest, std::move(answer)).second) return;
  entries_ += entries;
  order_.push_back({token.digest, now_ms});
  forget_old(now_ms);
}

void TokenTable::insert(const std::vector<format::TokenEntry>& entries, std::int64_t now_ms) {
  std::vector<AppendedRun> answer;
  for (const auto& entry : entries) {
    if (answer.size() != entry.part) answer.clear();  // the call's first runs are not there
    if (answer.size() != entry.part) continue;
    answer.push_back({.lane = LaneId(entry.lane),
                      .first = Index(entry.first),
                      .count = entry.count,
                      .arrival_ms = entry.arrival_ms});
    if (answer.size() < entry.parts) continue;
    const RequestToken token{base::make_uint128(entry.token_high, entry.token_low)};
    const std::int64_t at_ms = entry.arrival_ms;
    insert(token, std::exchange(answer, {}), at_ms);
  }
  forget_old(now_ms);
}

}  // namespace sluice::journal
