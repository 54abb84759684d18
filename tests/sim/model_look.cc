// The look at an engine: reads all there is and compares it with what must be, may be and must not
// be there.
#include <algorithm>
#include <charconv>

#include "base/digest.h"
#include "model.h"
#include "shape.h"

namespace sluice::sim {

using streams::Shard;
using streams::Stream;
using streams::StreamKey;
using streams::StreamRef;

namespace {

// Every stream of the accounts that the workload uses.
std::vector<StreamRef> all_streams(const streams::Engine& engine) {
  std::vector<StreamRef> out;
  for (const char* account : kAccounts) {
    const auto page = engine.list(account, kRegion, "", 1000);
    out.insert(out.end(), page.begin(), page.end());
  }
  return out;
}

}  // namespace

Found Model::look(const streams::Engine& engine, base::Random& random, Report& report) const {
  const std::size_t page_records = std::size_t{4} << (4 * random.below(4));
  Found found;
  for (const auto& stream : all_streams(engine)) {
    FoundStream& there = found[stream->key];
    there.stream = stream;
    check_key(stream->key, stream.get(), report);
    for (const Shard& shard : stream->shards) {
      there.shards[shard.index()] = read_shard(engine, stream, shard.index, page_records, report);
      if (!report.good()) return found;
    }
    check_stream(engine, there, report);
  }
  for (const auto& [key, life] : lives_) {
    if (!found.contains(key)) check_key(key, nullptr, report);
  }
  for (const auto& [token, meaning] : tokens_) {
    const auto opened = streams::open_iterator(engine.tokens(), token);
    if (!opened || opened->stream != meaning.stream || opened->next != meaning.next ||
        opened->incarnation != meaning.incarnation || opened->shard != meaning.shard)
      report.wrong("an iterator of {} does not open any more", meaning.stream.name);
  }
  check_calls(found, report);
  return found;
}

void Model::check_key(const StreamKey& key, const Stream* there, Report& report) const {
  const auto life = lives_.find(key);
  const Stream* before = life == lives_.end() ? nullptr : life->second.now.get();
  const auto may_go = [&](const Shard& shard) {
    if (shard.open()) return false;
    const auto records = life->second.records.find(shard.index());
    return records == life->second.records.end() ||
           std::ranges::all_of(records->second, [&](const auto& record) {
             return record.second.arrival_ms < life->second.floor_ms;
           });
  };
  std::string flaw;
  if (before == nullptr || there == nullptr) {
    if (before != nullptr) flaw = "it is gone";
    if (there != nullptr) flaw = "it came from nowhere";
  } else {
    flaw = flaw_of_rest(*before, *there, may_go);
  }
  const bool is_pending = pending_ && pending_->key == key;
  if (!flaw.empty() && is_pending) {
    const std::string done = pending_->flaw(before, there);
    flaw = done.empty() ? "" : fmt::format("neither as before ({}) nor as after ({})", flaw, done);
  }
  if (flaw.empty() && there != nullptr) flaw = flaw_of(*there);
  if (!flaw.empty()) report.wrong("stream {}: {}", key.name, flaw);
}

std::vector<FoundRecord> Model::records_of(const streams::ReadPage& page, const Stream& stream,
                                           Report& report) const {
  std::vector<FoundRecord> out;
  out.reserve(page.records.size());
  for (const auto& record : page.records) {
    std::size_t at = entries_.size();
    (void)std::from_chars(record.data.data(), record.data.data() + record.data.size(), at);
    if (at >= entries_.size() || entries_[at].data != record.data ||
        entries_[at].key != record.partition_key) {
      report.wrong("{} {}: a record that nobody put", stream.key.name,
                   record.sequence_number.to_string());
      return out;
    }
    const Call& call = calls_[entries_[at].call];
    if (call.stream->incarnation != stream.incarnation)
      report.wrong("{}: entry {} of another stream", stream.key.name, at);
    if (call.state == CallState::kNowhere)
      report.wrong("{} {}: entry {} was refused or lost, and is there", stream.key.name,
                   record.sequence_number.to_string(), at);
    out.push_back({record.sequence_number.index(), record.arrival_ms, at});
  }
  return out;
}

// With damage, an error that names the place is as good as the records.
bool Model::is_reported_damage(const std::string& message) const {
  return damaged_ && message.contains("/journal/") && message.contains(" at offset ");
}

FoundShard Model::read_shard(const streams::Engine& engine, const StreamRef& stream,
                             streams::ShardIndex shard, std::size_t page_records,
                             Report& report) const {
  FoundShard found;
  journal::Index next(0);
  for (;;) {
    const auto page = engine.read(stream, shard, next, streams::SequenceNumber::kMaxIndex,
                                  {.records_max = page_records});
    if (!page) {
      found.readable_below = next();
      if (!is_reported_damage(page.error().message))
        report.wrong("{} {}: {}", stream->key.name, streams::shard_id(shard), page.error().message);
      return found;
    }
    const auto records = records_of(*page, *stream, report);
    found.records.insert(found.records.end(), records.begin(), records.end());
    if (records.empty() || !report.good()) return found;
    if (page->next <= next) {
      report.wrong("{} {}: a page does not lead on", stream->key.name, streams::shard_id(shard));
      return found;
    }
    next = page->next;
  }
}

void Model::check_stream(const streams::Engine& engine, const FoundStream& found,
                         Report& report) const {
  static const Life kNothing;
  const auto at = lives_.find(found.stream->key);
  const bool is_new =
      at == lives_.end() || at->second.now->incarnation != found.stream->incarnation;
  const Life& life = is_new ? kNothing : at->second;
  std::set<std::size_t> seen;
  for (const auto& [index, shard] : found.shards) {
    const Shard& description = *found.stream->find(streams::ShardIndex(index));
    check_shard(life, *found.stream, description, shard, report);
    check_bounds(engine, life, found.stream, description, shard, report);
    for (const auto& record : shard.records) {
      if (!seen.insert(record.entry).second)
        report.wrong("{}: entry {} is there twice", found.stream->key.name, record.entry);
    }
  }
}

void Model::check_shard(const Life& life, const Stream& stream, const Shard& shard,
                        const FoundShard& found, Report& report) const {
  const auto place = [&](std::uint64_t index) {
    return fmt::format("{} {} index {}", stream.key.name, shard.id(), index);
  };
  const std::int64_t oldest_ms = now_ms_ - stream.retention_ms();
  static const std::map<std::uint64_t, Known> kNone;
  const auto at = life.records.find(shard.index());
  const auto& known = at == life.records.end() ? kNone : at->second;
  auto record = found.records.begin();
  for (const auto& [index, must] : known) {
    if (index >= found.readable_below) break;
    if (must.arrival_ms < std::max(life.floor_ms, oldest_ms)) continue;
    record = std::ranges::lower_bound(record, found.records.end(), index, {}, &FoundRecord::index);
    if ((record == found.records.end() || record->index != index) &&
        !forgiven_.contains(must.entry))
      report.wrong("{}: entry {} is lost", place(index), must.entry);
  }
  const FoundRecord* before = nullptr;
  for (const auto& there : found.records) {
    const auto expected = known.find(there.index);
    if (expected != known.end() &&
        (expected->second.entry != there.entry || !expected->second.fits(there.arrival_ms)))
      report.wrong("{}: entry {}, arrived {}; it was entry {}, arrived {}", place(there.index),
                   there.entry, there.arrival_ms, expected->second.entry,
                   expected->second.arrival_ms);
    if (expected == known.end() && calls_[entries_[there.entry].call].state == CallState::kDone)
      report.wrong("{}: entry {} has another number than it had", place(there.index), there.entry);
    if (before != nullptr &&
        (there.index <= before->index || there.arrival_ms < before->arrival_ms))
      report.wrong("{}: out of order", place(there.index));
    if (there.arrival_ms < oldest_ms) report.wrong("{}: expired, and served", place(there.index));
    if (!shard.open() && there.index >= (*shard.closed_at)())
      report.wrong("{}: behind the end of its shard", place(there.index));
    const Entry& entry = entries_[there.entry];
    const base::Uint128 hash = entry.hash ? *entry.hash : base::md5(entry.key);
    if (hash < shard.hash_first || hash > shard.hash_last)
      report.wrong("{}: its key belongs to another shard", place(there.index));
    before = &there;
  }
}

void Model::check_bounds(const streams::Engine& engine, const Life& life, const StreamRef& stream,
                         const Shard& shard, const FoundShard& found, Report& report) const {
  const auto bounds = engine.bounds(stream, shard.index);
  if (!bounds && is_reported_damage(bounds.error().message)) return;
  if (!bounds) {
    report.wrong("{} {}: {}", stream->key.name, shard.id(), bounds.error().message);
    return;
  }
  if (found.readable_below != ~std::uint64_t{0}) return;
  // Of what had expired before the retention was raised some files may be there, others not.
  if (life.floor_ms > now_ms_ - stream->retention_ms()) return;
  const std::uint64_t first = found.records.empty() ? bounds->end() : found.records.front().index;
  if (bounds->first() != first ||
      (!found.records.empty() && bounds->end() != found.records.back().index + 1))
    report.wrong("{} {}: its bounds are {} and {}, its records {} to {}", stream->key.name,
                 shard.id(), bounds->first(), bounds->end(), first,
                 found.records.empty() ? 0 : found.records.back().index);
}

// A call without an answer is there as a whole or not at all.
void Model::check_calls(const Found& found, Report& report) const {
  std::map<std::size_t, std::size_t> present;  // entries of open calls
  for (const auto& [key, stream] : found) {
    for (const auto& [index, shard] : stream.shards) {
      for (const auto& record : shard.records) {
        const std::size_t call = entries_[record.entry].call;
        if (call >= first_open_ && calls_[call].state == CallState::kOpen) ++present[call];
      }
      if (shard.readable_below != ~std::uint64_t{0}) return;
    }
  }
  for (const auto& [call, count] : present) {
    if (count != calls_[call].entries.size())
      report.wrong("call {}: {} of its {} entries are there", call, count,
                   calls_[call].entries.size());
  }
}

}  // namespace sluice::sim
