// What is learned: from answers, from pages that were read, from what a restart found.
#include "model.h"

#include <algorithm>
#include <ranges>

#include "shape.h"

namespace sluice::sim {

using streams::Stream;
using streams::StreamKey;
using streams::StreamRef;

namespace {
constexpr std::size_t kTokensKept = 6;
}

void Model::expire(Life& life) const {
  life.floor_ms = std::max(life.floor_ms, now_ms_ - life.now->retention_ms());
}

void Model::set_now(std::int64_t now_ms) {
  now_ms_ = now_ms;
  for (auto& [key, life] : lives_)
    expire(life);
}

Model::Life* Model::life_of(const Stream& stream) {
  const auto at = lives_.find(stream.key);
  if (at == lives_.end() || at->second.now->incarnation != stream.incarnation) return nullptr;
  return &at->second;
}

std::size_t Model::new_call(const StreamRef& stream, std::vector<Entry> entries,
                            std::optional<journal::RequestToken> token) {
  Call call;
  call.stream = stream;
  call.token = token;
  call.sent_ms = now_ms_;
  const Life* life = life_of(*stream);
  for (Entry& entry : entries) {
    entry.call = calls_.size();
    entry.data = fmt::format("{}:{}", entries_.size(), entry.data);
    call.entries.push_back(entries_.size());
    const bool is_first = life == nullptr || !life->newest.contains(entry.key);
    call.after.push_back(is_first ? "" : life->newest.at(entry.key));
    entries_.push_back(std::move(entry));
  }
  calls_.push_back(std::move(call));
  return calls_.size() - 1;
}

void Model::sent(std::size_t number) {
  Call& call = calls_[number];
  ++call.under_way;
  if (call.state == CallState::kNowhere) call.state = CallState::kOpen;
  if (call.state == CallState::kOpen) first_open_ = std::min(first_open_, number);
}

void Model::note(Life& life, std::uint32_t shard, std::uint64_t index, Known known,
                 Report& report) {
  Known& there = life.records[shard].try_emplace(index, known).first->second;
  if (there.entry != known.entry)
    report.wrong("{} shard {} index {} names entries {} and {}", life.now->key.name, shard, index,
                 there.entry, known.entry);
  const bool fits = known.exact ? there.fits(known.arrival_ms) : known.fits(there.arrival_ms);
  if (!fits)
    report.wrong("{} shard {} index {}: its arrival changed from {} to {}", life.now->key.name,
                 shard, index, there.arrival_ms, known.arrival_ms);
  if (known.exact) there = known;
}

void Model::answered(std::size_t number,
                     const streams::StreamResult<std::vector<streams::PutResult>>& answer,
                     Report& report) {
  Call& call = calls_[number];
  --call.under_way;
  if (!answer) {
    const auto code = answer.error().code;
    const bool refused =
        code == streams::StreamError::kThrottled || code == streams::StreamError::kInvalid;
    if (!refused) call.was_unanswered = true;
    if (refused && call.under_way == 0 && !call.was_unanswered && call.state == CallState::kOpen)
      call.state = CallState::kNowhere;
    return;
  }
  if (answer->size() != call.entries.size()) {
    report.wrong("call {}: {} answers to {} entries", number, answer->size(), call.entries.size());
    return;
  }
  Life* life = life_of(*call.stream);
  const bool known = !call.places.empty();
  call.state = CallState::kDone;
  if (!known && std::exchange(frame_begins_, false)) last_frame_.clear();
  for (std::size_t i = 0; i < answer->size(); ++i) {
    const auto& result = (*answer)[i];
    const std::size_t entry = call.entries[i];
    const std::pair place{result.shard(), result.sequence_number.index()};
    const std::string text = result.sequence_number.to_string();
    if (known && call.places[i] != place)
      report.wrong("call {}: a repeat is answered with another number", number);
    if (!known) call.places.push_back(place);
    if (!known && text <= call.after[i])
      report.wrong("call {} entry {}: number {} is not after {}, which was acknowledged before",
                   number, entry, text, call.after[i]);
    if (!known) last_frame_.push_back(entry);
    if (life == nullptr) continue;  // the stream went in between
    auto& newest = life->newest[entries_[entry].key];
    newest = std::max(newest, text);
    if (!known)
      note(*life, place.first, place.second,
           {result.sequence_number.arrival_s * 1000, entry, false}, report);
  }
}

void Model::adopt(const StreamKey& key, const StreamRef& now, Report& report) {
  if (now == nullptr) {
    lives_.erase(key);
    return;
  }
  auto& newest_s = newest_created_s_[key];
  const bool fresh = life_of(*now) == nullptr;
  for (const auto& shard : now->shards) {
    if (fresh && shard.created_s <= newest_s)
      report.wrong("{}: {} was created in a second of an earlier stream of that name", key.name,
                   shard.id());
  }
  if (fresh) lives_[key] = Life{};
  for (const auto& shard : now->shards)
    newest_s = std::max(newest_s, shard.created_s);
  Life& life = lives_[key];
  life.now = now;
  expire(life);
}

void Model::changed(const StreamRef& now, Report& report) {
  const PendingChange change = *std::exchange(pending_, std::nullopt);
  const auto before = lives_.find(change.key);
  const auto flaw =
      change.flaw(before == lives_.end() ? nullptr : before->second.now.get(), now.get());
  if (!flaw.empty()) report.wrong("{} after its change: {}", change.key.name, flaw);
  if (now != nullptr) {
    if (const auto shape = flaw_of(*now); !shape.empty())
      report.wrong("{} after its change: {}", change.key.name, shape);
  }
  adopt(change.key, now, report);
}

void Model::refused(const Stream* now, Report& report) {
  const PendingChange change = *std::exchange(pending_, std::nullopt);
  check_key(change.key, now, report);
}

void Model::expired(const StreamRef& now, Report& report) {
  check_key(now->key, now.get(), report);
  adopt(now->key, now, report);
}

void Model::take_page(const StreamRef& stream, streams::ShardIndex shard, journal::Index from,
                      const streams::ReadPage& page, Report& report) {
  Life* life = life_of(*stream);
  if (life == nullptr) return;
  auto found = records_of(page, *stream, report);
  if (!report.good()) return;
  const std::uint64_t end = page.records.empty() ? ~std::uint64_t{0} : page.next();
  const std::int64_t floor_ms = std::max(life->floor_ms, now_ms_ - stream->retention_ms());
  const auto& known = life->records[shard()];
  for (auto at = known.lower_bound(from()); at != known.end() && at->first < end; ++at) {
    const auto there = std::ranges::find(found, at->first, &FoundRecord::index);
    if (there == found.end() && at->second.arrival_ms >= floor_ms)
      report.wrong("{} {}: a page from {} to {} lacks index {}", stream->key.name,
                   streams::shard_id(shard), from(), page.next(), at->first);
  }
  for (const auto& record : found)
    note(*life, shard(), record.index, {record.arrival_ms, record.entry}, report);
}

void Model::check_seek(const StreamRef& stream, streams::ShardIndex shard, std::int64_t time_ms,
                       journal::Index answer, Report& report) const {
  const auto life = lives_.find(stream->key);
  if (life == lives_.end()) return;
  const auto records = life->second.records.find(shard());
  if (records == life->second.records.end()) return;
  const std::int64_t floor_ms =
      std::max({time_ms, life->second.floor_ms, now_ms_ - stream->retention_ms()});
  for (const auto& [index, known] : records->second) {
    if (index < answer() && known.arrival_ms >= floor_ms)
      report.wrong("{} {}: a seek to {} gives {} and skips {}", stream->key.name,
                   streams::shard_id(shard), time_ms, answer(), index);
    if (index >= answer() && known.exact && known.arrival_ms < time_ms)
      report.wrong("{} {}: a seek to {} gives {}, which is too early", stream->key.name,
                   streams::shard_id(shard), time_ms, answer());
  }
}

void Model::keep_token(std::string token, streams::ShardIterator meaning) {
  if (tokens_.size() == kTokensKept) tokens_.erase(tokens_.begin());
  tokens_.emplace_back(std::move(token), std::move(meaning));
}

void Model::settle(const Found& found, Report& report) {
  if (pending_ && !found.contains(pending_->key)) adopt(pending_->key, nullptr, report);
  pending_.reset();
  for (const auto& [key, stream] : found) {
    adopt(key, stream.stream, report);
    Life& life = lives_[key];
    for (const auto& [shard, there] : stream.shards) {
      for (const auto& record : there.records)
        note(life, shard, record.index, {record.arrival_ms, record.entry}, report);
    }
  }
  resolve_open_calls(found);
}

void Model::resolve_open_calls(const Found& found) {
  std::map<std::size_t, std::pair<std::uint32_t, std::uint64_t>> places;  // of entries
  for (const auto& [key, stream] : found) {
    for (const auto& [shard, there] : stream.shards) {
      for (const auto& record : there.records) {
        if (entries_[record.entry].call >= first_open_)
          places[record.entry] = {shard, record.index};
      }
    }
  }
  for (std::size_t i = first_open_; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    call.under_way = 0;
    if (call.state != CallState::kOpen) continue;
    call.was_unanswered = false;
    call.state = CallState::kNowhere;
    if (!places.contains(call.entries.front())) continue;
    call.state = CallState::kDone;
    for (const auto entry : call.entries)
      call.places.push_back(places[entry]);
  }
  first_open_ = calls_.size();
}

}  // namespace sluice::sim
