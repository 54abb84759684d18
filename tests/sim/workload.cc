#include "workload.h"

#include <algorithm>

#include "base/digest.h"
#include "shape.h"

namespace sluice::sim {
namespace {

using streams::Stream;
using streams::StreamKey;
using streams::StreamRef;

constexpr const char* kNames[] = {"orders", "clicks", "pins"};
constexpr std::int64_t kHourMs = 3'600'000;
// Well inside of the journal's window for tokens.
constexpr std::int64_t kRetryMs = 540'000;
constexpr std::size_t kConsumersMax = 8;
// Small files have room for few lanes.
constexpr std::size_t kShardsMax = 9;

}  // namespace

void Workload::step() {
  const std::uint64_t kind = random_.below(100);
  if (kind < 57)
    put();
  else if (kind < 72)
    read();
  else if (kind < 77)
    read_anywhere();
  else if (kind < 80)
    seek();
  else if (kind < 83)
    retry_calls();
  else if (kind < 85)
    pass_time(static_cast<std::int64_t>(random_.below(20 * kHourMs)));
  else if (kind < 88)
    release_expired();
  else if (kind < 90)
    change_settings();
  else if (kind < 93)
    split();
  else if (kind < 95)
    merge();
  else if (kind < 96)
    scale();
  else if (kind < 99)
    create();
  else
    remove();
  if (!machine_.faults().is_down()) pass_time(static_cast<std::int64_t>(random_.below(200)) - 50);
}

void Workload::pass_time(std::int64_t by_ms) {
  // What is staged has its arrival time: it must not wait for hours.
  if (by_ms > 1000) pump();
  clock_.advance_ms(by_ms);
  model_.set_now(clock_.now_ms());
}

void Workload::pump() {
  do
    model_.begin_frame();
  while (machine_.pump_frame());
}

void Workload::release_expired() {
  machine_.engine().release_expired();
  machine_.note_frames();
  if (machine_.faults().is_down()) return;  // the next start shows what came of it
  for (const char* account : kAccounts) {
    for (const auto& stream : machine_.engine().list(account, kRegion, "", 100))
      model_.expired(stream, report_);
  }
}

StreamKey Workload::any_key() {
  return {kAccounts[random_.below(4) == 0 ? 1 : 0], kRegion, kNames[random_.below(3)]};
}

StreamRef Workload::any_stream() {
  auto found = machine_.engine().find(any_key());
  return found ? *found : nullptr;
}

streams::ShardIndex Workload::any_shard(const Stream& stream) {
  return stream.shards[random_.below(stream.shards.size())].index;
}

void Workload::put() {
  const std::uint64_t calls = 1 + random_.below(4);
  for (std::uint64_t i = 0; i < calls; ++i)
    stage_call();
  if (random_.below(4) != 0) pump();
}

void Workload::stage_call() {
  const StreamRef stream = any_stream();
  if (stream == nullptr) return;
  std::vector<Entry> entries(1 + random_.below(6));
  for (Entry& entry : entries) {
    entry.key = fmt::format("key-{}", random_.below(20));
    // A client that names hash keys does so for all records of a partition key.
    if (entry.key.back() == '7') entry.hash = base::md5(entry.key + "!");
    entry.data = std::string(random_.below(6) == 0 ? random_.below(900) : random_.below(20),
                             static_cast<char>('a' + random_.below(26)));
  }
  std::optional<journal::RequestToken> token;
  if (random_.below(4) != 0)
    token = journal::RequestToken{base::make_uint128(random_.next(), random_.next())};
  const std::size_t call = model_.new_call(stream, std::move(entries), token);
  send(call);
  if (token && random_.below(10) == 0) send(call);  // a client that does not wait
}

void Workload::send(std::size_t number) {
  const Call& call = model_.calls()[number];
  std::vector<streams::PutEntry> entries;
  for (const std::size_t at : call.entries) {
    const Entry& entry = model_.entry(at);
    entries.push_back({entry.key, entry.data, entry.hash});
  }
  model_.sent(number);
  const auto stream = machine_.engine().find(call.stream->key);
  machine_.engine().append(stream ? *stream : call.stream, entries, call.token,
                           [model = &model_, report = &report_, number](const auto& answer) {
                             model->answered(number, answer, *report);
                           });
}

void Workload::retry_calls() {
  const std::size_t count = model_.calls().size();
  for (std::size_t i = count > 8 ? count - 8 : 0; i < count; ++i) {
    const Call& call = model_.calls()[i];
    if (!call.token || model_.now_ms() - call.sent_ms > kRetryMs) continue;
    const auto stream = machine_.engine().find(call.stream->key);
    if (!stream || (*stream)->incarnation != call.stream->incarnation) continue;
    if (random_.below(2) == 0) send(i);
  }
  pump();
}

void Workload::read() {
  if (consumers_.size() < kConsumersMax) {
    const StreamRef stream = any_stream();
    if (stream == nullptr) return;
    const streams::ShardIterator start{stream->key, stream->incarnation, any_shard(*stream),
                                       journal::Index(0), clock_.now_ms()};
    consumers_.push_back({stream->key, streams::seal_iterator(machine_.engine().tokens(), start)});
  }
  Consumer& consumer = consumers_[random_.below(consumers_.size())];
  auto at = streams::open_iterator(machine_.engine().tokens(), consumer.token);
  if (!at) {
    report_.wrong("an iterator of {} does not open", consumer.stream.name);
    return;
  }
  const auto stream = machine_.engine().find(at->stream);
  const bool there =
      stream && (*stream)->incarnation == at->incarnation && (*stream)->find(at->shard) != nullptr;
  if (!there || random_.below(30) == 0) {
    consumers_.erase(consumers_.begin() + (&consumer - consumers_.data()));
    return;
  }
  const auto page = machine_.engine().read(
      *stream, at->shard, at->next, streams::SequenceNumber::kMaxIndex,
      {.records_max = 1 + random_.below(60), .bytes_max = random_.below(4) == 0 ? 500U : 1U << 20});
  if (!page) {
    report_.wrong("{}: {}", at->stream.name, page.error().message);
    return;
  }
  model_.take_page(*stream, at->shard, at->next, *page, report_);
  at->next = page->next;
  at->made_ms = clock_.now_ms();
  consumer.token = streams::seal_iterator(machine_.engine().tokens(), *at);
  model_.keep_token(consumer.token, *at);
}

void Workload::read_anywhere() {
  const StreamRef stream = any_stream();
  if (stream == nullptr) return;
  const auto shard = any_shard(*stream);
  const auto bounds = machine_.engine().bounds(stream, shard);
  if (!bounds) {
    report_.wrong("{}: {}", stream->key.name, bounds.error().message);
    return;
  }
  const journal::Index from(bounds->first() + random_.below(bounds->end() - bounds->first() + 2));
  const auto page = machine_.engine().read(stream, shard, from, streams::SequenceNumber::kMaxIndex,
                                           {.records_max = 1 + random_.below(10)});
  if (!page) {
    report_.wrong("{}: {}", stream->key.name, page.error().message);
    return;
  }
  model_.take_page(stream, shard, from, *page, report_);
}

void Workload::seek() {
  const StreamRef stream = any_stream();
  if (stream == nullptr) return;
  const auto shard = any_shard(*stream);
  const std::int64_t back_ms = random_.below(2) == 0 ? 2000 : 30 * kHourMs;
  const std::int64_t time_ms =
      clock_.now_ms() -
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(back_ms)));
  const auto index = machine_.engine().seek(stream, shard, time_ms);
  if (!index) {
    report_.wrong("{}: {}", stream->key.name, index.error().message);
    return;
  }
  model_.check_seek(stream, shard, time_ms, *index, report_);
}

