// The journal through its door, over a disk in memory, driven step by step.
#include "journal/journal.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <future>
#include <thread>

#include "base/log.h"
#include "journal/test_journal.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Journal, gives_back_what_was_put) {
  TestDisk disk;
  auto journal = disk.open();
  const auto put = disk.put(*journal, {{LaneId(7), {"a", "bb", ""}}});
  ASSERT_TRUE(put) << put.error().message;
  ASSERT_EQ(put->size(), 1U);
  EXPECT_EQ(put->front().first, Index(1));
  EXPECT_EQ(put->front().count, 3U);
  EXPECT_EQ(put->front().arrival_ms, disk.clock.now_ms());
  const auto page = journal->read(LaneId(7), Index(0), Index(100), {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(data_of(*page), ElementsAre("a", "bb", ""));
  EXPECT_EQ(page->records[1].partition_key, "key-bb");
  EXPECT_EQ(page->records[1].index, Index(2));
  EXPECT_EQ(page->next, Index(4));
}

std::vector<std::string> read_all(const Journal& journal, LaneId lane) {
  const auto page = journal.read(lane, Index(0), Index(~std::uint64_t{0}), {});
  EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
  return page ? data_of(*page) : std::vector<std::string>();
}

std::string log_path(int number) {
  return fmt::format("/journal/{:016}.sluicelog", number);
}

// Where the text is in a file of the disk.
std::uint64_t offset_of(base::Env& env, const std::string& path, std::string_view text) {
  const auto bytes = base::read_file(env, path);
  EXPECT_TRUE(bytes.has_value());
  const auto at = bytes ? bytes->find(text) : std::string::npos;
  EXPECT_NE(at, std::string::npos) << text;
  return at;
}

class QuietLog : public testing::Environment {
 public:
  void SetUp() override { base::set_log_level(base::LogLevel::kOff); }
};
const auto* const kQuiet = testing::AddGlobalTestEnvironment(new QuietLog);

TEST(Journal, reads_pages_ranges_and_explicit_hashes) {
  TestDisk disk;
  auto journal = disk.open();
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) {
    texts.push_back(fmt::format("r{:03}-{}", i, std::string(700, 'x')));
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {texts.back()}}, {LaneId(2), {"other"}}}));
  }
  EXPECT_EQ(read_all(*journal, LaneId(1)), texts);  // over several files
  auto page = journal->read(LaneId(1), Index(10), Index(13), {});
  EXPECT_THAT(data_of(*page), ElementsAre(texts[9], texts[10], texts[11]));
  EXPECT_EQ(page->next, Index(13));
  page = journal->read(LaneId(1), Index(10), Index(50), {.records_max = 2, .bytes_max = 1 << 20});
  EXPECT_THAT(data_of(*page), ElementsAre(texts[9], texts[10]));
  EXPECT_EQ(page->next, Index(12));
  page = journal->read(LaneId(1), Index(10), Index(50), {.records_max = 9, .bytes_max = 1});
  EXPECT_THAT(data_of(*page), ElementsAre(texts[9]));
  page = journal->read(LaneId(1), Index(101), Index(500), {});
  EXPECT_THAT(page->records, IsEmpty());
  EXPECT_EQ(page->next, Index(101));
  EXPECT_EQ(journal->read(LaneId(9), Index(1), Index(5), {}).error().code,
            JournalError::kUnknownLane);
  EXPECT_EQ(journal->bounds(LaneId(9)).end, Index(1));
  EXPECT_THAT(journal->lanes(), ElementsAre(LaneId(1), LaneId(2)));

  bool answered = false;
  journal->append({{LaneId(3), {{"k", "d", base::make_uint128(5, 6)}}}}, {},
                  [&](const TestDisk::Answer& answer) { answered = answer.has_value(); });
  journal->pump();
  EXPECT_TRUE(answered);
  page = journal->read(LaneId(3), Index(1), Index(2), {});
  EXPECT_EQ(page->records.at(0).explicit_hash, base::make_uint128(5, 6));
}

