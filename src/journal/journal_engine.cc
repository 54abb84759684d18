#include "journal/journal_engine.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "journal/file_store.h"
#include "journal/footer.h"
#include "journal/lane_index.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/staging.h"
#include "journal/writer.h"

namespace sluice::journal {
namespace {

constexpr base::Logger kLog{"journal"};
constexpr std::uint64_t kFileBytesMin = 16 << 10;
constexpr std::chrono::seconds kRetryFullDisk{5};

class LogJournal final : public JournalEngine {
 public:
  explicit LogJournal(const JournalOptions& options)
      : options_(options),
        metrics_(options.metrics != nullptr ? *options.metrics : own_metrics_),
        staged_(metrics_.gauge("sluice_journal_staged_bytes", "Bytes waiting for their frame")),
        files_(metrics_.gauge("sluice_journal_files", "Files of the log, the open one included")),
        file_bytes_(metrics_.gauge("sluice_journal_file_bytes", "Their bytes on disk")),
        spares_(metrics_.gauge("sluice_journal_spares", "Files made ahead")),
        index_bytes_(metrics_.gauge("sluice_journal_index_bytes",
                                    "Memory of lanes, fences and the open file's directory")),
        throttled_(metrics_.counter("sluice_journal_throttled_total",
                                    "Calls refused because too many bytes wait for the disk")),
        refused_full_(metrics_.counter("sluice_journal_disk_full_total",
                                       "Calls refused because the disk is full")),
        store_(*options_.env, options_.folder,
               {.first_file_bytes = options_.first_file_bytes,
                .file_bytes = options_.file_bytes,
                .awaited_bytes = std::max(options_.awaited_file_bytes, options_.first_file_bytes),
                .reserve_bytes = options_.reserve_bytes,
                .spares_min = options_.spares_min,
                .spares_max = options_.spares_max}),
        footers_(options_.footer_cache_bytes, metrics_),
        reader_(index_, footers_),
        queue_(options_.staging_bytes_max) {}

  ~LogJournal() override { close(); }

  JournalResult<void> start();

  void append(std::vector<NewRun> runs, std::optional<RequestToken> token,
              AppendDone done) override;
  JournalResult<void> flush() override;
  JournalResult<ReadPage> read(LaneId lane, Index from, Index below,
                               ReadLimits limits) const override {
    return reader_.read(lane, from, below, limits);
  }
  JournalResult<Index> seek(LaneId lane, std::int64_t arrival_ms) const override {
    return reader_.seek(lane, arrival_ms);
  }
  LaneBounds bounds(LaneId lane) const override { return index_.bounds(lane); }
  void release(LaneId lane, Index below) override {
    index_.release(lane, below);
    wake_upkeep();
  }
  void drop(LaneId lane) override;
  std::vector<LaneId> lanes() const override;

  bool pump() override;
  std::uint64_t frames() const override { return frames_.load(std::memory_order_relaxed); }
  std::string failed() const override;
  void close() override;

 private:
  void run_journal();
  void run_upkeep();
  bool upkeep_step();
  void write(std::vector<std::unique_ptr<Call>> calls);
  void fail(const std::string& why);
  void wake_upkeep();
  void note_sizes();

  const JournalOptions options_;
  base::MetricsRegistry own_metrics_;
  base::MetricsRegistry& metrics_;
  base::Gauge& staged_;
  base::Gauge& files_;
  base::Gauge& file_bytes_;
  base::Gauge& spares_;
  base::Gauge& index_bytes_;
  base::Counter& throttled_;
  base::Counter& refused_full_;
  FileStore store_;
  LaneIndex index_;
  mutable FooterCache footers_;
  Reader reader_;
  StagingQueue queue_;
  std::unique_ptr<Writer> writer_;  // the journal thread's

