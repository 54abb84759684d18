// What retention takes, and what is known of it afterwards.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "base/random.h"
#include "journal/fake_journal.h"
#include "streams/engine.h"

namespace sluice::streams {
namespace {

using journal::Index;
using testing::ElementsAre;

constexpr std::int64_t kNowMs = 1'763'900'000'123;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

class Expiry : public testing::Test {
 protected:
  Expiry() {
    std::filesystem::create_directories(folder_);
    open();
    EXPECT_TRUE(engine_->create({key_, StreamMode::kProvisioned, 1}));
  }
  ~Expiry() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open(EngineOptions options = {}) {
    engine_.reset();
    auto engine = Engine::open(folder_ / "meta.db", journal_, clock_, random_, options);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  StreamRef now() const { return *engine_->find(key_); }
  PutResult put() {
    PutResult out;
    engine_->append(now(), {{"k", "x", std::nullopt}}, std::nullopt,
                    [&](auto results) { out = results->front(); });
    return out;
  }
  std::vector<std::uint32_t> shards() const {
    std::vector<std::uint32_t> indexes;
    for (const Shard& shard : now()->shards)
      indexes.push_back(shard.index());
    return indexes;
  }
  bool lost_after(std::uint64_t index) const {
    const auto lost = engine_->lost_after(now(), ShardIndex(0), Index(index));
    EXPECT_TRUE(lost) << lost.error().message;
    return lost && *lost;
  }

  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                        ("expiry-" + std::to_string(base::system_random().next()));
  const StreamKey key_{"000000000000", "us-east-1", "s"};
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{3};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<Engine> engine_;
};

// Puts, restarts that pass over numbers, upkeep and time, in any order: what is said to be lost is
// what is.
TEST_F(Expiry, SaysWhatIsLostAcrossRestarts) {
  base::SeededRandom random(17);
  std::vector<std::pair<std::uint64_t, std::int64_t>> records;  // index, arrival
  for (int step = 0; step < 600; ++step) {
    switch (random.below(8)) {
      case 0:
        journal_.restart();
        open();
        break;
      case 1:
        engine_->release_expired();
        break;
      case 2:
        clock_.advance_ms(static_cast<std::int64_t>(random.below(12 * kHourMs)));
        break;
      default:
        records.emplace_back(put().sequence_number.index(), clock_.now_ms());
    }
    const std::int64_t oldest_ms = clock_.now_ms() - kDayMs;
    std::uint64_t newest_lost = 0;
    for (const auto& [index, arrival_ms] : records) {
      if (arrival_ms < oldest_ms) newest_lost = index;
    }
    const auto bounds = engine_->bounds(now(), ShardIndex(0));
    ASSERT_TRUE(bounds);
    for (const std::uint64_t from :
         {std::uint64_t{0}, newest_lost - (newest_lost > 0 ? 1 : 0), newest_lost, newest_lost + 1,
          bounds->first() - 1, bounds->end() - 1})
      ASSERT_EQ(lost_after(from), newest_lost > from) << "step " << step << " from " << from;
  }
}

// Where numbers were passed over a page is not empty while there are records behind them.
TEST_F(Expiry, PagesGoOnBehindMissingNumbers) {
  put();
  journal_.restart();
  open();
  clock_.advance_ms(kHourMs);
  const auto second = put().sequence_number.index;
  clock_.advance_ms(500);
  const auto read = [&](std::uint64_t from) {
    auto page = engine_->read(now(), ShardIndex(0), Index(from), SequenceNumber::kMaxIndex,
                              {.records_max = 1});
    EXPECT_TRUE(page);
    EXPECT_EQ(page->records.size(), 1U) << from;
    return *page;
  };
  const ReadPage first = read(0);
  EXPECT_EQ(first.millis_behind, kHourMs + 500);
  for (const std::uint64_t from : {first.next(), std::uint64_t{1000}, second()}) {
    const ReadPage page = read(from);
    EXPECT_EQ(page.records[0].sequence_number.index, second);
    EXPECT_EQ(page.millis_behind, 0);
    EXPECT_EQ(page.next, second.plus(1));
  }
  clock_.advance_ms(kDayMs - kHourMs);
  EXPECT_EQ(read(0).records[0].sequence_number.index, second);
}

TEST_F(Expiry, ALongerRetentionBringsBackWhatIsStillThere) {
  put();
  clock_.advance_ms(kDayMs + 1);
  put();
  engine_->release_expired();
  EXPECT_TRUE(lost_after(0));
  ASSERT_TRUE(engine_->change(key_, [](StreamSettings& settings) -> StreamResult<void> {
    settings.retention_hours = 48;
    return {};
  }));
  EXPECT_TRUE(lost_after(0));  // its space was given back
  EXPECT_FALSE(lost_after(1));
}

TEST_F(Expiry, ClosedShardsGoOnceTheirChildrenAreOlderThanTheRetention) {
  put();
  clock_.advance_ms(kHourMs);
  const std::int64_t closed_ms = clock_.now_ms();
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), 7));
  const std::int64_t children_ms = (closed_ms / 1000 + 1) * 1000;
  clock_.set_ms(children_ms + kDayMs - 1);
  engine_->release_expired();
  EXPECT_THAT(shards(), ElementsAre(0, 1, 2));
  clock_.advance_ms(1);
  engine_->release_expired();
  for (int life = 0; life < 2; ++life) {
    EXPECT_THAT(shards(), ElementsAre(1, 2));
    EXPECT_EQ(now()->open_shards(), 2);
    EXPECT_EQ(now()->shards[0].parent, ShardIndex(0));
    ASSERT_EQ(now()->gone.size(), 1U);
    EXPECT_EQ(now()->gone[0].index, ShardIndex(0));
    EXPECT_EQ(now()->gone[0].end, Index(2));
    EXPECT_EQ(journal_.lane_count(), 0U);
    EXPECT_EQ(
        engine_->read(now(), ShardIndex(0), Index(0), SequenceNumber::kMaxIndex, {}).error().code,
        StreamError::kNoSuchShard);
    open();
  }
  // Open shards stay, however old; numbers of shards are not used again.
  clock_.advance_ms(30 * kDayMs);
  engine_->release_expired();
  EXPECT_THAT(shards(), ElementsAre(1, 2));
  ASSERT_TRUE(engine_->merge(key_, ShardIndex(1), ShardIndex(2)));
  EXPECT_THAT(shards(), ElementsAre(1, 2, 3));
  EXPECT_EQ(put().shard, ShardIndex(3));
}