TEST(Journal, a_long_run_is_cut_and_found_again) {
  TestDisk disk;
  disk.options.file_bytes = 2 << 20;
  auto journal = disk.open();
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i)
    texts.push_back(fmt::format("{}{}", i, std::string(9000, 'y')));
  const auto put = disk.put(*journal, {{LaneId(1), texts}}, RequestToken{42});
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(put->at(0).count, 40U);
  EXPECT_EQ(read_all(*journal, LaneId(1)), texts);
  journal.reset();
  disk.lose_power();
  journal = disk.open();
  const auto again = disk.put(*journal, {{LaneId(1), texts}}, RequestToken{42});
  EXPECT_EQ(again->at(0).count, 40U);
  EXPECT_EQ(again->at(0).first, Index(1));
  EXPECT_EQ(read_all(*journal, LaneId(1)), texts);
}

TEST(Journal, seeks_by_arrival_and_times_never_go_back) {
  TestDisk disk;
  auto journal = disk.open();
  for (int i = 0; i < 200; ++i) {
    disk.clock.set_ms(kTestStartMs + i * 10);
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {std::string(500, 'z'), "b"}}}));
  }
  EXPECT_EQ(*journal->seek(LaneId(1), 0), Index(1));
  EXPECT_EQ(*journal->seek(LaneId(1), kTestStartMs + 1), Index(3));
  EXPECT_EQ(*journal->seek(LaneId(1), kTestStartMs + 1000), Index(201));
  EXPECT_EQ(*journal->seek(LaneId(1), kTestStartMs + 1990), Index(399));
  EXPECT_EQ(*journal->seek(LaneId(1), kTestStartMs + 1991), Index(401));
  disk.clock.set_ms(5);
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"x"}}})->at(0).arrival_ms, kTestStartMs + 1990);
  EXPECT_EQ(disk.put(*journal, {{LaneId(2), {"x"}}})->at(0).arrival_ms, 5);
}

TEST(Journal, a_crash_skips_numbers_and_keeps_records) {
  TestDisk disk;
  disk.options.index_skip = 1000;
  auto journal = disk.open();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"a", "b"}}}));
  disk.kill(std::move(journal));
  journal = disk.open();
  EXPECT_EQ(journal->bounds(LaneId(1)).end, Index(3));
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"c"}}})->at(0).first, Index(1003));
  const auto page = journal->read(LaneId(1), Index(3), Index(5000), {});
  EXPECT_THAT(data_of(*page), ElementsAre("c"));
  disk.kill(std::move(journal));
  journal = disk.open();
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"d"}}})->at(0).first, Index(2004));
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a", "b", "c", "d"));
}

TEST(Journal, goes_on_in_the_file_that_was_closed) {
  TestDisk disk;
  std::vector<std::string> texts;
  for (int start = 0; start < 100; ++start) {
    auto journal = disk.open();
    if (start > 0) {
      EXPECT_EQ(read_all(*journal, LaneId(1)), texts);
    }
    const auto changes = disk.faults->changes();
    journal->pump();
    if (start % 10 == 9) {  // a life without a put writes nothing
      journal.reset();
      EXPECT_EQ(disk.faults->changes(), changes);
      continue;
    }
    texts.push_back(fmt::format("text {}", start));
    const auto put = disk.put(*journal, {{LaneId(1), {texts.back()}}}, RequestToken{texts.size()});
    ASSERT_TRUE(put) << put.error().message;
    EXPECT_EQ(put->at(0).first, Index(texts.size()));
    EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"again"}}}, RequestToken{1})->at(0).first, Index(1));
    EXPECT_EQ(read_all(*journal, LaneId(1)), texts);
    if (start % 10 == 5) {
      journal.reset();
      disk.lose_power();
    }
  }
  disk.kill(disk.open());
  EXPECT_EQ(read_all(*disk.open(), LaneId(1)), texts);
  // 90 frames of 512 bytes.
  EXPECT_THAT(*disk.disk->list("/journal"),
              ElementsAre("0000000000000001.sluicelog", "lock", "reserve", "spare-2"));
}

