// Damage of every kind, and what repair makes of it: what can be read afterwards is what was
// written, what cannot was reported as lost, and no number is given twice.
#include "journal/repair.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "journal/format.h"
#include "journal/test_journal.h"

namespace sluice::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kLanes = 3;

std::string log_path(int number) {
  return fmt::format("/journal/{:016}.sluicelog", number);
}

using Records = std::map<std::pair<std::uint32_t, std::uint64_t>, std::string>;  // lane and index

class RepairTest : public testing::Test {
 protected:
  // Files 1 to 4 are full and sealed, 5 was open at a crash and taken over, 6 is open or closed.
  void SetUp() override {
    disk_.options.file_bytes = 16 << 10;
    disk_.options.footer_cache_bytes = 0;
    auto journal = disk_.open();
    int count = 0;
    const auto put_some = [&](int calls) {
      for (int i = 0; i < calls; ++i)
        put(*journal, ++count);
    };
    put_some(40);
    disk_.kill(std::move(journal));
    journal = disk_.open();
    put_some(2);
    journal.reset();
    disk_.lose_power();
    newest_ = 1;
    while (disk_.disk->stat(log_path(newest_ + 1)))
      ++newest_;
    ASSERT_GE(newest_, 4);
    good_ = disk_.disk->copy();
  }

  void put(JournalEngine& journal, int number) {
    Texts texts;
    for (std::uint32_t lane = 1; lane <= kLanes; ++lane) {
      if (lane == 3 && number % 4 != 0) continue;
      const std::string size(lane == 1 ? 700 : 200, 'x');
      texts.emplace_back(
          LaneId(lane), std::vector{fmt::format("{}.{}-{}", lane, number, size), std::string("s")});
    }
    const auto answer = disk_.put(journal, texts, RequestToken{static_cast<base::Uint128>(number)});
    ASSERT_TRUE(answer) << answer.error().message;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (std::size_t at = 0; at < texts[i].second.size(); ++at)
        written_[{texts[i].first(), answer->at(i).first() + at}] = texts[i].second[at];
    }
  }

  void take(std::unique_ptr<base::MemEnv> disk) {
    disk_.disk = std::move(disk);
    disk_.faults = std::make_unique<base::FaultEnv>(*disk_.disk, disk_.random);
  }

  JournalResult<RepairReport> try_repair(bool apply, bool accept_loss) {
    RepairOptions options;
    options.env = disk_.faults.get();
    options.clock = &disk_.clock;
    options.folder = "/journal";
    options.frames_known = disk_.options.frames_known;
    options.apply = apply;
    options.accept_loss = accept_loss;
    auto report = repair(options);
    // As streams::give_up_numbers() does.
    if (report && report->applied && report->numbers_unknown) {
      disk_.options.index_floor += std::uint64_t{1} << 40;
      disk_.options.frames_known = report->frames;
    }
    return report;
  }
  RepairReport run_repair(bool apply, bool accept_loss) {
    auto report = try_repair(apply, accept_loss);
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message);
    return report ? std::move(*report) : RepairReport();
  }

  static Records read_all(const JournalEngine& journal) {
    Records out;
    for (std::uint32_t lane = 1; lane <= kLanes; ++lane) {
      if (journal.bounds(LaneId(lane)).end == Index(1)) continue;
      for (Index from(1);;) {
        const auto page = journal.read(LaneId(lane), from, Index(~std::uint64_t{0}),
                                       {.records_max = 3, .bytes_max = 1 << 20});
        EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
        if (!page || page->records.empty()) break;
        for (const auto& record : page->records)
          out[{lane, record.index()}] = record.data;
        from = page->next;
      }
    }
    return out;
  }

  static bool is_lost(const RepairReport& report, std::uint32_t lane, std::uint64_t index) {
    return std::ranges::any_of(report.damaged, [&](const DamagedFile& file) {
      return std::ranges::any_of(file.lost, [&](const LostRange& range) {
        return range.lane() == lane && range.first() <= index && index < range.end();
      });
    });
  }

  // The journal starts, has what the report says, and gives no number again.
  void check_against(const RepairReport& report) {
    auto journal = disk_.open();
    ASSERT_NE(journal, nullptr);
    const Records there = read_all(*journal);
    const bool more = std::ranges::any_of(report.damaged, &DamagedFile::may_lack_more);
    for (const auto& [place, data] : written_) {
      const auto at = there.find(place);
      const bool lost = is_lost(report, place.first, place.second);
      if (at == there.end()) {
        EXPECT_TRUE(lost || more) << "lane " << place.first << " index " << place.second;
      } else {
        EXPECT_EQ(at->second, data);
        EXPECT_FALSE(lost) << "lane " << place.first << " index " << place.second << " is there";
      }
    }
    EXPECT_LE(there.size(), written_.size());
    for (std::uint32_t lane = 1; lane <= kLanes; ++lane) {
      const auto answer = disk_.put(*journal, {{LaneId(lane), {"new"}}});
      ASSERT_TRUE(answer) << answer.error().message;
      const auto last = std::prev(written_.upper_bound({lane, ~std::uint64_t{0}}));
      EXPECT_GT(answer->at(0).first(), last->first.second) << "a number was given again";
    }
  }

  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> out;
    const auto names = disk_.disk->list("/journal");
    for (const auto& name : *names)
      out[name] = base::read_file(*disk_.disk, "/journal/" + name).value_or("?");
    return out;
  }

  TestDisk disk_;
  Records written_;
  int newest_ = 0;
  std::unique_ptr<base::MemEnv> good_;
};

