// The engine over the real journal: power cuts on a disk in memory, a restart on the real disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "base/mem_env.h"
#include "journal/journal_engine.h"
#include "streams/engine.h"
#include "streams/journal_mark.h"
#include "streams/lane_names.h"

namespace sluice::streams {
namespace {

using journal::Index;

constexpr std::int64_t kNowMs = 1'763'900'000'000;
constexpr std::int64_t kHourMs = 3'600'000;

class Folder {
 public:
  Folder()
      : path_(std::filesystem::path(testing::TempDir()) /
              ("restart-" + std::to_string(base::system_random().next()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Sequence number (as text, with its shard in it) -> data.
using Records = std::map<std::string, std::string>;

Records read_all(const Engine& engine, const StreamRef& stream, std::size_t page_records) {
  Records all;
  for (const Shard& shard : stream->shards) {
    Index next(0);
    std::string last;
    for (;;) {
      const auto page = engine.read(stream, shard.index, next, SequenceNumber::kMaxIndex,
                                    {.records_max = page_records});
      EXPECT_TRUE(page) << page.error().message;
      if (!page || page->records.empty()) break;
      for (const ReadRecord& record : page->records) {
        const std::string number = record.sequence_number.to_string();
        EXPECT_LT(last, number);
        last = number;
        EXPECT_TRUE(all.emplace(number, record.data).second);
      }
      EXPECT_GT(page->next, next);
      next = page->next;
    }
  }
  return all;
}

// One server life on a disk that can lose its power.
struct Life {
  Life(base::MemEnv& disk, const Folder& folder, base::ManualClock& clock, base::Random& random) {
    journal::JournalOptions options;
    options.env = &disk;
    options.clock = &clock;
    options.random = &random;
    options.folder = "/journal";
    options.file_bytes = 64 << 10;
    options.reserve_bytes = 4096;
    options.own_threads = false;
    auto opened = journal::open_journal(options);
    EXPECT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    auto made = Engine::open(folder.file("meta.db"), *journal, clock, random);
    EXPECT_TRUE(made) << made.error().message;
    engine = std::move(*made);
  }
  std::unique_ptr<journal::JournalEngine> journal;
  std::unique_ptr<Engine> engine;
};

class PowerCut : public testing::TestWithParam<int> {};

TEST_P(PowerCut, LosesNothingThatWasAcknowledged) {
  base::SeededRandom random(static_cast<std::uint64_t>(GetParam()));
  base::ManualClock clock(kNowMs);
  const Folder folder;
  auto disk = std::make_unique<base::MemEnv>();
  const StreamKey key{"000000000000", "us-east-1", "s"};
  Records acknowledged;
  std::set<std::string> sent;
  std::string newest;
  int counter = 0;
  for (int life_number = 0; life_number < 4; ++life_number) {
    auto life = std::make_unique<Life>(*disk, folder, clock, random);
    if (life_number == 0) {
      ASSERT_TRUE(life->engine->create({key, StreamMode::kProvisioned, 3}));
    }
    const auto stream = life->engine->find(key);
    ASSERT_TRUE(stream);
    const Records there = read_all(*life->engine, *stream, 1 + random.below(20));
    for (const auto& [number, data] : acknowledged)
      EXPECT_TRUE(there.contains(number) && there.at(number) == data) << number;
    for (const auto& [number, data] : there)
      EXPECT_TRUE(sent.contains(data)) << data;

    auto alive = std::make_shared<bool>(true);
    for (int call = 0; call < 30; ++call) {
      std::vector<std::string> texts;
      for (std::uint64_t i = 0; i <= random.below(5); ++i)
        texts.push_back(std::to_string(counter++) + std::string(random.below(3000), 'x'));
      std::vector<PutEntry> entries;
      for (const std::string& text : texts) {
        entries.push_back({text, text, std::nullopt});
        sent.insert(text);
      }
      life->engine->append(*stream, entries, std::nullopt, [&, alive, texts](auto results) {
        if (!*alive) return;
        ASSERT_TRUE(results);
        for (std::size_t i = 0; i < texts.size(); ++i)
          acknowledged[(*results)[i].sequence_number.to_string()] = texts[i];
      });
      if (random.below(3) == 0) life->journal->pump();
      clock.advance_ms(static_cast<std::int64_t>(random.below(50)));
    }
    // What was numbered before is never numbered again.
    const std::size_t numbered = acknowledged.size();
    EXPECT_GT(numbered, 0U);
    auto after = disk->after_power_cut(random);
    *alive = false;
    life.reset();
    disk = std::move(after);
  }
}

TEST(Restart, LanesAreNamedWithoutAnEngine) {
  base::SeededRandom random(1);
  base::ManualClock clock(kNowMs);
  const Folder folder;
  base::MemEnv disk;
  EXPECT_EQ(read_lane_names(folder.file("meta.db")).error().code, StreamError::kUnavailable);
  Life life(disk, folder, clock, random);
  const StreamKey key{"000000000000", "us-east-1", "s"};
  ASSERT_TRUE(life.engine->create({key, StreamMode::kProvisioned, 2}));
  const auto names = read_lane_names(folder.file("meta.db"));
  ASSERT_TRUE(names) << names.error().message;
  const auto stream = life.engine->find(key);
  ASSERT_EQ(names->size(), 2U);
  for (const auto& shard : (*stream)->shards) {
    const auto& name = names->at(shard.lane);
    EXPECT_EQ(name.stream, key);
    EXPECT_EQ(name.shard, shard.id());
    EXPECT_EQ(name.retention_hours, 24);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCut, testing::Range(1, 9));

TEST(Restart, ThreadsPutAndEverythingIsReadAgain) {
  const Folder folder;
  constexpr int kThreads = 4;
  constexpr int kPuts = 100;
  const StreamKey key{"000000000000", "us-east-1", "s"};
  Records acknowledged;
  for (int life = 0; life < 2; ++life) {
    journal::JournalOptions options;
    options.env = &base::posix_env();
    options.clock = &base::system_clock();
    options.folder = folder.file("journal");
    options.file_bytes = 1 << 20;
    options.reserve_bytes = 4096;
    auto journal = journal::open_journal(options);
    ASSERT_TRUE(journal) << journal.error().message;
    auto engine = Engine::open(folder.file("meta.db"), **journal, base::system_clock(),
                               base::system_random());
    ASSERT_TRUE(engine) << engine.error().message;
    if (life == 0) {
      ASSERT_TRUE((*engine)->create({key}));
    }
    const auto stream = (*engine)->find(key);
    ASSERT_TRUE(stream);
    EXPECT_EQ(read_all(**engine, *stream, 37), acknowledged);
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kPuts; ++i) {
          const std::string text =
              std::to_string(life) + "-" + std::to_string(t) + "-" + std::to_string(i);
          (*engine)->append(*stream, {{text, text, std::nullopt}}, std::nullopt,
                            [&mutex, &acknowledged, text](auto results) {
                              ASSERT_TRUE(results);
                              const std::lock_guard lock(mutex);
                              acknowledged[results->front().sequence_number.to_string()] = text;
                            });
        }
      });
    }
    for (std::thread& thread : threads)
      thread.join();
    (*journal)->close();  // finishes what is staged
    EXPECT_EQ(acknowledged.size(), static_cast<std::size_t>((life + 1) * kThreads * kPuts));
  }
}

// What had expired when it was still in the open file, and what a start finds anew, has its space
// given back too, though there is nothing new to write down.
TEST(Restart, SpaceOfWhatHadExpiredIsGivenBackLater) {
  for (const bool restart : {false, true}) {
    base::SeededRandom random(5);
    base::ManualClock clock(kNowMs);
    const Folder folder;
    base::MemEnv disk;
    auto life = std::make_unique<Life>(disk, folder, clock, random);
    const StreamKey idle{"000000000000", "us-east-1", "idle"};
    const StreamKey busy{"000000000000", "us-east-1", "busy"};
    const auto put = [&](const StreamKey& key, const std::string& data) {
      const auto stream = life->engine->find(key);
      ASSERT_TRUE(stream);
      life->engine->append(*stream, {{"k", data, std::nullopt}}, std::nullopt,
                           [](const auto& results) { EXPECT_TRUE(results); });
      life->journal->pump();
    };
    const auto log_files = [&] {
      const auto names = disk.list("/journal");
      return std::ranges::count_if(
          *names, [](const std::string& name) { return name.ends_with(".sluicelog"); });
    };
    ASSERT_TRUE(life->engine->create({idle, StreamMode::kProvisioned, 1}));
    ASSERT_TRUE(life->engine->create({busy, StreamMode::kProvisioned, 1}));
    put(idle, "x");
    clock.advance_ms(25 * kHourMs);
    life->engine->release_expired();
    for (int i = 0; i < 200; ++i)
      put(busy, std::string(1000, 'y'));
    EXPECT_GT(log_files(), 2);
    if (restart) {
      life.reset();
      life = std::make_unique<Life>(disk, folder, clock, random);
    }
    clock.advance_ms(25 * kHourMs);
    life->engine->release_expired();
    life->journal->pump();
    EXPECT_EQ(log_files(), 1) << (restart ? "after a restart" : "in one life");
  }
}

TEST(JournalMark, OutlivesTheEngineAndOnlyGrows) {
  const Folder folder;
  const std::string meta = folder.file("meta.db");
  EXPECT_EQ(read_journal_mark(meta)->frames, 0U);
  EXPECT_EQ(read_journal_mark(meta)->index_floor, 1U);
  base::MemEnv disk;
  base::ManualClock clock(kNowMs);
  base::SeededRandom random(3);
  std::uint64_t frames = 0;
  {
    const Life life(disk, folder, clock, random);
    ASSERT_TRUE(life.engine->note_frames());
    frames = life.journal->frames();
    EXPECT_GT(frames, 0U);
  }
  EXPECT_EQ(read_journal_mark(meta)->frames, frames);
  ASSERT_TRUE(give_up_numbers(meta, 5));
  ASSERT_TRUE(give_up_numbers(meta, 4));
  EXPECT_EQ(read_journal_mark(meta)->frames, 4U);
  {
    const Life life(disk, folder, clock, random);
    ASSERT_LT(life.journal->frames(), 4U);
    ASSERT_TRUE(life.engine->note_frames());
  }
  EXPECT_EQ(read_journal_mark(meta)->frames, 4U);
  EXPECT_EQ(read_journal_mark(meta)->index_floor, (std::uint64_t{1} << 41) + 1);
}

// Where a closed shard ends is in meta.db: the log must have as much.
TEST(JournalMark, IsNotedWhenAShardIsClosed) {
  const Folder folder;
  base::MemEnv disk;
  base::ManualClock clock(kNowMs);
  base::SeededRandom random(3);
  const Life life(disk, folder, clock, random);
  const StreamKey key{"000000000000", "us-east-1", "s"};
  ASSERT_TRUE(life.engine->create({key, StreamMode::kProvisioned, 1}));
  life.engine->append(*life.engine->find(key), {{"k", "x", std::nullopt}}, std::nullopt,
                      [](const auto& results) { EXPECT_TRUE(results); });
  ASSERT_TRUE(life.engine->split(key, ShardIndex(0), 7));
  EXPECT_GT(life.journal->frames(), 1U);
  EXPECT_EQ(read_journal_mark(folder.file("meta.db"))->frames, life.journal->frames());
}

}  // namespace
}  // namespace sluice::streams