TEST(Journal, files_grow_with_the_log) {
  TestDisk disk;
  disk.options.first_file_bytes = 16 << 10;
  disk.options.file_bytes = 128 << 10;
  auto journal = disk.open();
  EXPECT_EQ(disk.disk->stat(log_path(1))->size_bytes, 16U << 10);
  journal->pump();
  for (int i = 0; i < 400; ++i)
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {std::string(900, 'g')}}}));
  std::vector<std::uint64_t> kilobytes;
  for (int number = 1; number <= 6; ++number)
    kilobytes.push_back(disk.disk->stat(log_path(number))->size_bytes >> 10);
  EXPECT_THAT(kilobytes, ElementsAre(16, 16, 32, 64, 128, 128));
  // The next start knows how large the log is.
  disk.kill(std::move(journal));
  journal = disk.open();
  EXPECT_EQ(disk.disk->stat(log_path(9))->size_bytes >> 10, 128U);
}

TEST(Journal, a_start_without_a_spare_makes_a_small_file) {
  TestDisk disk;
  disk.options.first_file_bytes = 16 << 10;
  disk.options.awaited_file_bytes = 32 << 10;
  disk.options.file_bytes = 128 << 10;
  auto journal = disk.open();
  for (int i = 0; i < 400; ++i)
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {std::string(900, 'g')}}}));
  int newest = 1;
  while (disk.disk->stat(log_path(newest + 1)))
    ++newest;
  EXPECT_EQ(disk.disk->stat(log_path(newest))->size_bytes >> 10, 128U);
  disk.kill(std::move(journal));
  const auto names = disk.disk->list("/journal");
  for (const auto& name : *names) {
    if (!name.starts_with("spare")) continue;
    ASSERT_TRUE(disk.disk->remove("/journal/" + name));
  }
  journal = disk.open();
  EXPECT_EQ(disk.disk->stat(log_path(newest + 1))->size_bytes >> 10, 32U);
}

TEST(Journal, a_call_larger_than_the_spare_gets_a_file_that_fits) {
  TestDisk disk;
  disk.options.first_file_bytes = 16 << 10;
  disk.options.file_bytes = 1 << 20;
  auto journal = disk.open();
  journal->pump();
  const std::vector<std::string> large(4, std::string(25'000, 'l'));
  const auto put = disk.put(*journal, {{LaneId(1), large}});
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(read_all(*journal, LaneId(1)), large);
  EXPECT_EQ(disk.disk->stat(log_path(2))->size_bytes >> 10, 256U);
  // The spare that was too small does not stand in the way of the next one.
  journal->pump();
  const auto names = disk.disk->list("/journal");
  for (const auto& name : *names) {
    if (!name.starts_with("spare")) continue;
    EXPECT_EQ(disk.disk->stat("/journal/" + name)->size_bytes >> 10, 256U) << name;
  }
}

TEST(Journal, starts_on_a_full_disk_and_refuses_puts) {
  TestDisk disk;
  {
    auto journal = disk.open();
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"a"}}}));
    journal->pump();
    disk.kill(std::move(journal));
  }
  const auto remove_spares = [&] {
    const auto names = disk.disk->list("/journal");
    for (const auto& name : *names) {
      if (!name.starts_with("spare")) continue;
      ASSERT_TRUE(disk.disk->remove("/journal/" + name));
    }
  };
  remove_spares();
  disk.faults->set_full(true);
  EXPECT_EQ(disk.try_open().error().code, JournalError::kDiskFull) << "no room for the copy";
  disk.faults->set_full(false);
  disk.kill(disk.open());
  remove_spares();
  ASSERT_TRUE(disk.disk->remove(log_path(2)));  // it had not been opened yet
  disk.faults->set_full(true);
  auto journal = disk.open();
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a"));
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"b"}}}).error().code, JournalError::kDiskFull);
  disk.faults->set_full(false);
  journal->pump();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"b"}}}));
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a", "b"));
}

