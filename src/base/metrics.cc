#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <vector>

namespace sluice::base {

void Histogram::observe_us(std::uint64_t microseconds) {
  const int bucket = microseconds <= 1 ? 0 : std::bit_width(microseconds - 1);
  buckets_[std::min(bucket, kBuckets - 1)].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(microseconds, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& bucket : buckets_)
    sum += bucket.load(std::memory_order_relaxed);
  return sum;
}

MetricsRegistry::Entry& MetricsRegistry::entry(Kind kind, std::string_view name,
                                               std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  for (auto& e : entries_) {
    if (e.name == name && e.labels == labels && e.kind == kind) return e;
  }
  Entry& made = entries_.emplace_back();
  made.kind = kind;
  made.name = name;
  made.help = help;
  made.labels = labels;
  return made;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help,
                                  std::string_view labels) {
  return entry(Kind::kCounter, name, help, labels).counter;
}
Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help,
                              std::string_view labels) {
  return entry(Kind::kGauge, name, help, labels).gauge;
}
Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                      std::string_view labels) {
  return entry(Kind::kHistogram, name, help, labels).histogram;
}

std::string MetricsRegistry::expose() const {
  const std::lock_guard lock(mutex_);
  std::vector<const Entry*> sorted;
  for (const auto& e : entries_)
    sorted.push_back(&e);
  std::ranges::stable_sort(sorted, {}, [](const Entry* e) { return e->name; });

  std::string text;
  const auto out = std::back_inserter(text);
  std::string_view previous;
  for (const Entry* e : sorted) {
    if (e->name != previous) {
      const std::string_view kind = e->kind == Kind::kCounter ? "counter"
                                    : e->kind == Kind::kGauge ? "gauge"
                                                              : "histogram";
      fmt::format_to(out, "# HELP {0} {1}\n# TYPE {0} {2}\n", e->name, e->help, kind);
      previous = e->name;
    }
    const std::string braces = e->labels.empty() ? "" : fmt::format("{{{}}}", e->labels);
    if (e->kind == Kind::kCounter)
      fmt::format_to(out, "{}{} {}\n", e->name, braces, e->counter.value());
    if (e->kind == Kind::kGauge)
      fmt::format_to(out, "{}{} {}\n", e->name, braces, e->gauge.value());
    if (e->kind != Kind::kHistogram) continue;
    const std::string lead = e->labels.empty() ? "" : e->labels + ",";
    std::uint64_t sum = 0;
    for (int i = 0; i < Histogram::kBuckets; ++i) {
      sum += e->histogram.bucket(i);
      const std::string bound = i + 1 == Histogram::kBuckets
                                    ? "+Inf"
                                    : fmt::format("{}", static_cast<double>(1ULL << i) / 1e6);
      fmt::format_to(out, "{}_bucket{{{}le=\"{}\"}} {}\n", e->name, lead, bound, sum);
    }
    fmt::format_to(out, "{}_sum{} {}\n", e->name, braces,
                   static_cast<double>(e->histogram.sum_us()) / 1e6);
    fmt::format_to(out, "{}_count{} {}\n", e->name, braces, sum);
  }
  return text;
}

}  // namespace sluice::base