// Asks for a change of streams and tells the model what came of it. An error of a disk that failed
// leaves it open: the next start shows it.
template <class Do>
void Workload::change(PendingChange pending, Do&& act) {
  const StreamKey key = pending.key;
  model_.begin_change(std::move(pending));
  const streams::StreamResult<StreamRef> now = act();
  if (now) return model_.changed(*now, report_);
  if (machine_.disk_failed() && now.error().code == streams::StreamError::kUnavailable) return;
  const auto there = machine_.engine().find(key);
  model_.refused(there ? there->get() : nullptr, report_);
  if (now.error().code != streams::StreamError::kUnavailable || !machine_.is_full())
    report_.wrong("{}: {}", key.name, now.error().message);
}

void Workload::create() {
  streams::NewStream wanted{.key = any_key(),
                            .mode = random_.below(4) == 0 ? streams::StreamMode::kOnDemand
                                                          : streams::StreamMode::kProvisioned,
                            .shard_count = static_cast<int>(1 + random_.below(4))};
  if (random_.below(2) == 0) wanted.tags["team"] = fmt::format("{}", random_.below(100));
  if (machine_.engine().find(wanted.key)) return;
  const auto flaw = [wanted](const Stream*, const Stream* after) -> std::string {
    return after == nullptr ? "it is not there" : flaw_of_new(wanted, *after);
  };
  change({wanted.key, flaw}, [&] { return machine_.engine().create(wanted); });
}