TEST(Journal, numbers_outlive_the_records) {
  TestDisk disk;
  disk.options.index_skip = 1000;
  auto journal = disk.open();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"a", "b"}}}));
  for (int start = 0; start < 3; ++start) {
    disk.kill(std::move(journal));
    journal = disk.open();
    journal->release(LaneId(1), Index(3));
    journal->pump();
  }
  EXPECT_EQ(journal->bounds(LaneId(1)).first, journal->bounds(LaneId(1)).end);
  EXPECT_FALSE(disk.disk->stat(log_path(1)));
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"c"}}})->at(0).first, Index(3003));
}

TEST(Journal, a_token_gets_the_first_answer_for_ten_minutes) {
  TestDisk disk;
  auto journal = disk.open();
  const RequestToken token{base::make_uint128(1, 2)};
  const auto first = disk.put(*journal, {{LaneId(2), {"a", "b"}}, {LaneId(1), {"c"}}}, token);
  ASSERT_TRUE(first);
  for (int start = 0; start < 3; ++start) {
    disk.clock.advance_ms(100'000);
    const auto again = disk.put(*journal, {{LaneId(2), {"a", "b"}}, {LaneId(1), {"c"}}}, token);
    ASSERT_TRUE(again);
    ASSERT_EQ(again->size(), 2U);
    EXPECT_EQ(again->at(0).lane, LaneId(2));
    EXPECT_EQ(again->at(0).first, first->at(0).first);
    EXPECT_EQ(again->at(0).count, 2U);
    EXPECT_EQ(again->at(1).first, first->at(1).first);
    EXPECT_EQ(again->at(1).arrival_ms, kTestStartMs);
    journal.reset();
    if (start == 1) disk.lose_power();
    journal = disk.open();
  }
  EXPECT_THAT(read_all(*journal, LaneId(2)), ElementsAre("a", "b"));
  disk.clock.set_ms(kTestStartMs + 600'000);
  EXPECT_NE(disk.put(*journal, {{LaneId(2), {"a", "b"}}}, token)->at(0).first, first->at(0).first);
}

TEST(Journal, tokens_are_bounded_by_their_runs) {
  TestDisk disk;
  base::MetricsRegistry metrics;
  disk.options.metrics = &metrics;
  disk.options.tokens_max = 9;
  auto journal = disk.open();
  const auto put = [&](int token) {
    return disk.put(*journal, {{LaneId(1), {"a"}}, {LaneId(2), {"b"}}},
                    RequestToken{static_cast<base::Uint128>(token)});
  };
  std::vector<Index> firsts;
  for (int token = 1; token <= 100; ++token) {
    firsts.push_back(put(token)->at(0).first);
    EXPECT_LE(metrics.gauge("sluice_journal_tokens", "").value(), 9);
    EXPECT_LE(metrics.gauge("sluice_journal_token_bytes", "").value(), 9 * 170);
  }
  EXPECT_EQ(metrics.gauge("sluice_journal_tokens", "").value(), 8);  // four calls
  EXPECT_EQ(put(97)->at(0).first, firsts[96]);
  EXPECT_EQ(put(96)->at(0).first, Index(101)) << "forgotten: stored again";
}

TEST(Journal, tells_its_sizes) {
  TestDisk disk;
  base::MetricsRegistry metrics;
  disk.options.metrics = &metrics;
  disk.options.staging_bytes_max = 500;
  auto journal = disk.open();
  const TestRuns runs({{LaneId(1), {std::string(400, 'm')}}});
  for (int i = 0; i < 2; ++i)
    journal->append(runs.get(), {}, [](const TestDisk::Answer&) {});
  journal->pump();
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {std::string(400, 'm')}}}));
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(journal->read(LaneId(1), Index(1), Index(2), {}));
  journal->pump();
  const auto gauge = [&](const char* name) { return metrics.gauge(name, "").value(); };
  const auto counter = [&](const char* name) { return metrics.counter(name, "").value(); };
  EXPECT_EQ(counter("sluice_journal_throttled_total"), 1U);
  EXPECT_EQ(counter("sluice_journal_records_total"), 201U);
  EXPECT_EQ(counter("sluice_journal_footer_cache_misses_total"), 1U);
  EXPECT_EQ(counter("sluice_journal_footer_cache_hits_total"), 1U);
  EXPECT_EQ(gauge("sluice_journal_staged_bytes"), 0);
  EXPECT_EQ(gauge("sluice_journal_files"), 4);
  EXPECT_EQ(gauge("sluice_journal_file_bytes"), 4 * 64 << 10);
  EXPECT_EQ(gauge("sluice_journal_spares"), 1);
  EXPECT_GT(gauge("sluice_journal_index_bytes"), 200);
  EXPECT_EQ(metrics.histogram("sluice_journal_sync_seconds", "").count(),
            counter("sluice_journal_frames_total"));
  EXPECT_EQ(metrics.histogram("sluice_journal_next_file_seconds", "").count(), 3U);
}

