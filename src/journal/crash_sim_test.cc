// Simulation: a seeded workload over a disk that loses, tears and reorders what was not synced. The
// power goes off at some write, sync, rename …, also during recovery. Then: every acknowledged
// record is there once, in order, with its index; nothing that could be read was taken back; a call
// is there as a whole or not at all; a retry with its token gets the first answer.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/log.h"
#include "base/test_seeds.h"
#include "journal/test_journal.h"

namespace sluice::journal {
namespace {

struct Attempt {
  Texts texts;
  RequestToken token;
  std::optional<std::vector<AppendedRun>> answer;
  std::size_t ended = 0;  // how often `done` was called
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    disk_.random = base::SeededRandom(random_.next());
    disk_.options.file_bytes = 16 << random_.below(3) << 10;
    disk_.options.first_file_bytes = 16 << random_.below(3) << 10;
    disk_.options.spares_max = 1 + random_.below(3);
    disk_.options.open_directory_bytes_max = random_.below(2) == 0 ? 2048 : 1 << 20;
  }

  // Changes of the disk during one life of the journal.
  static constexpr std::uint64_t kChangesMax = 150;

  void run(int lives) {
    for (int life = 0; life < lives && !testing::Test::HasFailure(); ++life) {
      if (random_.below(4) != 0) disk_.faults->cut_power_at(1 + random_.below(kChangesMax));
      live();
      if (disk_.faults->is_down() || random_.below(2) == 0) disk_.lose_power();
    }
    disk_.lose_power();
    auto journal = disk_.open();
    ASSERT_NE(journal, nullptr);
    check(*journal);
  }

 private:
  void live() {
    const bool full = random_.below(8) == 0;
    disk_.faults->set_full(full);
    auto opened = disk_.try_open();
    if (!opened) {
      ASSERT_TRUE(disk_.faults->is_down() ||
                  (full && opened.error().code == JournalError::kDiskFull))
          << opened.error().message;
      disk_.faults->set_full(false);
      return;
    }
    auto& journal = **opened;
    check(journal);
    if (testing::Test::HasFailure()) return;
    release(journal);
    if (!full && random_.below(2) == 0) retry_some(journal);
    const std::uint64_t steps = random_.below(40);
    for (std::uint64_t step = 0; step < steps && !disk_.faults->is_down(); ++step) {
      const std::uint64_t calls = 1 + random_.below(4);
      for (std::uint64_t i = 0; i < calls; ++i)
        append(journal, fresh_attempt());
      journal.pump();
      disk_.clock.advance_ms(static_cast<std::int64_t>(random_.below(200)) - 50);
      if (disk_.faults->is_down()) break;
      if (random_.below(16) == 0) disk_.faults->set_full(random_.below(3) == 0);
      if (random_.below(8) == 0) note_visible(journal);
      if (random_.below(10) == 0) release(journal);
    }
    disk_.faults->set_full(false);
    if (random_.below(2) == 0 || disk_.faults->is_down()) journal.close();
    // Otherwise the destructor closes, and the next life sees a sealed file; a killed process is
    // the same as a power cut in which all was kept.
    opened->reset();
    for (const auto& attempt : attempts_)
      EXPECT_EQ(attempt->ended, 1U) << "every call is answered once";
  }

  Attempt& fresh_attempt() {
    auto attempt = std::make_unique<Attempt>();
    attempt->token.digest = random_.next();
    const std::uint64_t runs = 1 + random_.below(3);
    std::set<std::uint64_t> lanes;
    while (lanes.size() < runs)
      lanes.insert(1 + random_.below(5));
    for (const auto lane : lanes) {
      std::vector<std::string> data;
      const std::uint64_t records = 1 + random_.below(4);
      for (std::uint64_t i = 0; i < records; ++i) {
        const std::size_t size = random_.below(5) == 0 ? random_.below(900) : 5;
        ++texts_;
        data.push_back(
            fmt::format("{}-{}", texts_, std::string(size, static_cast<char>('a' + texts_ % 26))));
      }
      attempt->texts.emplace_back(LaneId(static_cast<std::uint32_t>(lane)), std::move(data));
    }
    attempts_.push_back(std::move(attempt));
    return *attempts_.back();
  }

  void append(JournalEngine& journal, Attempt& attempt) {
    const TestRuns runs(attempt.texts);
    journal.append(runs.get(), attempt.token, [this, &attempt](TestDisk::Answer answer) {
      ++attempt.ended;
      if (!answer) return;
      attempt.answer = std::move(*answer);
      ASSERT_EQ(attempt.answer->size(), attempt.texts.size());
      for (std::size_t i = 0; i < attempt.texts.size(); ++i) {
        const auto& run = (*attempt.answer)[i];
        const auto& [lane, data] = attempt.texts[i];
        EXPECT_EQ(run.lane, lane);
        ASSERT_EQ(run.count, data.size());
        for (std::size_t at = 0; at < data.size(); ++at)
          note(lane, run.first() + at, data[at]);
      }
    });
  }

