#include <gmock/gmock.h>

#include <filesystem>

#include "base/base64.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/sqlite.h"
#include "journal/fake_journal.h"
#include "streams/engine.h"

namespace sluice::streams {
namespace {

using journal::Index;
using testing::ElementsAre;

constexpr std::int64_t kNowMs = 1'763'900'000'123;
constexpr std::int64_t kHourMs = 3'600'000;

TEST(SequenceNumber, ReadsARealOneOfAws) {
  const auto n = SequenceNumber::parse("49590338271490256608559692538361571095921575989136588898");
  ASSERT_TRUE(n);
  EXPECT_EQ(n->shard_created_s / 86400, 17856);  // 2018-11-21
  EXPECT_EQ(n->index(), 1734642199U);
  EXPECT_EQ(n->arrival_s / 86400, 17882);  // 2018-12-17
  EXPECT_EQ(n->shard(), 6U);
  EXPECT_EQ(n->to_string(), "49590338271490256608559692538361571095921575989136588898");
}

TEST(SequenceNumber, ReadsBackWhatItWroteAndOrdersByCreationThenIndex) {
  base::SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    const SequenceNumber a{static_cast<std::int64_t>(random.below(std::uint64_t{1} << 36)),
                           Index(random.next() >> 1),
                           static_cast<std::int64_t>(random.below(std::uint64_t{1} << 36)),
                           ShardIndex(static_cast<std::uint32_t>(random.next()))};
    const std::string text = a.to_string();
    ASSERT_EQ(text.size(), 56U);
    const auto back = SequenceNumber::parse(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->shard_created_s, a.shard_created_s);
    EXPECT_EQ(back->index, a.index);
    EXPECT_EQ(back->arrival_s, a.arrival_s);
    EXPECT_EQ(back->shard, a.shard);
    if (a.index == SequenceNumber::kMaxIndex) continue;
    SequenceNumber later = a;
    later.index = a.index.plus(1);
    later.arrival_s = 0;
    EXPECT_LT(text, later.to_string());  // equal lengths: text order is number order
  }
}

TEST(SequenceNumber, RefusesWhatIsNotOne) {
  const std::string good =
      SequenceNumber{1'700'000'000, Index(5), 1'700'000'001, ShardIndex(3)}.to_string();
  ASSERT_TRUE(SequenceNumber::parse(good));
  EXPECT_FALSE(SequenceNumber::parse(""));
  EXPECT_FALSE(SequenceNumber::parse("0"));
  EXPECT_FALSE(SequenceNumber::parse(good.substr(1)));
  EXPECT_FALSE(SequenceNumber::parse(good + "0"));
  EXPECT_FALSE(SequenceNumber::parse("+" + good.substr(1)));
  EXPECT_FALSE(SequenceNumber::parse(std::string(56, '9')));
  EXPECT_FALSE(SequenceNumber::parse(std::string(56, '0')));
  std::string other_version = good;  // the last digit carries the version nibble
  other_version.back() = other_version.back() == '0' ? '1' : '0';
  EXPECT_FALSE(SequenceNumber::parse(other_version));
}

TEST(HashRanges, TileTheSpaceForEveryCount) {
  for (std::uint32_t count = 1; count < 1200; ++count) {
    const auto ranges = equal_hash_ranges(count);
    ASSERT_EQ(ranges.size(), count);
    EXPECT_EQ(ranges.front().first, base::Uint128{0});
    EXPECT_EQ(ranges.back().last, base::kUint128Max);
    for (std::uint32_t i = 1; i < count; ++i)
      ASSERT_EQ(ranges[i].first, ranges[i - 1].last + 1);
  }
  EXPECT_EQ(base::to_decimal(equal_hash_ranges(3)[1].first),
            "113427455640312821154458202477256070485");  // floor(2^128 / 3)
  EXPECT_EQ(base::to_decimal(equal_hash_ranges(4)[1].first),
            "85070591730234615865843651857942052864");
}

TEST(ShardId, TakesTheFormsThatAwsTakes) {
  for (const char* text : {"shardId-000000000007", "shardId-7", "shard-7", "7", "0000007",
                           "shardid-7", "any_thing-7", "-7", "7-7", "a-7-b"})
    EXPECT_EQ(parse_shard_id(text), ShardIndex(7)) << text;
  for (const char* text :
       {"", "shardId-", "foo-b-7", "7x", "2.1E1", "2147483648", "shardId-99999999999999999999"})
    EXPECT_EQ(parse_shard_id(text), std::nullopt) << text;
}

TEST(Token, OpensOnlyWhatItSealed) {
  base::SeededRandom random(3);
  const TokenSealer sealer(std::string(32, 'k'), random);
  const TokenSealer other(std::string(32, 'x'), random);
  const std::string token = sealer.seal('I', "hello");
  EXPECT_EQ(sealer.open('I', token), "hello");
  EXPECT_NE(sealer.seal('I', "hello"), token);
  EXPECT_FALSE(sealer.open('L', token));
  EXPECT_FALSE(other.open('I', token));
  EXPECT_FALSE(sealer.open('I', ""));
  EXPECT_FALSE(sealer.open('I', "not base64!"));
  // Any changed bit is noticed.
  const std::string bytes = *base::base64_decode(token);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(sealer.open('I', base::base64_encode(changed))) << bit;
  }
}