TEST(Journal, calls_of_one_frame_with_one_token_are_one) {
  TestDisk disk;
  auto journal = disk.open();
  const TestRuns runs({{LaneId(1), {"a"}}});
  std::vector<Index> firsts;
  for (int i = 0; i < 3; ++i) {
    journal->append(runs.get(), RequestToken{7},
                    [&](const TestDisk::Answer& answer) { firsts.push_back(answer->at(0).first); });
  }
  EXPECT_TRUE(journal->pump());
  EXPECT_THAT(firsts, ElementsAre(Index(1), Index(1), Index(1)));
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a"));
}

TEST(Journal, staging_and_requests_are_bounded) {
  TestDisk disk;
  disk.options.staging_bytes_max = 2000;
  auto journal = disk.open();
  const std::string kilobyte(1000, 'k');
  const TestRuns runs({{LaneId(1), {kilobyte}}});
  std::vector<bool> taken;
  const auto done = [&](const TestDisk::Answer& answer) {
    taken.push_back(answer.has_value());
    if (!answer) {
      EXPECT_EQ(answer.error().code, JournalError::kOverloaded);
    }
  };
  journal->append(runs.get(), {}, done);
  journal->append(runs.get(), {}, done);
  EXPECT_THAT(taken, ElementsAre(false));
  journal->pump();
  EXPECT_THAT(taken, ElementsAre(false, true));
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {std::string(40'000, 'x')}}}).error().code,
            JournalError::kTooLarge);
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {}}}).error().code, JournalError::kTooLarge);
  EXPECT_TRUE(disk.put(*journal, {{LaneId(1), {std::string(12'000, 'x')}}}));
}

TEST(Journal, keys_runs_and_lanes_are_bounded) {
  TestDisk disk;
  disk.options.file_bytes = std::uint64_t{8} << 20;
  disk.options.lanes_max = 3;
  auto journal = disk.open();
  const auto words = [&](const std::vector<NewRun>& runs) {
    std::string said = "no answer";
    journal->append(runs, {}, [&](const TestDisk::Answer& answer) {
      said = answer ? "taken" : answer.error().message;
    });
    journal->pump();
    return said;
  };
  const std::string key(65'536, 'k');
  NewRun run{.lane = LaneId(1), .records = {{}}};
  run.records[0].partition_key = std::string_view(key).substr(1);
  EXPECT_EQ(words({run}), "taken");
  run.records[0].partition_key = key;
  EXPECT_EQ(words({run}), "a partition key is longer than 65,535 bytes");
  run.records[0].partition_key = "k";
  EXPECT_EQ(words(std::vector<NewRun>(65'536, run)), "more than 65,535 runs in a request");
  EXPECT_TRUE(disk.put(*journal, {{LaneId(2), {"x"}}, {LaneId(3), {"x"}}}));
  EXPECT_EQ(disk.put(*journal, {{LaneId(4), {"x"}}}).error().code, JournalError::kOverloaded);
  EXPECT_TRUE(disk.put(*journal, {{LaneId(3), {"x"}}})) << "those that are there go on";
}

TEST(Journal, nothing_is_readable_before_its_sync) {
  TestDisk disk;
  auto journal = disk.open();
  const TestRuns runs({{LaneId(1), {"a"}}});
  journal->append(runs.get(), {}, [](const TestDisk::Answer&) {});
  EXPECT_EQ(journal->bounds(LaneId(1)).end, Index(1));
  journal->pump();
  EXPECT_EQ(journal->bounds(LaneId(1)).end, Index(2));
  const auto syncs = disk.faults->changes(base::FaultEnv::Change::kSync);
  const auto changes = disk.faults->changes();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"b"}}}));
  EXPECT_EQ(disk.faults->changes(base::FaultEnv::Change::kSync), syncs + 1);
  EXPECT_EQ(disk.faults->changes(), changes + 2) << "a put is one write and one sync";
}

TEST(Journal, stops_at_the_first_failed_sync) {
  TestDisk disk;
  std::string why;
  disk.options.on_failed = [&](const std::string& text) { why = text; };
  auto journal = disk.open();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"a"}}}));
  disk.faults->fail_change(base::FaultEnv::Change::kSync, 1, base::IoError::kOther);
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"b"}}}).error().code, JournalError::kFailed);
  EXPECT_THAT(why, testing::HasSubstr(log_path(1)));
  EXPECT_EQ(journal->failed(), why);
  const auto changes = disk.faults->changes();
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"c"}}}).error().code, JournalError::kFailed);
  journal->close();
  EXPECT_EQ(disk.faults->changes(), changes) << "nothing is tried again";
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a"));
  journal.reset();
  disk.lose_power();
  journal = disk.open();
  EXPECT_EQ(read_all(*journal, LaneId(1)).front(), "a");
}

