// How long a journal of many gigabytes takes to start, after a kill and after a stop, and how much
// memory its index takes: records of 1 KiB over many lanes, put by a child process that then dies
// without a word. Aims: 2 s with 10 GiB; 1 % of the data. The files are in the page cache as far as
// it goes. Usage: journal_restart_bench FOLDER [MiB 10240] [lanes 1000] [records of a call 100]
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <semaphore>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/metrics.h"
#include "journal/journal_engine.h"

namespace {

using namespace sluice;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 1024;
constexpr std::size_t kBytesInFlight = 32 << 20;  // half of what may be staged

struct Load {
  std::string folder;
  std::uint64_t bytes = 0;
  std::uint32_t lanes = 0;
  std::uint32_t call_records = 0;
};

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

journal::JournalResult<std::unique_ptr<journal::JournalEngine>> open(
    const std::string& folder, base::MetricsRegistry& metrics) {
  return journal::open_journal({.env = &base::posix_env(),
                                .clock = &base::system_clock(),
                                .metrics = &metrics,
                                .folder = folder});
}

// False: some call failed.
bool fill(journal::JournalEngine& journal, const Load& load) {
  const auto calls_in_flight = static_cast<std::ptrdiff_t>(
      std::clamp<std::size_t>(kBytesInFlight / (load.call_records * kRecordBytes), 1, 256));
  std::counting_semaphore<> free(calls_in_flight);
  std::atomic<std::uint64_t> failures{0};
  const std::string data(kRecordBytes, 'r');
  std::uint32_t lane = 0;
  for (std::uint64_t put = 0; put < load.bytes; put += load.call_records * kRecordBytes) {
    std::vector<journal::NewRun> runs(load.call_records);
    for (auto& run : runs) {
      run.lane = journal::LaneId(1 + lane++ % load.lanes);
      run.records.push_back({.partition_key = "key", .data = data, .explicit_hash = {}});
    }
    free.acquire();
    journal.append(std::move(runs), {}, [&](const auto& answer) {
      if (!answer) failures.fetch_add(1);
      free.release();
    });
  }
  for (std::ptrdiff_t i = 0; i < calls_in_flight; ++i)
    free.acquire();
  if (failures > 0) fmt::print(stderr, "{} calls failed\n", failures.load());
  return failures == 0;
}

// In a process of its own, which ends as if killed.
bool fill_and_die(const Load& load) {
  const auto begin = Steady::now();
  const pid_t child = ::fork();
  if (child == 0) {
    base::MetricsRegistry metrics;
    auto journal = open(load.folder, metrics);
    if (!journal) fmt::print(stderr, "{}\n", journal.error().message);
    ::_exit(journal && fill(**journal, load) ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return false;
  const double seconds = seconds_since(begin);
  fmt::print("{} MiB put in {:.1f} s, {:.0f} MiB/s\n", load.bytes >> 20, seconds,
             static_cast<double>(load.bytes >> 20) / seconds);
  return true;
}

bool start(const Load& load, const char* after) {
  base::MetricsRegistry metrics;
  const auto begin = Steady::now();
  auto journal = open(load.folder, metrics);
  if (!journal) {
    fmt::print(stderr, "{}\n", journal.error().message);
    return false;
  }
  const double seconds = seconds_since(begin);
  const auto index = metrics.gauge("sluice_journal_index_bytes", "").value();
  fmt::print("start after a {}: {:.3f} s (aim 2 s with 10 GiB)\n", after, seconds);
  fmt::print("index: {} files, {} bytes for {} lanes, {:.4f} % of the data (aim 1 %)\n",
             metrics.gauge("sluice_journal_files", "").value(), index, load.lanes,
             100.0 * static_cast<double>(index) / static_cast<double>(load.bytes));
  return true;
}

std::uint64_t number(int count, char** arguments, int at, std::uint64_t standard) {
  if (at >= count) return standard;
  const std::string_view text = arguments[at];
  std::uint64_t value = standard;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fmt::print(stderr, "usage: journal_restart_bench FOLDER [MiB] [lanes] [records of a call]\n");
    return 2;
  }
  const Load load{.folder = base::join_path(arguments[1], "journal_restart_bench"),
                  .bytes = number(count, arguments, 2, 10240) << 20,
                  .lanes = static_cast<std::uint32_t>(number(count, arguments, 3, 1000)),
                  .call_records = static_cast<std::uint32_t>(number(count, arguments, 4, 100))};
  bool ok = load.lanes > 0 && load.call_records > 0 && fill_and_die(load);
  ok = ok && start(load, "kill");
  ok = ok && start(load, "stop");
  const auto removed = base::posix_env().remove_all(load.folder);
  return ok && removed ? 0 : 1;
}