TEST(Token, IteratorsFitIntoAwsLength) {
  base::SeededRandom random(3);
  const TokenSealer sealer(std::string(32, 'k'), random);
  const ShardIterator iterator{{"123456789012", "ap-southeast-1", std::string(128, 'n')},
                               "2ed6657d-e927-568b-95e1-2665a8aea6a2",
                               ShardIndex(0x7fffffff),
                               SequenceNumber::kMaxIndex,
                               kNowMs};
  const std::string token = seal_iterator(sealer, iterator);
  EXPECT_LE(token.size(), 512U);
  EXPECT_GE(token.size(), 152U);
  const auto back = open_iterator(sealer, token);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->stream, iterator.stream);
  EXPECT_EQ(back->incarnation, iterator.incarnation);
  EXPECT_EQ(back->shard, iterator.shard);
  EXPECT_EQ(back->next, iterator.next);
  EXPECT_EQ(back->made_ms, kNowMs);
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() : folder_(testing::TempDir() + "/" + unique()) {
    std::filesystem::create_directories(folder_);
    open();
  }
  ~EngineTest() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string unique() { return "streams-" + std::to_string(base::system_random().next()); }

  void open() {
    engine_.reset();
    auto engine = Engine::open(folder_ + "/meta.db", journal_, clock_, random_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }

  StreamRef make(const std::string& name, int shards) {
    auto stream = engine_->create({key(name), StreamMode::kProvisioned, shards});
    EXPECT_TRUE(stream) << stream.error().message;
    return stream ? *stream : nullptr;
  }
  static StreamKey key(const std::string& name) { return {"000000000000", "us-east-1", name}; }

  StreamResult<std::vector<PutResult>> put(const StreamRef& stream,
                                           const std::vector<PutEntry>& entries) {
    StreamResult<std::vector<PutResult>> results;
    engine_->append(stream, entries, std::nullopt, [&](auto r) { results = std::move(r); });
    return results;
  }

  std::vector<std::string> data(const StreamRef& stream, ShardIndex shard, Index from = Index(0)) {
    const auto page = engine_->read(stream, shard, from, SequenceNumber::kMaxIndex, {});
    EXPECT_TRUE(page);
    std::vector<std::string> all;
    for (const auto& record : page->records)
      all.push_back(record.data);
    return all;
  }

  const std::string folder_;
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{11};
  journal::FakeJournal journal_{clock_};
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, RoutesByMd5OrExplicitHashAndNumbersInOrder) {
  const StreamRef stream = make("s", 4);
  std::vector<PutEntry> entries;
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i)
    keys.push_back("key-" + std::to_string(i));
  for (const std::string& k : keys)
    entries.push_back({k, k, std::nullopt});
  entries.push_back({"key-0", "forced", base::kUint128Max});
  const auto results = put(stream, entries);
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), entries.size());
  std::map<ShardIndex, SequenceNumber> last;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const PutResult& r = (*results)[i];
    const Shard* shard = stream->find(r.shard);
    const base::Uint128 hash = entries[i].explicit_hash.value_or(base::md5(entries[i].data));
    if (i < keys.size()) {
      EXPECT_LE(shard->hash_first, hash);
      EXPECT_GE(shard->hash_last, hash);
    }
    EXPECT_EQ(r.sequence_number.shard, r.shard);
    if (last.contains(r.shard)) {
      EXPECT_LT(last[r.shard].to_string(), r.sequence_number.to_string());
    }
    last[r.shard] = r.sequence_number;
  }
  EXPECT_EQ(results->back().shard, ShardIndex(3));
  EXPECT_EQ(last.size(), 4U);
  // What is read is what was put, under the same numbers.
  std::size_t total = 0;
  for (const Shard& shard : stream->shards) {
    const auto page = engine_->read(stream, shard.index, Index(0), SequenceNumber::kMaxIndex, {});
    ASSERT_TRUE(page);
    total += page->records.size();
    EXPECT_EQ(page->records.back().sequence_number.to_string(), last[shard.index].to_string());
    EXPECT_EQ(page->millis_behind, 0);
    EXPECT_FALSE(page->end_of_shard);
  }
  EXPECT_EQ(total, entries.size());
}