TEST(Journal, what_a_failed_sync_left_is_not_relied_on) {
  for (std::uint64_t sync = 1; sync < 60; ++sync) {
    SCOPED_TRACE(sync);
    TestDisk disk;
    disk.random = base::SeededRandom(sync);
    disk.options.file_bytes = 16 << 10;
    auto journal = disk.open();
    std::vector<std::string> taken;
    const auto put = [&] {
      const std::string text = fmt::format("{}-{}", taken.size(), std::string(1500, 'x'));
      const bool is_taken = disk.put(*journal, {{LaneId(1), {text}}}).has_value();
      if (is_taken) taken.push_back(text);
      return is_taken;
    };
    ASSERT_TRUE(put());
    disk.faults->fail_change(base::FaultEnv::Change::kSync, sync, base::IoError::kOther);
    while (put()) {
    }
    journal.reset();
    disk.faults = std::make_unique<base::FaultEnv>(*disk.disk, disk.random);  // the machine ran on
    journal = disk.open();
    ASSERT_NE(journal, nullptr);
    const bool is_more = read_all(*journal, LaneId(1)).size() > taken.size();
    if (is_more) taken.push_back(read_all(*journal, LaneId(1)).back());
    ASSERT_TRUE(put());
    journal.reset();
    disk.lose_power();
    journal = disk.open();
    ASSERT_NE(journal, nullptr);
    EXPECT_EQ(read_all(*journal, LaneId(1)), taken);
  }
}

// Two starts fail, each at some sync of a folder, on a machine that runs on; then the power fails.
// The name that the first gave to its copy of the torn file must not be lost before the name that
// the second gave to the next file.
TEST(Journal, a_start_syncs_the_names_it_finds) {
  constexpr auto kSyncDir = base::FaultEnv::Change::kSyncDir;
  for (std::uint64_t seed = 0; seed < 800; ++seed) {
    SCOPED_TRACE(seed);
    TestDisk disk;
    disk.random = base::SeededRandom(seed);
    auto journal = disk.open();
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"a"}}}));
    disk.faults->cut_power();
    journal.reset();
    for (const std::uint64_t sync : {seed % 5, seed / 5 % 5}) {
      disk.faults = std::make_unique<base::FaultEnv>(*disk.disk, disk.random);
      disk.faults->fail_change(kSyncDir, 1 + sync, base::IoError::kOther);
      (void)disk.try_open();
    }
    disk.lose_power();
    journal = disk.open();
    ASSERT_NE(journal, nullptr);
    EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("a"));
  }
}

