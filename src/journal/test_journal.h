// For the room's tests: a journal over a disk in memory, driven without threads.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fault_env.h"
#include "base/mem_env.h"
#include "journal/journal_engine.h"

namespace sluice::journal {

inline constexpr std::int64_t kTestStartMs = 1'700'000'000'000;

using Texts = std::vector<std::pair<LaneId, std::vector<std::string>>>;

// Runs of records whose data are the texts and whose keys are "key-" and the text; owns the bytes.
class TestRuns {
 public:
  explicit TestRuns(Texts texts) : texts_(std::move(texts)) {
    for (const auto& [lane, data] : texts_) {
      for (const auto& text : data)
        keys_.push_back(std::make_unique<std::string>("key-" + text));
    }
    auto key = keys_.begin();
    for (const auto& [lane, data] : texts_) {
      NewRun run{.lane = lane, .records = {}};
      for (const auto& text : data)
        run.records.push_back({.partition_key = **key++, .data = text, .explicit_hash = {}});
      runs_.push_back(std::move(run));
    }
  }
  const std::vector<NewRun>& get() const { return runs_; }

 private:
  const Texts texts_;
  std::vector<std::unique_ptr<std::string>> keys_;
  std::vector<NewRun> runs_;
};

struct TestDisk {
  using Answer = JournalResult<std::vector<AppendedRun>>;

  std::unique_ptr<base::MemEnv> disk = std::make_unique<base::MemEnv>();
  base::SeededRandom random{1};
  std::unique_ptr<base::FaultEnv> faults = std::make_unique<base::FaultEnv>(*disk, random);
  base::ManualClock clock{kTestStartMs};
  JournalOptions options = default_options();

  static JournalOptions default_options() {
    JournalOptions options;
    options.folder = "/journal";
    options.file_bytes = 64 << 10;
    options.reserve_bytes = 4096;
    options.own_threads = false;
    return options;
  }

  JournalResult<std::unique_ptr<JournalEngine>> try_open() {
    options.env = faults.get();
    options.clock = &clock;
    options.random = &random;
    return open_journal(options);
  }
  std::unique_ptr<JournalEngine> open() {
    auto journal = try_open();
    EXPECT_TRUE(journal.has_value()) << (journal ? "" : journal.error().message);
    return journal ? std::move(*journal) : nullptr;
  }
  // The power goes off now: the next open() sees what is left. No journal may be open.
  void lose_power() {
    disk = disk->after_power_cut(random);
    faults = std::make_unique<base::FaultEnv>(*disk, random);
  }
  // The journal's process dies; what it had synced is there.
  void kill(std::unique_ptr<JournalEngine> journal) {
    faults->cut_power_at(1);
    journal.reset();
    lose_power();
  }
  Answer put(JournalEngine& journal, const Texts& texts,
             std::optional<RequestToken> token = std::nullopt) {
    const TestRuns runs(texts);
    Answer answer = base::fail(JournalError::kFailed, "no answer");
    journal.append(runs.get(), token, [&](Answer given) { answer = std::move(given); });
    journal.pump();
    return answer;
  }
};

inline std::vector<std::string> data_of(const ReadPage& page) {
  std::vector<std::string> out;
  for (const auto& record : page.records)
    out.push_back(record.data);
  return out;
}

}  // namespace sluice::journal