TEST_F(EngineTest, PagesWithoutLossOrRepetition) {
  const StreamRef stream = make("s", 1);
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(put(stream, {{"k", std::to_string(i), std::nullopt}}));
  clock_.advance_ms(500);
  Index next(0);
  int expected = 0;
  for (;;) {
    const auto page =
        engine_->read(stream, ShardIndex(0), next, SequenceNumber::kMaxIndex, {.records_max = 4});
    ASSERT_TRUE(page);
    for (const auto& record : page->records)
      EXPECT_EQ(record.data, std::to_string(expected++));
    EXPECT_EQ(page->millis_behind, expected == 25 ? 0 : 500);
    next = page->next;
    if (page->records.empty()) break;
  }
  EXPECT_EQ(expected, 25);
}

TEST_F(EngineTest, SurvivesARestart) {
  const StreamRef before = make("s", 2);
  ASSERT_TRUE(engine_->change(key("s"), [](StreamSettings& s) -> StreamResult<void> {
    s.tags["team"] = "data";
    s.retention_hours = 48;
    return {};
  }));
  const auto first = put(before, {{"k", "one", std::nullopt}});
  const std::string token = engine_->tokens().seal('I', "x");
  journal_.restart();
  open();
  const auto after = engine_->find(key("s"));
  ASSERT_TRUE(after);
  EXPECT_EQ((*after)->incarnation, before->incarnation);
  EXPECT_EQ((*after)->created_ms, before->created_ms);
  EXPECT_EQ((*after)->settings.retention_hours, 48);
  EXPECT_EQ((*after)->settings.tags.at("team"), "data");
  EXPECT_EQ((*after)->settings.mode, StreamMode::kProvisioned);
  ASSERT_EQ((*after)->shards.size(), 2U);
  EXPECT_EQ((*after)->shards[1].lane, before->shards[1].lane);
  EXPECT_EQ((*after)->shards[1].hash_first, before->shards[1].hash_first);
  EXPECT_EQ(engine_->tokens().open('I', token), "x");
  const auto second = put(*after, {{"k", "two", std::nullopt}});
  EXPECT_LT(first->front().sequence_number.to_string(),
            second->front().sequence_number.to_string());
  EXPECT_THAT(data(*after, second->front().shard), ElementsAre("one", "two"));
}

TEST_F(EngineTest, KeepsAccountsAndRegionsApart) {
  make("s", 1);
  ASSERT_TRUE(engine_->create({{"000000000000", "eu-west-1", "s"}}));
  ASSERT_TRUE(engine_->create({{"111122223333", "us-east-1", "s"}}));
  const auto again = engine_->create({key("s")});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, StreamError::kExists);
  EXPECT_EQ(engine_->list("000000000000", "us-east-1", "", 10).size(), 1U);
  EXPECT_EQ(engine_->list("000000000000", "us-west-2", "", 10).size(), 0U);
}

TEST_F(EngineTest, ListsByNameInPages) {
  for (const char* name : {"c", "a", "b", "d"})
    make(name, 1);
  std::vector<std::string> names;
  for (const StreamRef& s : engine_->list("000000000000", "us-east-1", "a", 2))
    names.push_back(s->key.name);
  EXPECT_THAT(names, ElementsAre("b", "c"));
}