TEST(Journal, a_full_disk_refuses_puts_and_goes_on_when_there_is_room) {
  TestDisk disk;
  auto journal = disk.open();
  disk.faults->set_full(true);
  std::vector<std::string> taken;
  TestDisk::Answer answer;
  TestDisk::Answer last;
  base::Uint128 token = 0;
  for (int i = 0; i < 200 && answer; ++i) {
    const std::string text = fmt::format("{}-{}", i, std::string(1000, 'f'));
    answer = disk.put(*journal, {{LaneId(1), {text}}}, RequestToken{++token});
    if (!answer) continue;
    taken.push_back(text);
    last = answer;
  }
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, JournalError::kDiskFull);
  EXPECT_EQ(journal->failed(), "");
  EXPECT_EQ(read_all(*journal, LaneId(1)), taken);
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {"x"}}}).error().code, JournalError::kDiskFull);
  const std::string large(1000, 'f');
  EXPECT_EQ(disk.put(*journal, {{LaneId(1), {large}}}, RequestToken{token}).error().code,
            JournalError::kDiskFull);
  const auto repeated = disk.put(*journal, {{LaneId(1), {taken.back()}}}, RequestToken{token - 1});
  ASSERT_TRUE(repeated) << "what is stored needs no room";
  EXPECT_EQ(repeated->at(0).first, last->at(0).first);
  disk.faults->set_full(false);
  journal->pump();
  EXPECT_TRUE(disk.put(*journal, {{LaneId(1), {"x"}}}));
}

TEST(Journal, gives_space_back) {
  TestDisk disk;
  disk.options.spares_max = 2;
  auto journal = disk.open();
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1 + i % 2), {std::string(900, 's')}}}));
  const auto files = disk.disk->list("/journal")->size();
  EXPECT_GT(files, 6U);
  journal->release(LaneId(1), journal->bounds(LaneId(1)).end);
  journal->pump();
  EXPECT_GE(disk.disk->list("/journal")->size(), files) << "the other lane still needs them";
  journal->drop(LaneId(2));
  journal->pump();
  EXPECT_LE(disk.disk->list("/journal")->size(), 6U);  // open, lock, reserve, two spares
  EXPECT_EQ(journal->read(LaneId(2), Index(1), Index(9), {}).error().code,
            JournalError::kUnknownLane);
  EXPECT_EQ(disk.put(*journal, {{LaneId(2), {"late"}}}).error().code, JournalError::kUnknownLane);
  EXPECT_TRUE(disk.put(*journal, {{LaneId(1), {"on"}}}));
}

TEST(Journal, only_one_may_have_the_folder) {
  TestDisk disk;
  auto journal = disk.open();
  EXPECT_EQ(disk.try_open().error().code, JournalError::kFailed);
}

TEST(Journal, a_torn_tail_is_cut_off) {
  TestDisk disk;
  auto journal = disk.open();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"first"}}}));
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"second"}}}));
  disk.faults->cut_power_at(1);
  EXPECT_FALSE(disk.put(*journal, {{LaneId(1), {"third"}}}));
  journal.reset();
  disk.lose_power();
  ASSERT_TRUE(
      disk.disk->flip_bit(log_path(1), offset_of(*disk.disk, log_path(1), "key-second"), 3));
  journal = disk.open();
  EXPECT_THAT(read_all(*journal, LaneId(1)), ElementsAre("first"));
}

TEST(Journal, damage_in_the_middle_is_refused_with_its_place) {
  TestDisk disk;
  auto journal = disk.open();
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"first"}}}));
  ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"second"}}}));
  disk.faults->cut_power_at(1);
  journal.reset();
  disk.lose_power();
  const auto at = offset_of(*disk.disk, log_path(1), "key-first");
  ASSERT_TRUE(disk.disk->flip_bit(log_path(1), at, 0));
  const auto opened = disk.try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, JournalError::kCorrupt);
  EXPECT_THAT(opened.error().message, testing::HasSubstr(log_path(1) + " at offset 512"));
}

