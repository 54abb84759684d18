// Appends of 1 KiB by many threads, each waiting for its answer, against the bare disk: the same
// number of bytes in frames of the same mean size, one writer, pwrite + fdatasync, into blocks that
// were written before. Usage: journal_bench FOLDER [threads 64] [seconds 5] [calls in flight 1]
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/env.h"
#include "base/metrics.h"
#include "journal/journal_engine.h"

namespace {

using namespace sluice;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 1024;
constexpr std::uint32_t kLanes = 64;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

struct Outcome {
  double seconds = 0;
  std::uint64_t records = 0;
  std::uint64_t failures = 0;
  std::uint64_t frames = 0;
  std::uint64_t frame_bytes = 0;
  base::MetricsRegistry metrics;
};

bool run_journal(const std::string& folder, int threads, int seconds, int in_flight, Outcome& out) {
  auto journal = journal::open_journal({.env = &base::posix_env(),
                                        .clock = &base::system_clock(),
                                        .metrics = &out.metrics,
                                        .folder = folder});
  if (!journal) {
    fmt::print(stderr, "{}\n", journal.error().message);
    return false;
  }
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> failures{0};
  auto& frames = out.metrics.counter("sluice_journal_frames_total", "");
  auto& bytes = out.metrics.counter("sluice_journal_written_bytes_total", "");
  const std::uint64_t frames_before = frames.value();
  const std::uint64_t bytes_before = bytes.value();
  const auto begin = Steady::now();
  {
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        const std::string data(kRecordBytes, static_cast<char>('a' + t % 26));
        std::counting_semaphore<> free(in_flight);
        while (seconds_since(begin) < seconds) {
          free.acquire();
          (*journal)->append({{journal::LaneId(1 + static_cast<std::uint32_t>(t) % kLanes),
                               {{.partition_key = "key", .data = data, .explicit_hash = {}}}}},
                             {}, [&](const auto& answer) {
                               (answer ? records : failures).fetch_add(1);
                               free.release();
                             });
        }
        for (int i = 0; i < in_flight; ++i)
          free.acquire();
      });
    }
  }
  out.seconds = seconds_since(begin);
  out.records = records;
  out.failures = failures;
  out.frames = frames.value() - frames_before;
  out.frame_bytes = bytes.value() - bytes_before;
  return true;
}

// Frames a second of the bare disk.
double run_raw(const std::string& path, std::uint64_t frame_bytes, double seconds) {
  constexpr std::uint64_t kFileBytes = std::uint64_t{256} << 20;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return 0;
  const std::string zeros(1 << 20, '\0');
  for (std::uint64_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (::pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) return 0;
  }
  ::fsync(fd);
  const std::string frame(frame_bytes, 'f');
  std::uint64_t frames = 0;
  std::uint64_t at = 0;
  const auto begin = Steady::now();
  while (seconds_since(begin) < seconds) {
    if (at + frame.size() > kFileBytes) at = 0;
    if (::pwrite(fd, frame.data(), frame.size(), static_cast<off_t>(at)) < 0) return 0;
    if (::fdatasync(fd) != 0) return 0;
    at += frame.size();
    ++frames;
  }
  const double rate = static_cast<double>(frames) / seconds_since(begin);
  ::close(fd);
  ::unlink(path.c_str());
  return rate;
}

int number(int count, char** arguments, int at, int standard) {
  if (at >= count) return standard;
  const std::string_view text = arguments[at];
  int value = standard;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fmt::print(stderr, "usage: journal_bench FOLDER [threads] [seconds] [calls in flight]\n");
    return 2;
  }
  const std::string folder = base::join_path(arguments[1], "journal_bench");
  const int threads = number(count, arguments, 2, 64);
  const int seconds = number(count, arguments, 3, 5);
  const int in_flight = number(count, arguments, 4, 1);
  Outcome out;
  const bool ok = run_journal(folder, threads, seconds, in_flight, out);
  if (ok && out.frames > 0 && out.failures == 0) {
    const double rate = static_cast<double>(out.records) / out.seconds;
    const double frames = static_cast<double>(out.frames) / out.seconds;
    const std::uint64_t mean = (out.frame_bytes / out.frames + 511) / 512 * 512;
    const double raw = run_raw(folder + ".raw", mean, seconds);
    fmt::print("{} threads, {} in flight each: {:.0f} records/s, {:.1f} MiB/s of frames\n", threads,
               in_flight, rate, static_cast<double>(out.frame_bytes) / out.seconds / (1 << 20));
    fmt::print("{:.0f} frames/s of {} bytes, {:.1f} records a frame\n", frames, mean,
               static_cast<double>(out.records) / static_cast<double>(out.frames));
    fmt::print("bare disk: {:.0f} frames/s; the journal reaches {:.2f} of it\n", raw,
               raw > 0 ? frames / raw : 0);
  }
  const auto removed = base::posix_env().remove_all(folder);
  return ok && out.failures == 0 && removed ? 0 : 1;
}
