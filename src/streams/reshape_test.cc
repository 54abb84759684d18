// Splits, merges and scaling: as arithmetic, through the engine, with puts on their way.
#include "streams/reshape.h"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "base/random.h"
#include "base/sqlite.h"
#include "journal/fake_journal.h"
#include "journal/journal_engine.h"
#include "streams/engine.h"

namespace sluice::streams {
namespace {

using base::Uint128;
using journal::Index;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNowMs = 1'763'900'000'123;
constexpr std::int64_t kNowS = kNowMs / 1000;
constexpr Uint128 kHalf = base::make_uint128(std::uint64_t{1} << 63, 0);

Stream with_shards(int count) {
  Stream stream;
  stream.key.name = "s";
  for (const HashRange& range : equal_hash_ranges(static_cast<std::uint32_t>(count))) {
    Shard shard;
    shard.index = ShardIndex(static_cast<std::uint32_t>(stream.shards.size()));
    shard.hash_first = range.first;
    shard.hash_last = range.last;
    shard.created_s = kNowS;
    stream.shards.push_back(shard);
  }
  stream.index_shards();
  return stream;
}

// What KCL demands of a topology, and what makes children sort after their parents.
void expect_sound(const Stream& stream) {
  Uint128 next = 0;
  for (const std::uint32_t at : stream.open_by_hash) {
    EXPECT_EQ(stream.shards[at].hash_first, next);
    next = stream.shards[at].hash_last + 1;
  }
  EXPECT_EQ(next, Uint128{0});
  std::map<ShardIndex, std::vector<const Shard*>> children;
  for (const Shard& shard : stream.shards) {
    if (shard.parent) children[*shard.parent].push_back(&shard);
    if (shard.adjacent_parent) children[*shard.adjacent_parent].push_back(&shard);
  }
  for (const Shard& shard : stream.shards) {
    const auto& of = children[shard.index];
    for (const Shard* child : of)
      EXPECT_GT(child->created_s, shard.created_s);
    if (shard.open()) {
      EXPECT_TRUE(of.empty());
    } else if (of.size() == 1) {  // merged
      EXPECT_TRUE(of[0]->adjacent_parent);
      EXPECT_LE(of[0]->hash_first, shard.hash_first);
      EXPECT_GE(of[0]->hash_last, shard.hash_last);
    } else {
      ASSERT_EQ(of.size(), 2U);
      EXPECT_EQ(of[0]->hash_first, shard.hash_first);
      EXPECT_EQ(of[0]->hash_last + 1, of[1]->hash_first);
      EXPECT_EQ(of[1]->hash_last, shard.hash_last);
      EXPECT_FALSE(of[0]->adjacent_parent);
    }
  }
}

TEST(Reshape, ScalesBetweenAllCounts) {
  for (int from = 1; from <= 24; ++from) {
    for (int to = 1; to <= 24; ++to) {
      Stream stream = with_shards(from);
      scale_shards(stream, to, kNowS);
      expect_sound(stream);
      ASSERT_EQ(stream.open_shards(), to) << from;
      const auto ranges = equal_hash_ranges(static_cast<std::uint32_t>(to));
      for (int i = 0; i < to; ++i) {
        const Uint128 first = stream.shards[stream.open_by_hash[i]].hash_first;
        EXPECT_LE(first, ranges[i].first + 50);
        EXPECT_GE(first + 50, ranges[i].first);
      }
      const auto made = static_cast<int>(stream.shards.size()) - from;
      if (from == to) {
        EXPECT_EQ(made, 0);
      }
      if (2 * from == to || from == 2 * to) {
        EXPECT_EQ(made, to);  // nothing in between
      }
    }
  }
}

TEST(Reshape, ScalesWhateverIsThere) {
  base::SeededRandom random(9);
  for (int round = 0; round < 300; ++round) {
    Stream stream = with_shards(1 + static_cast<int>(random.below(5)));
    for (int step = 0; step < 6; ++step) {
      const std::size_t at = random.below(stream.open_by_hash.size());
      const Shard shard = stream.shards[stream.open_by_hash[at]];
      const Uint128 width = shard.hash_last - shard.hash_first;
      if (random.below(3) > 0 && width > 0) {
        EXPECT_TRUE(split_shard(stream, shard.index,
                                shard.hash_first + 1 + width / 7 * random.below(7), kNowS));
      } else if (at + 1 < stream.open_by_hash.size()) {
        const ShardIndex next = stream.shards[stream.open_by_hash[at + 1]].index;
        EXPECT_TRUE(merge_shards(stream, shard.index, next, kNowS));
      }
    }
    expect_sound(stream);
    const int to = 1 + static_cast<int>(random.below(20));
    scale_shards(stream, to, kNowS);
    expect_sound(stream);
    EXPECT_EQ(stream.open_shards(), to);
  }
}

TEST(Reshape, RefusesWhatCannotBe) {
  Stream stream = with_shards(3);
  const auto refused = [&](const StreamResult<void>& result, StreamError code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
  };
  const Shard first = stream.shards[0];
  refused(split_shard(stream, ShardIndex(7), 5, kNowS), StreamError::kNoSuchShard);
  refused(split_shard(stream, ShardIndex(0), 0, kNowS), StreamError::kInvalid);
  refused(split_shard(stream, ShardIndex(0), first.hash_last + 1, kNowS), StreamError::kInvalid);
  refused(merge_shards(stream, ShardIndex(0), ShardIndex(9), kNowS), StreamError::kNoSuchShard);
  refused(merge_shards(stream, ShardIndex(0), ShardIndex(2), kNowS), StreamError::kInvalid);
  refused(merge_shards(stream, ShardIndex(1), ShardIndex(0), kNowS), StreamError::kInvalid);
  refused(merge_shards(stream, ShardIndex(2), ShardIndex(0), kNowS), StreamError::kInvalid);
  refused(merge_shards(stream, ShardIndex(0), ShardIndex(0), kNowS), StreamError::kInvalid);
  EXPECT_EQ(stream.shards.size(), 3U);
  ASSERT_TRUE(split_shard(stream, ShardIndex(0), first.hash_last, kNowS));
  refused(split_shard(stream, ShardIndex(0), 5, kNowS), StreamError::kInvalid);
  refused(merge_shards(stream, ShardIndex(0), ShardIndex(1), kNowS), StreamError::kInvalid);
  Stream whole = with_shards(1);
  refused(merge_shards(whole, ShardIndex(0), ShardIndex(0), kNowS), StreamError::kInvalid);
}

class ReshapeEngine : public testing::Test {
 protected:
  ReshapeEngine() {
    std::filesystem::create_directories(folder_);
    open();
  }
  ~ReshapeEngine() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open(EngineOptions options = {}) {
    engine_.reset();
    auto engine = Engine::open(folder_ / "meta.db", journal_, clock_, random_, options);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  StreamRef make(int shards) {
    auto stream = engine_->create({key_, StreamMode::kProvisioned, shards});
    EXPECT_TRUE(stream);
    return *stream;
  }
  StreamRef now() const { return *engine_->find(key_); }

  using Answer = std::optional<StreamResult<std::vector<PutResult>>>;
  // Texts go to the hash they begin with: "0…" to 0, "1…" to the middle of the space.
  std::shared_ptr<Answer> put(const StreamRef& stream, const std::vector<std::string>& texts,
                              std::optional<journal::RequestToken> token = std::nullopt) {
    auto answer = std::make_shared<Answer>();
    std::vector<PutEntry> entries;
    for (const std::string& text : texts)
      entries.push_back({"k", text, text[0] == '0' ? Uint128{0} : kHalf});
    engine_->append(stream, entries, token, [answer](auto result) { *answer = std::move(result); });
    return answer;
  }
  static std::vector<std::uint32_t> shards_of(const std::shared_ptr<Answer>& answer) {
    std::vector<std::uint32_t> shards;
    EXPECT_TRUE(*answer);
    EXPECT_TRUE(**answer) << (**answer).error().message;
    for (const PutResult& result : ***answer)
      shards.push_back(result.shard());
    return shards;
  }
  static std::vector<std::string> numbers_of(const std::shared_ptr<Answer>& answer) {
    std::vector<std::string> numbers;
    for (const PutResult& result : ***answer)
      numbers.push_back(result.sequence_number.to_string());
    return numbers;
  }
  std::vector<std::string> data(std::uint32_t shard) {
    const auto page =
        engine_->read(now(), ShardIndex(shard), Index(0), SequenceNumber::kMaxIndex, {});
    EXPECT_TRUE(page);
    EXPECT_EQ(page->end_of_shard, !now()->find(ShardIndex(shard))->open());
    std::vector<std::string> all;
    for (const auto& record : page->records)
      all.push_back(record.data);
    return all;
  }
  void execute(const std::string& sql) {
    auto db = base::Sqlite::open(folder_ / "meta.db", base::Sqlite::Mode::kMetadata);
    const auto done = db->execute(sql);
    EXPECT_TRUE(done) << done.error().message;
  }

  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                        ("reshape-" + std::to_string(base::system_random().next()));
  const StreamKey key_{"000000000000", "us-east-1", "s"};
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{3};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<Engine> engine_;
};

TEST_F(ReshapeEngine, SplitsAndMergesAndRemembers) {
  const StreamRef before = make(1);
  put(before, {"0a", "1a"});
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  put(before, {"0b", "1b"});  // by an old snapshot
  clock_.advance_ms(20'000);
  ASSERT_TRUE(engine_->merge(key_, ShardIndex(1), ShardIndex(2)));
  put(now(), {"0c", "1c"});
  for (int life = 0; life < 2; ++life) {
    const StreamRef stream = now();
    expect_sound(*stream);
    ASSERT_EQ(stream->shards.size(), 4U);
    EXPECT_EQ(stream->open_shards(), 1);
    EXPECT_EQ(stream->shards[0].closed_at, Index(3));
    EXPECT_EQ(stream->shards[1].closed_at, Index(2));
    EXPECT_EQ(stream->shards[1].parent, ShardIndex(0));
    EXPECT_EQ(stream->shards[1].created_s, kNowS + 1);
    EXPECT_EQ(stream->shards[3].parent, ShardIndex(1));
    EXPECT_EQ(stream->shards[3].adjacent_parent, ShardIndex(2));
    EXPECT_EQ(stream->shards[3].created_s, kNowS + 21);
    EXPECT_THAT(data(0), ElementsAre("0a", "1a"));
    EXPECT_THAT(data(1), ElementsAre("0b"));
    EXPECT_THAT(data(2), ElementsAre("1b"));
    EXPECT_THAT(data(3), ElementsAre("0c", "1c"));
    journal_.restart();
    open();
  }
}

TEST_F(ReshapeEngine, ClosesAfterARestartWhereTheRecordsEnd) {
  put(make(1), {"0a"});
  journal_.restart();
  open();
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  EXPECT_THAT(data(0), ElementsAre("0a"));
}

TEST_F(ReshapeEngine, PutsWaitAndGoToTheChildren) {
  const StreamRef before = make(1);
  journal_.hold(true);
  const auto on_its_way = put(before, {"0a"});
  std::shared_ptr<Answer> waits;
  journal_.during_flush = [&] {
    EXPECT_FALSE(*on_its_way);
    waits = put(before, {"0b", "1b", "0c"});
    EXPECT_FALSE(*waits);
    journal_.hold(false);
  };
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  EXPECT_THAT(shards_of(on_its_way), ElementsAre(0));
  EXPECT_THAT(shards_of(waits), ElementsAre(1, 2, 1));
  EXPECT_THAT(data(0), ElementsAre("0a"));
  EXPECT_THAT(data(1), ElementsAre("0b", "0c"));
}

TEST_F(ReshapeEngine, WhatWaitsIsBounded) {
  open({.parked_bytes_max = 1000});
  const StreamRef before = make(1);
  std::shared_ptr<Answer> fits, refused;
  journal_.during_flush = [&] {
    fits = put(before, {"0" + std::string(600, 'x')});
    refused = put(before, {"0" + std::string(600, 'y')});
    ASSERT_TRUE(*refused);
    EXPECT_EQ((**refused).error().code, StreamError::kThrottled);
  };
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  EXPECT_THAT(shards_of(fits), ElementsAre(1));
  EXPECT_TRUE(data(0).empty());
  journal_.during_flush = nullptr;
  EXPECT_THAT(shards_of(put(before, {"0" + std::string(2000, 'z')})), ElementsAre(1));
}

TEST_F(ReshapeEngine, AFailureLeavesTheParentAndWhatWaitedGoesThere) {
  const StreamRef before = make(1);
  std::shared_ptr<Answer> waits;
  journal_.during_flush = [&] { waits = put(before, {"0a"}); };
  execute(
      "CREATE TRIGGER refuse BEFORE INSERT ON streams_shards "
      "BEGIN SELECT RAISE(ABORT, 'told to fail'); END");
  const auto failed = engine_->split(key_, ShardIndex(0), kHalf);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, StreamError::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("told to fail"));
  EXPECT_EQ(now(), before);
  EXPECT_THAT(shards_of(waits), ElementsAre(0));
  execute("DROP TRIGGER refuse");

  journal_.during_flush = [&] { journal_.fail_with(journal::JournalError::kFailed); };
  EXPECT_EQ(engine_->split(key_, ShardIndex(0), kHalf).error().code, StreamError::kUnavailable);
  EXPECT_EQ(now(), before);
  journal_.during_flush = nullptr;
  journal_.fail_with(std::nullopt);
  EXPECT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  open();
  EXPECT_EQ(now()->shards.size(), 3U);
}

TEST_F(ReshapeEngine, ARetryGetsTheFirstAnswer) {
  const journal::RequestToken token{77};
  const StreamRef before = make(1);
  const std::vector<std::string> texts = {"1a", "0a", "0b", "1b"};
  const auto first = put(before, texts, token);
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  const auto again = put(now(), texts, token);
  EXPECT_THAT(shards_of(again), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(numbers_of(again), numbers_of(first));
  EXPECT_TRUE(data(1).empty());

  // Two runs become one.
  const journal::RequestToken other{78};
  const auto apart = put(now(), texts, other);
  EXPECT_THAT(shards_of(apart), ElementsAre(2, 1, 1, 2));
  ASSERT_TRUE(engine_->merge(key_, ShardIndex(1), ShardIndex(2)));
  const auto together = put(before, texts, other);
  EXPECT_THAT(shards_of(together), ElementsAre(2, 1, 1, 2));
  EXPECT_EQ(numbers_of(together), numbers_of(apart));
  EXPECT_TRUE(data(3).empty());
}

TEST_F(ReshapeEngine, AStreamMadeAnewDoesNotAnswerForTheOneBefore) {
  const journal::RequestToken token{79};
  put(make(1), {"0a"}, token);
  ASSERT_TRUE(engine_->remove(key_));
  const auto answer = put(make(1), {"0a"}, token);
  EXPECT_THAT(shards_of(answer), ElementsAre(0));
  EXPECT_THAT(data(0), ElementsAre("0a"));
}

TEST_F(ReshapeEngine, ARemovedStreamTakesNoPuts) {
  const StreamRef stream = make(1);
  ASSERT_TRUE(engine_->remove(key_));
  const auto answer = put(stream, {"0a"});
  EXPECT_EQ((**answer).error().code, StreamError::kNoSuchStream);
}

TEST_F(ReshapeEngine, CountsShardsAgainstTheLimits) {
  open({.shards_per_stream_max = 3, .shards_max = 8});
  make(2);
  EXPECT_TRUE(engine_->split(key_, ShardIndex(0), 7));  // 4 shards, 3 of them open
  EXPECT_EQ(engine_->split(key_, ShardIndex(1), kHalf + 7).error().code,
            StreamError::kLimitExceeded);
  EXPECT_EQ(engine_->scale(key_, 4).error().code, StreamError::kLimitExceeded);
  EXPECT_EQ(engine_->scale(key_, 0).error().code, StreamError::kInvalid);
  EXPECT_TRUE(engine_->merge(key_, ShardIndex(2), ShardIndex(3)));  // 5
  EXPECT_TRUE(engine_->merge(key_, ShardIndex(4), ShardIndex(1)));  // 6
  EXPECT_TRUE(engine_->scale(key_, 2));                             // 8
  EXPECT_EQ(engine_->scale(key_, 1).error().code, StreamError::kLimitExceeded);
  const StreamKey missing{"000000000000", "us-east-1", "missing"};
  EXPECT_EQ(engine_->split(missing, ShardIndex(0), 7).error().code, StreamError::kNoSuchStream);
}

// A commit that seemed to fail and did not: records went on into the parent. A repair that gave up
// the newest records: there are fewer.
TEST_F(ReshapeEngine, AClosedShardEndsWhereItsRecordsEnd) {
  put(make(1), {"0a"});
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), kHalf));
  for (const char* closed_at : {"1", "9"}) {
    engine_.reset();
    execute(std::string("UPDATE streams_shards SET closed_at = ") + closed_at + " WHERE shard = 0");
    open();
    EXPECT_THAT(data(0), ElementsAre("0a"));
    EXPECT_EQ(now()->shards[0].closed_at, Index(2));
  }
}

// Puts of four threads over the real journal, while shards split, merge and scale.
TEST(ReshapeThreads, NothingIsLostOrDoubledAndOrderHolds) {
  const auto folder = std::filesystem::path(testing::TempDir()) /
                      ("reshape-" + std::to_string(base::system_random().next()));
  std::filesystem::create_directories(folder);
  journal::JournalOptions options;
  options.env = &base::posix_env();
  options.clock = &base::system_clock();
  options.folder = folder / "journal";
  options.file_bytes = 4 << 20;
  options.reserve_bytes = 4096;
  auto journal = journal::open_journal(options);
  ASSERT_TRUE(journal) << journal.error().message;
  auto opened =
      Engine::open(folder / "meta.db", **journal, base::system_clock(), base::system_random());
  ASSERT_TRUE(opened);
  Engine& engine = **opened;
  const StreamKey key{"000000000000", "us-east-1", "s"};
  const StreamRef first = *engine.create({key, StreamMode::kProvisioned, 2});

  constexpr int kThreads = 4;
  std::atomic<bool> stop{false};
  std::array<std::map<std::string, std::string>, kThreads> acknowledged;  // number -> data
  std::array<int, kThreads> sent{};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        while (!stop) {
          const std::string partition_key = std::to_string(t);
          const std::string text = partition_key + "-" + std::to_string(sent[t]++);
          std::promise<StreamResult<std::vector<PutResult>>> answer;
          engine.append(first, {{partition_key, text, std::nullopt}}, std::nullopt,
                        [&](auto result) { answer.set_value(std::move(result)); });
          const auto result = answer.get_future().get();
          ASSERT_TRUE(result) << result.error().message;
          acknowledged[t][result->front().sequence_number.to_string()] = text;
        }
      });
    }
    for (const int count : {4, 3, 6, 1, 2, 5, 10, 2}) {
      const auto scaled = engine.scale(key, count);
      EXPECT_TRUE(scaled) << scaled.error().message;
    }
    stop = true;
  }
  const StreamRef last = *engine.find(key);
  expect_sound(*last);
  std::map<std::string, std::string> there;
  for (const Shard& shard : last->shards) {
    const auto page = engine.read(last, shard.index, Index(0), SequenceNumber::kMaxIndex, {});
    ASSERT_TRUE(page);
    for (const auto& record : page->records)
      EXPECT_TRUE(there.emplace(record.sequence_number.to_string(), record.data).second);
  }
  std::map<std::string, std::string> all;
  for (int t = 0; t < kThreads; ++t) {
    // One key's puts followed one another: their numbers order them, across parents and children.
    int next = 0;
    for (const auto& [number, text] : acknowledged[t])
      EXPECT_EQ(text, std::to_string(t) + "-" + std::to_string(next++));
    EXPECT_EQ(next, sent[t]);
    all.insert(acknowledged[t].begin(), acknowledged[t].end());
  }
  EXPECT_EQ(there, all);
  opened->reset();
  journal->reset();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::streams