TEST(Journal, a_flipped_bit_is_never_served) {
  // Every bit of a small sealed file, one after another (one of each byte).
  TestDisk disk;
  disk.options.file_bytes = 16 << 10;
  {
    auto journal = disk.open();
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"one", "two"}}, {LaneId(2), {"three"}}}));
    ASSERT_TRUE(disk.put(*journal, {{LaneId(1), {"four"}}}, RequestToken{9}));
  }
  const auto good = disk.disk->copy();
  const auto size = good->stat(log_path(1))->size_bytes;
  int refused = 0;
  for (std::uint64_t at = 0; at < size; ++at) {
    disk.disk = good->copy();
    disk.faults = std::make_unique<base::FaultEnv>(*disk.disk, disk.random);
    ASSERT_TRUE(disk.disk->flip_bit(log_path(1), at, static_cast<int>(at % 8)));
    auto journal = disk.try_open();
    if (!journal) {
      EXPECT_EQ(journal.error().code, JournalError::kCorrupt) << journal.error().message;
      EXPECT_THAT(journal.error().message, testing::HasSubstr(log_path(1)));
      ++refused;
      continue;
    }
    for (const auto& [lane, texts] :
         Texts{{LaneId(1), {"one", "two", "four"}}, {LaneId(2), {"three"}}}) {
      const auto page = (*journal)->read(lane, Index(0), Index(100), {});
      if (!page) {
        EXPECT_EQ(page.error().code, JournalError::kCorrupt);
        EXPECT_THAT(page.error().message, testing::HasSubstr(log_path(1)));
        ++refused;
      } else {
        EXPECT_EQ(data_of(*page), texts) << "bit of byte " << at;
      }
    }
  }
  EXPECT_GT(refused, 300);
}

TEST(Journal, flush_returns_when_what_came_before_is_answered) {
  for (const bool own_threads : {false, true}) {
    TestDisk disk;
    disk.options.own_threads = own_threads;
    const auto journal = disk.open();
    ASSERT_TRUE(journal->flush());  // nothing is staged
    for (int i = 0; i < 20; ++i) {
      const TestRuns runs({{LaneId(1), {std::to_string(i)}}});
      std::atomic<bool> answered = false;
      journal->append(runs.get(), {}, [&](const TestDisk::Answer& answer) {
        EXPECT_TRUE(answer);
        answered = true;
      });
      ASSERT_TRUE(journal->flush());
      EXPECT_TRUE(answered);
      EXPECT_EQ(journal->bounds(LaneId(1)).end, Index(static_cast<std::uint64_t>(i) + 2));
    }
    journal->close();
    if (own_threads) {
      EXPECT_EQ(journal->flush().error().code, JournalError::kFailed);
    }
  }
}

TEST(Journal, threads_share_frames) {
  TestDisk disk;
  disk.options.own_threads = true;
  disk.options.file_bytes = 256 << 10;
  auto journal = disk.open();
  constexpr int kThreads = 8;
  constexpr int kPuts = 300;
  std::array<std::vector<AppendedRun>, kThreads> answers;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kPuts; ++i) {
          std::promise<TestDisk::Answer> promise;
          const std::string text = fmt::format("{}.{}", t, i);
          const TestRuns runs({{LaneId(1 + t % 3), {text}}});
          journal->append(runs.get(), {},
                          [&](TestDisk::Answer answer) { promise.set_value(std::move(answer)); });
          const auto answer = promise.get_future().get();
          ASSERT_TRUE(answer) << answer.error().message;
          answers[t].push_back(answer->at(0));
          const auto page = journal->read(answer->at(0).lane, answer->at(0).first,
                                          answer->at(0).first.plus(1), {});
          ASSERT_TRUE(page) << page.error().message;
          ASSERT_THAT(data_of(*page), ElementsAre(text));
        }
      });
    }
  }
  journal.reset();
  disk.lose_power();
  disk.options.own_threads = false;
  journal = disk.open();
  std::size_t total = 0;
  for (std::uint32_t lane = 1; lane <= 3; ++lane)
    total += read_all(*journal, LaneId(lane)).size();
  EXPECT_EQ(total, static_cast<std::size_t>(kThreads * kPuts));
}

}  // namespace
}  // namespace sluice::journal