  std::atomic<bool> disk_full_{false};
  std::atomic<bool> is_failed_{false};
  std::atomic<std::uint64_t> frames_{0};
  mutable std::mutex mutex_;
  std::condition_variable upkeep_wanted_;
  std::string why_failed_;
  std::vector<LaneId> drops_;  // for the journal thread
  bool upkeep_due_ = true;
  bool stop_upkeep_ = false;
  bool started_ = false;
  bool closed_ = false;
  std::thread journal_thread_;
  std::thread upkeep_thread_;
};

base::Failure<JournalError> io_failure(const base::Failure<base::IoError>& error) {
  return {error.code == base::IoError::kNoSpace ? JournalError::kDiskFull : JournalError::kFailed,
          error.message};
}

JournalResult<void> LogJournal::start() {
  auto numbers = store_.open();
  if (!numbers) return std::unexpected(io_failure(numbers.error()));
  TokenTable tokens(options_.token_window_ms, options_.tokens_max);
  auto end = recover(store_, *numbers, index_, tokens, options_.clock->now_ms(), options_);
  if (!end) return std::unexpected(end.error());
  writer_ = std::make_unique<Writer>(options_, store_, index_, std::move(tokens), std::move(*end),
                                     metrics_);
  auto begun = writer_->begin();
  if (!begun && begun.error().code == JournalError::kDiskFull) {
    const auto gave = store_.give_up_reserve();
    if (!gave) return std::unexpected(io_failure(gave.error()));
    if (*gave) begun = writer_->begin();
  }
  disk_full_ = !begun && begun.error().code == JournalError::kDiskFull;
  if (!begun && !disk_full_) return begun;
  if (disk_full_) kLog.warn("no puts until there is space: {}", begun.error().message);
  frames_ = writer_->frames();
  note_sizes();
  started_ = true;
  if (!options_.own_threads) return {};
  journal_thread_ = std::thread([this] { run_journal(); });
  upkeep_thread_ = std::thread([this] { run_upkeep(); });
  return {};
}

void LogJournal::append(std::vector<NewRun> runs, std::optional<RequestToken> token,
                        AppendDone done) {
  const auto refuse = [&](JournalError code, std::string why) {
    done(base::fail(code, std::move(why)));
  };
  if (runs.empty()) return done(std::vector<AppendedRun>());
  if (is_failed_.load(std::memory_order_relaxed)) return refuse(JournalError::kFailed, failed());
  // A repeated call needs no room: the writer knows its answer.
  if (disk_full_.load(std::memory_order_relaxed) && !token) {
    refused_full_.add();
    return refuse(JournalError::kDiskFull, "no space for another file of the journal");
  }
  const auto size = staged_size(runs, options_.request_bytes_max);
  if (!size) return done(std::unexpected(size.error()));
  if (!queue_.reserve(size->bytes)) {
    throttled_.add();
    return refuse(JournalError::kOverloaded, "too many bytes wait for the disk");
  }
  staged_.add(static_cast<std::int64_t>(size->bytes));
  auto call = stage(runs, *size, options_.clock->now_ms(), token, std::move(done));
  if (queue_.push(call)) return;
  queue_.release(size->bytes);
  staged_.add(-static_cast<std::int64_t>(size->bytes));
  call->done(base::fail(JournalError::kFailed, "the journal takes no more"));
}

// A call without runs goes through the queue behind everything that was taken before.
JournalResult<void> LogJournal::flush() {
  if (options_.own_threads) {
    const auto reached = std::make_shared<std::promise<void>>();
    auto marker = std::make_unique<Call>();
    marker->done = [reached](const auto&) { reached->set_value(); };
    if (!queue_.push(marker)) return base::fail(JournalError::kFailed, "the journal takes no more");
    reached->get_future().wait();
  } else {
    while (pump()) {
    }
  }
  if (is_failed_) return base::fail(JournalError::kFailed, failed());
  return {};
}

void LogJournal::drop(LaneId lane) {
  {
    const std::lock_guard lock(mutex_);
    drops_.push_back(lane);
  }
  index_.drop(lane);
  wake_upkeep();
}

std::vector<LaneId> LogJournal::lanes() const {
  std::vector<LaneId> out;
  for (const auto& lane : index_.lanes())
    out.emplace_back(lane.lane);
  return out;
}

void LogJournal::write(std::vector<std::unique_ptr<Call>> calls) {
  const auto has_runs = [](const auto& call) { return !call->runs.empty(); };
  const auto first_marker = std::ranges::stable_partition(calls, has_runs).begin();
  std::vector<std::unique_ptr<Call>> markers(std::make_move_iterator(first_marker),
                                             std::make_move_iterator(calls.end()));
  calls.erase(first_marker, calls.end());
  std::uint64_t bytes = 0;
  for (const auto& call : calls)
    bytes += call->bytes;
  std::vector<LaneId> drops;
  {
    const std::lock_guard lock(mutex_);
    drops = std::exchange(drops_, {});
  }
  for (const auto lane : drops)
    writer_->forget_lane(lane);
  if (is_failed_) {
    for (auto& call : calls)
      call->done(base::fail(JournalError::kFailed, failed()));
  } else {
    const auto ok = writer_->write(std::move(calls), options_.own_threads);
    disk_full_ = writer_->disk_full();
    frames_ = writer_->frames();
    if (!ok) fail(ok.error().message);
  }
  queue_.release(bytes);
  staged_.add(-static_cast<std::int64_t>(bytes));
  for (const auto& marker : markers)
    marker->done(std::vector<AppendedRun>());
  // Full: a spare that came in between must be noticed, no put will come by to do it.
  if (disk_full_ || store_.has_work()) wake_upkeep();
}

void LogJournal::run_journal() {
  for (;;) {
    auto calls = queue_.take(options_.frame_bytes_max, true);
    if (calls.empty()) return;  // closed, and nothing is left
    write(std::move(calls));
  }
}

// False: nothing more can be done now.
bool LogJournal::upkeep_step() {
  for (auto& file : index_.take_dead()) {
    kLog.info("{}: no record in it is live", file->path);
    if (auto ok = store_.retire(std::move(file)); !ok) {
      fail(ok.error().message);
      return false;
    }
  }
  note_sizes();
  if (store_.spares() > 0) disk_full_ = false;
  if (is_failed_ || !store_.has_work()) return false;
  const auto ok = store_.make_missing();
  if (ok) {
    disk_full_ = false;
    return true;
  }
  if (ok.error().code == base::IoError::kNoSpace) {
    kLog.warn("no spare file: {}", ok.error().message);
  } else {
    fail(ok.error().message);
  }
  return false;
}

void LogJournal::note_sizes() {
  files_.set(static_cast<std::int64_t>(index_.files()));
  file_bytes_.set(static_cast<std::int64_t>(index_.file_bytes()));
  spares_.set(static_cast<std::int64_t>(store_.spares()));
  index_bytes_.set(static_cast<std::int64_t>(index_.memory_bytes()));
}

void LogJournal::run_upkeep() {
  std::unique_lock lock(mutex_);
  while (!stop_upkeep_) {
    upkeep_due_ = false;
    lock.unlock();
    while (upkeep_step()) {
    }
    const bool retry = store_.has_work();
    lock.lock();
    const auto due = [this] { return stop_upkeep_ || upkeep_due_; };
    if (retry) {
      upkeep_wanted_.wait_for(lock, kRetryFullDisk, due);
    } else {
      upkeep_wanted_.wait(lock, due);
    }
  }
}

void LogJournal::wake_upkeep() {
  const std::lock_guard lock(mutex_);
  upkeep_due_ = true;
  upkeep_wanted_.notify_one();
}

bool LogJournal::pump() {
  while (upkeep_step()) {
  }
  auto calls = queue_.take(options_.frame_bytes_max, false);
  if (calls.empty()) return false;
  write(std::move(calls));
  return true;
}

void LogJournal::fail(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!why_failed_.empty()) return;
    why_failed_ = why;
  }
  is_failed_ = true;
  kLog.error("the journal stops: {}", why);
  queue_.close();
  store_.stop();
  if (options_.on_failed) options_.on_failed(why);
}

