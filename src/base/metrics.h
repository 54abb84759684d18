// Counters, gauges and histograms in Prometheus' text form. Made once at start by the room that
// owns them, updated without locks, read by /_sluice/metrics. Names:
// sluice_<room>_<what>_<unit>[_total].
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::base {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Buckets at powers of two of a microsecond: 1 µs … 2^25 µs (33 s), then +Inf.
class Histogram {
 public:
  static constexpr int kBuckets = 27;
  void observe_us(std::uint64_t microseconds);
  std::uint64_t count() const;
  std::uint64_t bucket(int i) const { return buckets_[i].load(std::memory_order_relaxed); }
  std::uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

// Owns what it makes; references stay valid as long as the registry lives. Thread-safe.
// `labels` is Prometheus' text without braces: `operation="PutRecord"`.
class MetricsRegistry {
 public:
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = {});
  std::string expose() const;

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Entry {
    Kind kind;
    std::string name, help, labels;
    Counter counter;
    Gauge gauge;
    Histogram histogram;
  };
  Entry& entry(Kind kind, std::string_view name, std::string_view help, std::string_view labels);

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
};

}  // namespace sluice::base