TEST_F(EngineTest, ShowsWhatIsPassing) {
  journal::FakeJournal empty(clock_);
  auto opened = Engine::open(":memory:", empty, clock_, random_, {.transition_ms = 500});
  ASSERT_TRUE(opened);
  Engine& engine = **opened;
  const auto status = [&](const char* name) { return engine.status(**engine.describe(key(name))); };
  const auto names = [&](std::size_t count) {
    std::string all;
    for (const StreamRef& stream : engine.list("000000000000", "us-east-1", "a", count))
      all += stream->key.name;
    return all;
  };
  for (const char* name : {"a", "b", "c", "d"})
    ASSERT_TRUE(engine.create({key(name)}));
  EXPECT_EQ(status("b"), StreamStatus::kCreating);
  clock_.advance_ms(500);
  EXPECT_EQ(status("b"), StreamStatus::kActive);
  ASSERT_TRUE(engine.split(key("b"), ShardIndex(0), 7));
  EXPECT_EQ(status("b"), StreamStatus::kUpdating);
  ASSERT_TRUE(engine.remove(key("b")));
  EXPECT_EQ(status("b"), StreamStatus::kDeleting);
  EXPECT_FALSE(engine.find(key("b")));
  EXPECT_EQ(engine.create({key("b")}).error().code, StreamError::kExists);
  EXPECT_EQ(names(10), "bcd");
  EXPECT_EQ(names(2), "bc");
  clock_.advance_ms(499);
  EXPECT_EQ(status("b"), StreamStatus::kDeleting);
  clock_.set_ms(clock_.now_ms() + 1);
  EXPECT_FALSE(engine.describe(key("b")));
  EXPECT_EQ(names(2), "cd");
  ASSERT_TRUE(engine.create({key("b")}));
  EXPECT_EQ(names(10), "bcd");
  engine.release_expired();
  EXPECT_EQ(names(10), "bcd");
}

TEST_F(EngineTest, ARemovedStreamIsGoneAndANewOneIsAnother) {
  const StreamRef first = make("s", 2);
  const auto put_result = put(first, {{"k", "old", std::nullopt}});
  ASSERT_TRUE(engine_->remove(key("s")));
  EXPECT_EQ(journal_.lane_count(), 0U);
  EXPECT_EQ(engine_->find(key("s")).error().code, StreamError::kNoSuchStream);
  EXPECT_EQ(engine_->remove(key("s")).error().code, StreamError::kNoSuchStream);
  EXPECT_FALSE(engine_->read(first, ShardIndex(0), Index(0), SequenceNumber::kMaxIndex, {}));
  // In the same second.
  const StreamRef second = make("s", 2);
  EXPECT_NE(second->incarnation, first->incarnation);
  EXPECT_GT(second->shards[0].created_s, first->shards[0].created_s);
  EXPECT_NE(second->shards[0].lane, first->shards[0].lane);
  EXPECT_TRUE(data(second, ShardIndex(0)).empty());
  open();
  EXPECT_TRUE(engine_->find(key("s")));
}

TEST_F(EngineTest, ARemovedStreamIsRememberedForADay) {
  const auto remembered = [&] {
    auto db = base::Sqlite::open(folder_ + "/meta.db", base::Sqlite::Mode::kReadOnly);
    EXPECT_TRUE(db);
    auto rows = db->prepare("SELECT count(*) FROM streams_removed");
    EXPECT_TRUE(rows && *rows->step());
    return rows->int64(0);
  };
  const auto make_and_remove = [&](const std::string& name) {
    ASSERT_TRUE(make(name, 1));
    ASSERT_TRUE(engine_->remove(key(name)));
  };
  make_and_remove("a");
  clock_.advance_ms(24 * kHourMs);
  make_and_remove("b");
  EXPECT_EQ(remembered(), 2);
  clock_.advance_ms(1);
  make_and_remove("c");
  EXPECT_EQ(remembered(), 2) << "a is forgotten";
}