TEST_F(Expiry, RemembersSoManyGoneShards) {
  open({.gone_shards_max = 2});
  ASSERT_TRUE(engine_->split(key_, ShardIndex(0), 7));
  ASSERT_TRUE(engine_->merge(key_, ShardIndex(1), ShardIndex(2)));
  clock_.advance_ms(kDayMs + 3000);
  engine_->release_expired();
  for (int life = 0; life < 2; ++life) {
    EXPECT_THAT(shards(), ElementsAre(3));
    ASSERT_EQ(now()->gone.size(), 2U);
    EXPECT_EQ(now()->gone[0].index, ShardIndex(1));
    open();
  }
}

TEST_F(Expiry, WhatCannotBeWrittenDownStays) {
  put();
  clock_.advance_ms(kDayMs + 1);
  put();
  {
    auto db = base::Sqlite::open(folder_ / "meta.db", base::Sqlite::Mode::kMetadata);
    ASSERT_TRUE(
        db->execute("CREATE TRIGGER refuse BEFORE INSERT ON streams_expired "
                    "BEGIN SELECT RAISE(ABORT, 'told to fail'); END"));
  }
  engine_->release_expired();
  EXPECT_EQ(journal_.released(now()->shards[0].lane), Index(0));
  EXPECT_TRUE(lost_after(0));
}

}  // namespace
}  // namespace sluice::streams