std::string LogJournal::failed() const {
  const std::lock_guard lock(mutex_);
  return why_failed_;
}

void LogJournal::close() {
  if (!started_ || std::exchange(closed_, true)) return;
  queue_.close();
  if (options_.own_threads) {
    journal_thread_.join();
    {
      const std::lock_guard lock(mutex_);
      stop_upkeep_ = true;
      upkeep_wanted_.notify_one();
    }
    upkeep_thread_.join();
  } else {
    while (pump()) {
    }
  }
  if (is_failed_) return;
  if (auto ok = writer_->close(); !ok) fail(ok.error().message);
}

}  // namespace

JournalResult<std::unique_ptr<JournalEngine>> open_journal(const JournalOptions& options) {
  JournalOptions checked = options;
  if (checked.env == nullptr || checked.clock == nullptr || checked.file_bytes < kFileBytesMin)
    return base::fail(JournalError::kFailed,
                      "the journal's options lack an env, a clock or a file "
                      "size of at least 16 KiB");
  // A file must take its opening frame, one frame and the footer for it.
  checked.file_bytes = format::align(checked.file_bytes);
  checked.first_file_bytes =
      std::clamp(format::align(checked.first_file_bytes), kFileBytesMin, checked.file_bytes);
  checked.request_bytes_max = std::min(checked.request_bytes_max, checked.file_bytes / 2);
  checked.frame_bytes_max = std::min(checked.frame_bytes_max, checked.file_bytes / 2);
  checked.lanes_max =
      std::min<std::size_t>(checked.lanes_max, checked.file_bytes / 8 / sizeof(format::LaneEntry));
  checked.spares_min = std::max<std::size_t>(checked.spares_min, 1);
  checked.spares_max = std::max(checked.spares_max, checked.spares_min);
  auto journal = std::make_unique<LogJournal>(checked);
  if (auto ok = journal->start(); !ok) return std::unexpected(ok.error());
  return journal;
}

}  // namespace sluice::journal
