// A journal in memory, for tests of the rooms above: everything is durable at once, completions run
// inside append(). A test may hold completions back, fail the next appends, or pretend a restart.
// Thread-safe.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"

namespace sluice::journal {

class FakeJournal final : public Journal {
 public:
  explicit FakeJournal(base::Clock& clock) : clock_(clock) {}

  void append(std::vector<NewRun> runs, std::optional<RequestToken> token,
              AppendDone done) override {
    std::unique_lock lock(mutex_);
    if (failure_) {
      const JournalError code = *failure_;
      lock.unlock();
      done(base::fail(code, "the fake journal was told to fail"));
      return;
    }
    if (token) {
      if (const auto seen = replies_.find(token->digest); seen != replies_.end()) {
        auto answer = seen->second;
        lock.unlock();
        done(std::move(answer));
        return;
      }
    }
    std::vector<AppendedRun> answer;
    for (const NewRun& run : runs)
      answer.push_back(store(run));
    ++frames_;
    if (token) replies_[token->digest] = answer;
    if (hold_) {
      held_.push_back([done = std::move(done), answer] { done(answer); });
      return;
    }
    lock.unlock();
    done(std::move(answer));
  }

  JournalResult<void> flush() override {
    if (during_flush) during_flush();
    complete_held();
    const std::lock_guard lock(mutex_);
    if (failure_) return base::fail(*failure_, "the fake journal was told to fail");
    return {};
  }

  JournalResult<ReadPage> read(LaneId lane, Index from, Index below,
                               ReadLimits limits) const override {
    const std::lock_guard lock(mutex_);
    ReadPage page;
    page.next = from;
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return base::fail(JournalError::kUnknownLane, "no such lane");
    const Lane& in = found->second;
    std::size_t bytes = 0;
    for (const StoredRecord& record : in.records) {
      if (record.index < from || record.index < in.released) continue;
      if (record.index >= below) break;
      const std::size_t size = record.data.size() + record.partition_key.size();
      const bool full = page.records.size() >= limits.records_max ||
                        (!page.records.empty() && bytes + size > limits.bytes_max);
      if (full) {
        page.next = page.records.back().index.plus(1);
        return page;
      }
      bytes += size;
      page.records.push_back(record);
    }
    page.next = std::max(from, std::min(below, Index(in.end)));
    return page;
  }

  JournalResult<Index> seek(LaneId lane, std::int64_t arrival_ms) const override {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return base::fail(JournalError::kUnknownLane, "no such lane");
    for (const StoredRecord& record : found->second.records) {
      if (record.arrival_ms >= arrival_ms && record.index >= found->second.released)
        return record.index;
    }
    return Index(found->second.end);
  }

  LaneBounds bounds(LaneId lane) const override {
    const std::lock_guard lock(mutex_);
    LaneBounds bounds{Index(1), Index(1), 0};
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return bounds;
    const Lane& in = found->second;
    bounds.first = bounds.end = Index(in.end);
    for (const StoredRecord& record : in.records) {
      if (record.index < in.released) continue;
      bounds.first = record.index;
      break;
    }
    bounds.last_arrival_ms = in.last_arrival_ms;
    return bounds;
  }

  void release(LaneId lane, Index below) override {
    const std::lock_guard lock(mutex_);
    Lane& in = lanes_[lane];
    in.released = std::max(in.released, below);
  }
  void drop(LaneId lane) override {
    const std::lock_guard lock(mutex_);
    lanes_.erase(lane);
  }

  std::vector<LaneId> lanes() const override {
    const std::lock_guard lock(mutex_);
    std::vector<LaneId> ids;
    for (const auto& [id, lane] : lanes_)
      ids.push_back(id);
    return ids;
  }
  std::uint64_t frames() const override {
    const std::lock_guard lock(mutex_);
    return frames_;
  }

  // What a test does to it.
  std::function<void()> during_flush;  // what others do meanwhile
  void fail_with(std::optional<JournalError> code) {
    const std::lock_guard lock(mutex_);
    failure_ = code;
  }
  void hold(bool on) {
    const std::lock_guard lock(mutex_);
    hold_ = on;
  }
  void complete_held() {
    std::deque<std::function<void()>> ready;
    {
      const std::lock_guard lock(mutex_);
      ready.swap(held_);
    }
    for (const auto& done : ready)
      done();
  }
  // As a start does: indexes jump ahead.
  void restart() {
    const std::lock_guard lock(mutex_);
    for (auto& [id, lane] : lanes_)
      lane.next += std::uint64_t{1} << 20;
  }
  Index released(LaneId lane) const {
    const std::lock_guard lock(mutex_);
    const auto found = lanes_.find(lane);
    return found == lanes_.end() ? Index(0) : found->second.released;
  }
  std::size_t lane_count() const {
    const std::lock_guard lock(mutex_);
    return lanes_.size();
  }

 private:
  struct Lane {
    std::vector<StoredRecord> records;
    std::uint64_t next = 1;
    std::uint64_t end = 1;  // one past the newest record
    std::int64_t last_arrival_ms = 0;
    Index released{0};
  };

  AppendedRun store(const NewRun& run) {
    Lane& lane = lanes_[run.lane];
    lane.last_arrival_ms = std::max(lane.last_arrival_ms, clock_.now_ms());
    const AppendedRun answer{run.lane, Index(lane.next),
                             static_cast<std::uint32_t>(run.records.size()), lane.last_arrival_ms};
    for (const NewRecord& record : run.records) {
      lane.records.push_back({Index(lane.next++), lane.last_arrival_ms,
                              std::string(record.partition_key), std::string(record.data),
                              record.explicit_hash});
    }
    lane.end = lane.next;
    return answer;
  }

  base::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<LaneId, Lane> lanes_;
  std::uint64_t frames_ = 0;
  std::map<base::Uint128, std::vector<AppendedRun>> replies_;
  std::optional<JournalError> failure_;
  bool hold_ = false;
  std::deque<std::function<void()>> held_;
};

}  // namespace sluice::journal