void Workload::remove() {
  const StreamRef stream = any_stream();
  if (stream == nullptr) return;
  const auto flaw = [](const Stream*, const Stream* after) -> std::string {
    return after == nullptr ? "" : "it is still there";
  };
  change({stream->key, flaw}, [&]() -> streams::StreamResult<StreamRef> {
    auto ok = machine_.engine().remove(stream->key);
    if (!ok) return std::unexpected(ok.error());
    return StreamRef();
  });
}

void Workload::change_settings() {
  const StreamRef stream = any_stream();
  if (stream == nullptr) return;
  streams::StreamSettings wanted = stream->settings;
  const std::uint64_t kind = random_.below(3);
  if (kind == 0) wanted.retention_hours = static_cast<int>(24 + random_.below(50));
  if (kind == 1) wanted.tags[fmt::format("t{}", random_.below(3))] = "v";
  if (kind == 2) wanted.tags.clear();
  const auto flaw = [wanted](const Stream* before, const Stream* after) -> std::string {
    return after == nullptr ? "it is gone" : flaw_of_settings(*before, *after, wanted);
  };
  change({stream->key, flaw}, [&] {
    return machine_.engine().change(stream->key, [&](streams::StreamSettings& settings) {
      settings = wanted;
      return streams::StreamResult<void>();
    });
  });
}

void Workload::split() {
  const StreamRef stream = any_stream();
  if (stream == nullptr || stream->shards.size() >= kShardsMax) return;
  const auto at = stream->open_by_hash[random_.below(stream->open_by_hash.size())];
  const auto& shard = stream->shards[at];
  if (shard.hash_first == shard.hash_last) return;
  const base::Uint128 upper = shard.hash_first + (shard.hash_last - shard.hash_first) / 3 + 1;
  const auto flaw = [index = shard.index](const Stream* before,
                                          const Stream* after) -> std::string {
    if (after == nullptr) return "it is gone";
    return flaw_of_reshape(*before, *after, {index}, false, before->open_shards() + 1);
  };
  change({stream->key, flaw},
         [&] { return machine_.engine().split(stream->key, shard.index, upper); });
}

void Workload::merge() {
  const StreamRef stream = any_stream();
  if (stream == nullptr || stream->open_by_hash.size() < 2 || stream->shards.size() >= kShardsMax)
    return;
  const std::size_t at = random_.below(stream->open_by_hash.size() - 1);
  const auto lower = stream->shards[stream->open_by_hash[at]].index;
  const auto upper = stream->shards[stream->open_by_hash[at + 1]].index;
  const auto flaw = [lower, upper](const Stream* before, const Stream* after) -> std::string {
    if (after == nullptr) return "it is gone";
    return flaw_of_reshape(*before, *after, {lower, upper}, false, before->open_shards() - 1);
  };
  change({stream->key, flaw}, [&] { return machine_.engine().merge(stream->key, lower, upper); });
}

void Workload::scale() {
  const StreamRef stream = any_stream();
  if (stream == nullptr || stream->shards.size() >= kShardsMax) return;
  const int count = static_cast<int>(1 + random_.below(4));
  const auto flaw = [count](const Stream* before, const Stream* after) -> std::string {
    if (after == nullptr) return "it is gone";
    return flaw_of_reshape(*before, *after, {}, true, count);
  };
  change({stream->key, flaw}, [&] { return machine_.engine().scale(stream->key, count); });
}

}  // namespace sluice::sim