  // From now on this record must be there.
  void note(LaneId lane, std::uint64_t index, const std::string& data) {
    const auto [at, fresh] = promised_[lane].emplace(index, data);
    EXPECT_EQ(at->second, data) << "lane " << lane() << " index " << index;
  }

  static std::map<std::uint64_t, StoredRecord> all_of(JournalEngine& journal, LaneId lane) {
    std::map<std::uint64_t, StoredRecord> out;
    Index from(0);
    for (;;) {
      const auto page =
          journal.read(lane, from, Index(~std::uint64_t{0}), {.records_max = 7, .bytes_max = 2000});
      if (!page) {
        EXPECT_EQ(page.error().code, JournalError::kUnknownLane) << page.error().message;
        return out;
      }
      for (const auto& record : page->records)
        out.emplace(record.index(), record);
      if (page->records.empty()) return out;
      from = page->next;
    }
  }

  void note_visible(JournalEngine& journal) {
    for (std::uint32_t lane = 1; lane <= 5; ++lane) {
      for (const auto& [index, record] : all_of(journal, LaneId(lane)))
        note(LaneId(lane), index, record.data);
    }
  }

  void release(JournalEngine& journal) {
    for (std::uint32_t lane = 1; lane <= 5; ++lane) {
      const auto bounds = journal.bounds(LaneId(lane));
      auto& released = released_[LaneId(lane)];
      if (random_.below(2) == 0 && bounds.end() > bounds.first())
        released =
            std::max(released, bounds.first() + random_.below(bounds.end() - bounds.first()));
      journal.release(LaneId(lane), Index(released));
    }
  }

  // Every record once, in order, with its index; calls whole; times never go back.
  void check(JournalEngine& journal) {
    std::map<std::string, std::uint64_t> places;  // of each text
    for (std::uint32_t number = 1; number <= 5; ++number) {
      const LaneId lane(number);
      const auto there = all_of(journal, lane);
      std::int64_t arrival_ms = 0;
      for (const auto& [index, record] : there) {
        EXPECT_TRUE(places.emplace(record.data, index).second) << record.data << " is there twice";
        EXPECT_EQ(record.partition_key, "key-" + record.data);
        EXPECT_GE(record.arrival_ms, arrival_ms);
        arrival_ms = record.arrival_ms;
      }
      for (const auto& [index, data] : promised_[lane]) {
        const auto at = there.find(index);
        if (at == there.end()) {
          EXPECT_LT(index, released_[lane]) << "lane " << number << " lost " << data;
        } else {
          EXPECT_EQ(at->second.data, data);
        }
      }
      const auto bounds = journal.bounds(lane);
      EXPECT_EQ(there.empty() ? bounds.end() : there.begin()->first, bounds.first());
      if (!there.empty()) {
        EXPECT_EQ(there.rbegin()->first + 1, bounds.end());
      }
    }
    for (const auto& attempt : attempts_) {
      std::size_t present = 0;
      std::size_t possible = 0;
      for (const auto& [lane, data] : attempt->texts) {
        for (const auto& text : data) {
          ++possible;
          if (places.contains(text)) ++present;
        }
      }
      if (present == 0 || present == possible || attempt->answer) continue;
      for (const auto& [lane, data] : attempt->texts) {
        for (const auto& text : data) {
          const auto highest = released_[lane];
          EXPECT_TRUE(places.contains(text) || highest > 0) << text << ": half a call is there";
        }
      }
    }
    places_ = std::move(places);
  }

  // A client repeats calls: those that are there get the answer that fits what is there.
  void retry_some(JournalEngine& journal) {
    const std::size_t count = attempts_.size();
    for (std::size_t i = count > 6 ? count - 6 : 0; i < count; ++i) {
      Attempt& attempt = *attempts_[i];
      const bool there = places_.contains(attempt.texts.front().second.front());
      if (there == false && attempt.answer) continue;  // released: the token may be gone with it
      const auto place = there ? places_[attempt.texts.front().second.front()] : 0;
      attempt.ended = 0;
      const auto first_answer = attempt.answer;
      append(journal, attempt);
      journal.pump();
      if (disk_.faults->is_down()) return;
      if (!there) continue;
      ASSERT_TRUE(attempt.answer);
      EXPECT_EQ(attempt.answer->front().first(), place) << "a retry was written twice";
    }
  }

  base::SeededRandom random_;
  TestDisk disk_;
  std::uint64_t texts_ = 0;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::map<LaneId, std::map<std::uint64_t, std::string>> promised_;
  std::map<LaneId, std::uint64_t> released_;
  std::map<std::string, std::uint64_t> places_;
};

TEST(CrashSimulation, what_was_acknowledged_is_there) {
  base::set_log_level(base::LogLevel::kOff);
  for (std::uint64_t seed = 0; seed < base::test_seeds(200); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Simulation(seed).run(6);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::journal