TEST_F(RepairTest, a_sound_journal_is_left_alone) {
  const auto before = contents();
  const auto report = run_repair(true, true);
  EXPECT_THAT(report.damaged, IsEmpty());
  EXPECT_THAT(report.absent, IsEmpty());
  EXPECT_EQ(report.files, static_cast<std::uint64_t>(newest_));
  EXPECT_FALSE(report.applied);
  EXPECT_EQ(contents(), before);
  check_against(report);
}

TEST_F(RepairTest, a_flipped_bit_costs_what_it_hit) {
  int losses = 0;
  int lossless = 0;
  for (const int number : {1, 2, newest_ - 1, newest_}) {
    const auto size = good_->stat(log_path(number))->size_bytes;
    for (std::uint64_t at = 0; at < size; at += 37) {
      SCOPED_TRACE(fmt::format("file {}, byte {}", number, at));
      take(good_->copy());
      ASSERT_TRUE(disk_.disk->flip_bit(log_path(number), at, static_cast<int>(at % 8)));
      const auto damaged = contents();
      const auto dry = run_repair(false, false);
      EXPECT_EQ(contents(), damaged) << "a dry run changes nothing";
      const auto cautious = run_repair(true, false);
      EXPECT_EQ(cautious.applied, !dry.damaged.empty() && !dry.loses());
      if (!cautious.applied) {
        EXPECT_EQ(contents(), damaged) << "nothing is given up unasked";
      }
      if (dry.loses()) {
        const auto done = run_repair(true, true);
        EXPECT_TRUE(done.applied);
        ASSERT_EQ(done.damaged.size(), 1U);
        EXPECT_EQ(base::read_file(*disk_.disk, done.damaged[0].kept_as),
                  damaged.at(done.damaged[0].path.substr(9)));
        ++losses;
      } else if (!dry.damaged.empty()) {
        ++lossless;
      }
      check_against(dry);
      EXPECT_THAT(run_repair(false, false).damaged, IsEmpty()) << "sound again";
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(losses, 100);
  EXPECT_GT(lossless, 100);
}

TEST_F(RepairTest, a_flipped_bit_in_a_file_that_was_open_at_a_crash) {
  auto journal = disk_.open();
  for (int i = 0; i < 2; ++i)
    put(*journal, 100 + i);
  const std::string last = *base::read_file(*disk_.disk, log_path(newest_));
  // The frame that a bit of could be taken for a torn one is left alone.
  const std::uint64_t end = last.find("1.101-") / format::kAlignment * format::kAlignment;
  disk_.kill(std::move(journal));
  good_ = disk_.disk->copy();
  int losses = 0;
  for (std::uint64_t at = 0; at < end; at += 7) {
    SCOPED_TRACE(fmt::format("byte {}", at));
    take(good_->copy());
    ASSERT_TRUE(disk_.disk->flip_bit(log_path(newest_), at, static_cast<int>(at % 8)));
    const auto report = run_repair(true, true);
    if (report.loses()) ++losses;
    check_against(report);
    if (HasFailure()) return;
  }
  EXPECT_GT(losses, 50);
}

TEST_F(RepairTest, a_crash_leaves_old_or_new) {
  for (const std::uint64_t at : {700U, 9'000U, 16'380U}) {  // frames, frames, footer
    bool done = false;
    for (std::uint64_t cut = 1; !done; ++cut) {
      SCOPED_TRACE(fmt::format("byte {}, cut at change {}", at, cut));
      take(good_->copy());
      ASSERT_TRUE(disk_.disk->flip_bit(log_path(2), at, 1));
      const auto dry = run_repair(false, false);
      const std::string damaged = *base::read_file(*disk_.disk, log_path(2));
      disk_.faults->cut_power_at(cut);
      const auto result = try_repair(true, true);
      done = !disk_.faults->is_down();
      disk_.lose_power();
      const bool old = base::read_file(*disk_.disk, log_path(2)) == damaged;
      if (result) {
        EXPECT_FALSE(old) << "what is done is durable";
      }
      const auto names = disk_.disk->list("/journal");
      const bool kept = std::ranges::any_of(*names, [&](const std::string& name) {
        return name.contains(".damaged") &&
               base::read_file(*disk_.disk, "/journal/" + name) == damaged;
      });
      EXPECT_TRUE(old || kept);
      const auto again = run_repair(true, true);
      EXPECT_EQ(again.damaged.empty(), !old);
      check_against(dry);
      ASSERT_LT(cut, 100U);
      if (HasFailure()) return;
    }
  }
}

TEST_F(RepairTest, a_truncated_file) {
  for (const int number : {2, newest_ - 1}) {
    for (const std::uint64_t size : {0U, 300U, 512U, 3'000U, 8'192U, 15'000U}) {
      SCOPED_TRACE(fmt::format("file {} of {} bytes", number, size));
      take(good_->copy());
      auto file = disk_.disk->open(log_path(number), base::OpenMode::kReadWrite);
      if (*(*file)->size() <= size) continue;
      ASSERT_TRUE((*file)->truncate(size));
      EXPECT_EQ(disk_.try_open().error().code, JournalError::kCorrupt);
      const auto report = run_repair(true, true);
      ASSERT_EQ(report.damaged.size(), 1U);
      EXPECT_TRUE(report.applied);
      EXPECT_EQ(report.damaged[0].frames_lost > 0, size < 12'000U) << "behind that is the footer";
      check_against(report);
    }
  }
}

// What was damaged is the last frame of a file that was open, but it is known to have been there:
// it is no torn one, and the start that refuses it leaves it for repair as it is.
TEST_F(RepairTest, the_last_frame_is_known_to_have_been_good) {
  auto journal = disk_.open();
  for (int i = 0; i < 2; ++i)
    put(*journal, 101 + i);
  disk_.options.frames_known = journal->frames();
  const std::string last = *base::read_file(*disk_.disk, log_path(newest_));
  disk_.kill(std::move(journal));
  ASSERT_TRUE(disk_.disk->flip_bit(log_path(newest_), last.find("1.102-") + 10, 1));
  const auto damaged = contents();
  const auto opened = disk_.try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, JournalError::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr(log_path(newest_) + " at offset "));
  EXPECT_TRUE(contents() == damaged) << "a start that is refused changes nothing";
  const auto report = run_repair(true, true);
  EXPECT_TRUE(report.applied);
  EXPECT_EQ(report.frames_missing, 0U);
  ASSERT_EQ(report.damaged.size(), 1U);
  ASSERT_EQ(report.damaged[0].lost.size(), 1U);
  EXPECT_EQ(report.damaged[0].lost[0].lane, LaneId(1));
  EXPECT_FALSE(report.damaged[0].may_lack_more);
  check_against(report);
}

TEST_F(RepairTest, a_file_of_zeros_is_set_aside) {
  auto file = disk_.disk->open(log_path(1), base::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write_at(0, std::string(16 << 10, '\0')));
  EXPECT_EQ(disk_.try_open().error().code, JournalError::kCorrupt);
  const auto report = run_repair(true, true);
  ASSERT_EQ(report.damaged.size(), 1U);
  EXPECT_FALSE(disk_.disk->stat(log_path(1)));
  EXPECT_TRUE(disk_.disk->stat(log_path(1) + ".damaged"));
  check_against(report);
}

TEST_F(RepairTest, a_file_that_is_not_there) {
  ASSERT_TRUE(disk_.disk->remove(log_path(2)));
  const auto report = run_repair(true, true);
  EXPECT_THAT(report.damaged, IsEmpty());
  EXPECT_FALSE(report.applied);
  ASSERT_FALSE(report.absent.empty());
  auto journal = disk_.open();
  const Records there = read_all(*journal);
  EXPECT_LT(there.size(), written_.size());
  for (const auto& [place, data] : written_) {
    if (there.contains(place)) continue;
    EXPECT_TRUE(std::ranges::any_of(report.absent, [&](const LostRange& range) {
      return range.lane() == place.first && range.first() <= place.second &&
             place.second < range.end();
    }));
  }
}

// What is there is sound: only who remembers how long the log was can tell.
TEST_F(RepairTest, the_newest_files_are_missing) {
  std::uint64_t known = 0;
  {
    auto journal = disk_.open();
    put(*journal, 50);
    known = journal->frames();
  }
  ASSERT_GT(known, 40U);
  const auto sound = disk_.disk->copy();
  for (const int kept : {0, 1, newest_ - 1}) {
    SCOPED_TRACE(kept);
    take(sound->copy());
    disk_.options.frames_known = known;
    for (int number = kept + 1; disk_.disk->stat(log_path(number)); ++number)
      ASSERT_TRUE(disk_.disk->remove(log_path(number)));
    const auto opened = disk_.try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, JournalError::kCorrupt);
    EXPECT_THAT(opened.error().message, HasSubstr("newest files are missing"));
    const auto dry = run_repair(true, false);
    EXPECT_FALSE(dry.applied);
    EXPECT_GT(dry.frames_missing, 0U);
    EXPECT_TRUE(run_repair(true, true).applied);
    auto journal = disk_.open();
    ASSERT_NE(journal, nullptr);
    for (std::uint32_t lane = 1; lane <= kLanes; ++lane) {
      const auto answer = disk_.put(*journal, {{LaneId(lane), {"new"}}});
      ASSERT_TRUE(answer) << answer.error().message;
      const auto last = std::prev(written_.upper_bound({lane, ~std::uint64_t{0}}));
      EXPECT_GT(answer->at(0).first(), last->first.second) << "a number was given again";
    }
    journal.reset();
    EXPECT_NE(disk_.open(), nullptr) << "once is enough";
  }
}

TEST_F(RepairTest, two_files_at_once_and_the_same_one_again) {
  ASSERT_TRUE(disk_.disk->flip_bit(log_path(1), 600, 1));
  ASSERT_TRUE(disk_.disk->flip_bit(log_path(2), 70, 1));
  auto report = run_repair(true, true);
  EXPECT_EQ(report.damaged.size(), 2U);
  check_against(report);
  Records left;
  {
    auto journal = disk_.open();
    left = read_all(*journal);
  }
  std::erase_if(left, [](const auto& record) { return record.second == "new"; });
  written_ = left;
  const std::string one = *base::read_file(*disk_.disk, log_path(1));
  ASSERT_TRUE(disk_.disk->flip_bit(log_path(1), one.find("key-2.5"), 1));
  report = run_repair(true, true);
  ASSERT_EQ(report.damaged.size(), 1U);
  EXPECT_EQ(report.damaged[0].kept_as, log_path(1) + ".damaged-2");
}

TEST_F(RepairTest, a_torn_tail_is_no_damage) {
  auto journal = disk_.open();
  put(*journal, 100);
  disk_.faults->cut_power_at(1);
  (void)disk_.put(*journal, {{LaneId(1), {"torn"}}});
  journal.reset();
  disk_.lose_power();
  const auto report = run_repair(true, true);
  EXPECT_THAT(report.damaged, IsEmpty());
  check_against(report);
}

TEST_F(RepairTest, needs_the_folder_for_itself) {
  auto journal = disk_.open();
  EXPECT_THAT(try_repair(false, false).error().message, HasSubstr("another process"));
  journal.reset();
  EXPECT_THAT(
      repair({.env = disk_.disk.get(), .clock = &disk_.clock, .folder = "/no"}).error().message,
      HasSubstr("there is no journal"));
}

TEST_F(RepairTest, a_file_of_another_journal_is_not_for_a_program_to_decide) {
  TestDisk other;
  other.options.file_bytes = 16 << 10;
  {
    auto journal = other.open();
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(other.put(*journal, {{LaneId(1), {std::string(2000, 'o')}}}));
  }
  const std::string foreign = *base::read_file(*other.disk, log_path(3));
  auto file = disk_.disk->open(log_path(3), base::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(0));
  ASSERT_TRUE((*file)->write_at(0, foreign));
  const auto before = contents();
  const auto report = run_repair(true, true);
  EXPECT_TRUE(report.hopeless());
  EXPECT_FALSE(report.applied);
  EXPECT_EQ(contents(), before);
}

}  // namespace
}  // namespace sluice::journal
