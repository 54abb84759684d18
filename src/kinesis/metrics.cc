#include "kinesis/metrics.h"

#include <fmt/core.h>

#include "kinesis/operations.h"

namespace sluice::kinesis {
namespace {

constexpr std::string_view kUnknown = "unknown";

Metrics::Operation made(base::MetricsRegistry& registry, std::string_view name) {
  const std::string label = fmt::format("operation=\"{}\"", name);
  return {name,
          registry.histogram("sluice_kinesis_request_duration_seconds",
                             "From a request to its answer, errors too", label),
          registry.counter("sluice_kinesis_request_bytes_total", "Bodies of requests", label),
          registry.counter("sluice_kinesis_response_bytes_total", "Bodies of answers", label)};
}

}  // namespace

Metrics::Metrics(base::MetricsRegistry& registry)
    : put_records(registry.counter("sluice_kinesis_put_records_total",
                                   "Records acknowledged to PutRecord and PutRecords")),
      put_bytes(registry.counter("sluice_kinesis_put_bytes_total",
                                 "Data and partition keys of acknowledged records")),
      read_records(
          registry.counter("sluice_kinesis_read_records_total", "Records given out by GetRecords")),
      read_bytes(registry.counter("sluice_kinesis_read_bytes_total",
                                  "Data and partition keys of records given out")),
      registry_(registry) {
  for (const std::string_view name : operation_names())
    operations_.emplace(name, made(registry, name));
  operations_.emplace(kUnknown, made(registry, kUnknown));
}

Metrics::Operation& Metrics::of(std::string_view operation) {
  const auto found = operations_.find(operation);
  return found == operations_.end() ? operations_.at(kUnknown) : found->second;
}

void Metrics::count_error(const Operation& operation, std::string_view type) {
  const std::lock_guard lock(mutex_);
  base::Counter*& counter = errors_[{operation.name, std::string(type)}];
  if (counter == nullptr) {
    counter = &registry_.counter(
        "sluice_kinesis_errors_total", "Requests that were answered with an error",
        fmt::format("operation=\"{}\",error=\"{}\"", operation.name, type));
  }
  counter->add();
}

void Measurement::end(const aws::ServiceResponse& response) const {
  operation.duration.observe_us(
      static_cast<std::uint64_t>((clock.monotonic_ns() - started_ns) / 1000));
  operation.response_bytes.add(response.body.size());
  if (!response.error_type.empty()) metrics.count_error(operation, response.error_type);
}

}  // namespace sluice::kinesis