TEST_F(EngineTest, HidesExpiredRecordsToTheRecordAndReleasesThem) {
  const StreamRef stream = make("s", 1);
  ASSERT_TRUE(put(stream, {{"k", "old", std::nullopt}}));
  clock_.advance_ms(kHourMs);
  ASSERT_TRUE(put(stream, {{"k", "young", std::nullopt}}));
  clock_.set_ms(kNowMs + 24 * kHourMs);
  EXPECT_THAT(data(stream, ShardIndex(0)), ElementsAre("old", "young"));
  clock_.advance_ms(1);
  EXPECT_THAT(data(stream, ShardIndex(0)), ElementsAre("young"));
  EXPECT_EQ(engine_->bounds(stream, ShardIndex(0))->first, Index(2));
  EXPECT_EQ(engine_->seek(stream, ShardIndex(0), 0), Index(2));
  EXPECT_EQ(journal_.released(stream->shards[0].lane), Index(0));
  engine_->release_expired();
  EXPECT_EQ(journal_.released(stream->shards[0].lane), Index(2));
  clock_.advance_ms(2 * kHourMs);
  EXPECT_TRUE(data(stream, ShardIndex(0)).empty());
  const auto bounds = engine_->bounds(stream, ShardIndex(0));
  EXPECT_EQ(bounds->first, bounds->end);
}

TEST_F(EngineTest, TellsJournalFailuresApart) {
  const StreamRef stream = make("s", 1);
  const std::vector<std::pair<journal::JournalError, StreamError>> table = {
      {journal::JournalError::kOverloaded, StreamError::kThrottled},
      {journal::JournalError::kTooLarge, StreamError::kInvalid},
      {journal::JournalError::kDiskFull, StreamError::kUnavailable},
      {journal::JournalError::kFailed, StreamError::kUnavailable}};
  for (const auto& [from, to] : table) {
    journal_.fail_with(from);
    const auto result = put(stream, {{"k", "x", std::nullopt}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, to);
  }
  EXPECT_EQ(engine_->bounds(stream, ShardIndex(7)).error().code, StreamError::kNoSuchShard);
}

TEST_F(EngineTest, LimitsShards) {
  EngineOptions options;
  options.shards_per_stream_max = 5;
  options.shards_max = 6;
  journal::FakeJournal empty(clock_);
  auto engine = Engine::open(":memory:", empty, clock_, random_, options);
  ASSERT_TRUE(engine);
  EXPECT_EQ((*engine)->create({key("a"), StreamMode::kProvisioned, 6}).error().code,
            StreamError::kLimitExceeded);
  EXPECT_TRUE((*engine)->create({key("a"), StreamMode::kProvisioned, 5}));
  EXPECT_EQ((*engine)->create({key("b"), StreamMode::kProvisioned, 2}).error().code,
            StreamError::kLimitExceeded);
  EXPECT_TRUE((*engine)->remove(key("a")));
  EXPECT_TRUE((*engine)->create({key("b"), StreamMode::kProvisioned, 2}));
  EXPECT_EQ((*engine)->create({key("c"), StreamMode::kProvisioned, 0}).error().code,
            StreamError::kInvalid);
}

TEST_F(EngineTest, DropsLanesOfRemovedStreamsButNeverThoseItDoesNotKnow) {
  const StreamRef gone = make("gone", 1);
  const StreamRef kept = make("kept", 1);
  ASSERT_TRUE(put(gone, {{"k", "x", std::nullopt}}));
  ASSERT_TRUE(put(kept, {{"k", "x", std::nullopt}}));
  ASSERT_TRUE(engine_->remove(key("gone")));
  // As if the process had stopped between the row and the lane.
  journal_.append({{gone->shards[0].lane, {{"k", "x", std::nullopt}}}}, std::nullopt, [](auto) {});
  ASSERT_EQ(journal_.lane_count(), 2U);
  open();
  EXPECT_THAT(journal_.lanes(), ElementsAre(kept->shards[0].lane));
  auto lost = Engine::open(":memory:", journal_, clock_, random_);
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().message, testing::HasSubstr("does not belong to this journal"));
  EXPECT_EQ(journal_.lane_count(), 1U);
}

TEST_F(EngineTest, RefusesAMetadataFileOfAnotherSchema) {
  {
    auto db = base::Sqlite::open(folder_ + "/other.db", base::Sqlite::Mode::kMetadata);
    ASSERT_TRUE(
        db->execute("CREATE TABLE streams_meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) "
                    "WITHOUT ROWID; INSERT INTO streams_meta VALUES ('schema', '9')"));
  }
  auto engine = Engine::open(folder_ + "/other.db", journal_, clock_, random_);
  ASSERT_FALSE(engine);
  EXPECT_THAT(engine.error().message, testing::HasSubstr("schema '9'"));
}

}  // namespace
}  // namespace sluice::streams
