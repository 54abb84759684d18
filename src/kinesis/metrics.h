// What the service counts, by operation: /_sluice/metrics. Updated without locks, but for errors.
// Its labels are operations and error types, both of them lists of ours: a client cannot add to
// them.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/clock.h"
#include "base/metrics.h"

namespace sluice::kinesis {

class Metrics {
 public:
  struct Operation {
    std::string_view name;
    base::Histogram& duration;  // its count is the number of requests
    base::Counter& request_bytes;
    base::Counter& response_bytes;
  };

  explicit Metrics(base::MetricsRegistry& registry);
  // What is no operation of this server is counted as one, "unknown".
  Operation& of(std::string_view operation);
  void count_error(const Operation& operation, std::string_view type);

  base::Counter& put_records;  // acknowledged
  base::Counter& put_bytes;    // their data and partition keys
  base::Counter& read_records;
  base::Counter& read_bytes;

 private:
  base::MetricsRegistry& registry_;
  std::map<std::string_view, Operation> operations_;
  std::mutex mutex_;
  std::map<std::pair<std::string_view, std::string>, base::Counter*> errors_;
};

// One request, from its start to its answer.
struct Measurement {
  Metrics& metrics;
  Metrics::Operation& operation;
  const base::Clock& clock;
  std::int64_t started_ns = 0;

  void end(const aws::ServiceResponse& response) const;
};

}  // namespace sluice::kinesis
