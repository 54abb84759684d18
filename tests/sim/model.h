// What clients may expect of the engine: plain maps of what was acknowledged or seen. Checks an
// engine against them. Copyable: the look after a power cut may go on with a copy.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "streams/engine.h"
#include "streams/sealed_token.h"

namespace sluice::sim {

constexpr const char* kAccounts[] = {"000000000000", "111111111111"};
constexpr const char* kRegion = "us-east-1";

// The first thing that was wrong ends a run.
class Report {
 public:
  template <class... Args>
  void wrong(fmt::format_string<Args...> text, Args&&... args) {
    problems_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  bool good() const { return problems_.empty(); }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

// A record that some client wants to put; its place in Model::entries() is written in its data.
struct Entry {
  std::string key;
  std::string data;
  std::optional<base::Uint128> hash;
  std::size_t call = 0;
};

enum class CallState {
  kOpen,     // sent, and no answer said what became of it: it is there as a whole or not at all
  kDone,     // acknowledged, or seen after a restart
  kNowhere,  // refused, or not there after a restart: it must never show up
};

struct Call {
  streams::StreamRef stream;
  std::vector<std::size_t> entries;
  std::optional<journal::RequestToken> token;
  std::int64_t sent_ms = 0;
  CallState state = CallState::kOpen;
  int under_way = 0;            // sends without an answer
  bool was_unanswered = false;  // some send failed so that nobody can say what came of it
  std::vector<std::pair<std::uint32_t, std::uint64_t>> places;  // shard and index, once known
  std::vector<std::string> after;  // of each entry: the newest number of its key when it was sent
};

struct FoundRecord {
  std::uint64_t index = 0;
  std::int64_t arrival_ms = 0;
  std::size_t entry = 0;
};
struct FoundShard {
  std::vector<FoundRecord> records;
  std::uint64_t readable_below = ~std::uint64_t{0};  // damage that was reported begins here
};
using FoundShards = std::map<std::uint32_t, FoundShard>;
struct FoundStream {
  streams::StreamRef stream;
  FoundShards shards;
};
using Found = std::map<streams::StreamKey, FoundStream>;

// A change of a stream that was asked for and has no answer yet: it is made as a whole or not at
// all. `flaw` says what is wrong with the stream as it would be afterwards; null: it is not there.
struct PendingChange {
  streams::StreamKey key;
  std::function<std::string(const streams::Stream* before, const streams::Stream* after)> flaw;
};

class Model {
 public:
  explicit Model(std::int64_t now_ms) : now_ms_(now_ms) {}

  // Time and what it lets expire.
  void set_now(std::int64_t now_ms);
  std::int64_t now_ms() const { return now_ms_; }

  std::size_t new_call(const streams::StreamRef& stream, std::vector<Entry> entries,
                       std::optional<journal::RequestToken> token);
  void sent(std::size_t call);
  void answered(std::size_t call,
                const streams::StreamResult<std::vector<streams::PutResult>>& answer,
                Report& report);
  const std::vector<Call>& calls() const { return calls_; }
  const Entry& entry(std::size_t at) const { return entries_[at]; }

  // A change of streams: asked for, answered with the stream as it is now (null: gone), refused.
  void begin_change(PendingChange change) { pending_ = std::move(change); }
  void changed(const streams::StreamRef& now, Report& report);
  void refused(const streams::Stream* now, Report& report);
  // Closed shards without readable records may have gone.
  void expired(const streams::StreamRef& now, Report& report);
  bool is_changing() const { return pending_.has_value(); }

  // One page that was read from `from` on: nothing known is left out, nothing unknown is in it.
  void take_page(const streams::StreamRef& stream, streams::ShardIndex shard, journal::Index from,
                 const streams::ReadPage& page, Report& report);
  // The answer of a seek by time.
  void check_seek(const streams::StreamRef& stream, streams::ShardIndex shard, std::int64_t time_ms,
                  journal::Index answer, Report& report) const;
  void keep_token(std::string token, streams::ShardIterator meaning);

  // Reads all there is and compares. Changes nothing.
  Found look(const streams::Engine& engine, base::Random& random, Report& report) const;
  // After a restart: what was found is what there is from now on.
  void settle(const Found& found, Report& report);

  // A frame is about to be written: what is acknowledged next is in the log's last frame.
  void begin_frame() { frame_begins_ = true; }
  // From now on look() does not ask for the records of the last frame: it looks torn when damaged.
  void forgive_last_frame() { forgiven_.insert(last_frame_.begin(), last_frame_.end()); }
  // From now on look() takes errors of reads that say where the damage is.
  void expect_damage() { damaged_ = true; }

 private:
  struct Known {
    std::int64_t arrival_ms = 0;  // an answer says the second only: its begin
    std::size_t entry = 0;
    bool exact = true;
    bool fits(std::int64_t ms) const {
      return exact ? ms == arrival_ms : ms / 1000 == arrival_ms / 1000;
    }
  };
  struct Life {  // of a stream under a name
    streams::StreamRef now;
    std::map<std::uint32_t, std::map<std::uint64_t, Known>> records;  // by shard, by index
    std::int64_t floor_ms = 0;                  // what arrived before may be gone
    std::map<std::string, std::string> newest;  // number of each partition key
  };

  void expire(Life& life) const;
  void note(Life& life, std::uint32_t shard, std::uint64_t index, Known known, Report& report);
  Life* life_of(const streams::Stream& stream);
  void adopt(const streams::StreamKey& key, const streams::StreamRef& now, Report& report);
  void resolve_open_calls(const Found& found);
  std::vector<FoundRecord> records_of(const streams::ReadPage& page, const streams::Stream& stream,
                                      Report& report) const;
  FoundShard read_shard(const streams::Engine& engine, const streams::StreamRef& stream,
                        streams::ShardIndex shard, std::size_t page_records, Report& report) const;
  bool is_reported_damage(const std::string& message) const;
  void check_key(const streams::StreamKey& key, const streams::Stream* there, Report& report) const;
  void check_stream(const streams::Engine& engine, const FoundStream& found, Report& report) const;
  void check_shard(const Life& life, const streams::Stream& stream, const streams::Shard& shard,
                   const FoundShard& found, Report& report) const;
  void check_bounds(const streams::Engine& engine, const Life& life,
                    const streams::StreamRef& stream, const streams::Shard& shard,
                    const FoundShard& found, Report& report) const;
  void check_calls(const Found& found, Report& report) const;

  std::int64_t now_ms_;
  std::vector<Entry> entries_;
  std::vector<Call> calls_;
  std::size_t first_open_ = 0;  // no call before it is open
  std::map<streams::StreamKey, Life> lives_;
  std::map<streams::StreamKey, std::int64_t> newest_created_s_;  // of shards of earlier lives too
  std::optional<PendingChange> pending_;
  std::vector<std::pair<std::string, streams::ShardIterator>> tokens_;  // the newest few
  std::vector<std::size_t> last_frame_;                                 // entries
  bool frame_begins_ = false;
  std::set<std::size_t> forgiven_;
  bool damaged_ = false;
};

}  // namespace sluice::sim
