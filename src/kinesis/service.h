// The Kinesis service in process: validates, calls the stream engine, answers in AWS' words.
// PutRecord and PutRecords run on the caller's thread and answer from the journal's; what blocks on
// SQLite or the disk goes to the blocking pool, where the composition root gives one.
#pragma once

#include <functional>
#include <optional>

#include "aws/service.h"
#include "kinesis/metrics.h"
#include "kinesis/shard_limits.h"
#include "streams/engine.h"

namespace sluice::kinesis {

// Runs the task on another thread, soon; false: the pool's queue is full, the task was not taken.
// The tasks refer to the service: the pool stops before it.
using BlockingExecutor = std::function<bool(std::function<void()>)>;

class Service final : public aws::ServiceInvoker {
 public:
  // The engine and the registry outlive the service, and the service all answers. Without an
  // executor everything runs on the caller's thread.
  Service(streams::Engine& engine, base::MetricsRegistry& metrics, BlockingExecutor blocking = {},
          bool shard_limits = false);
  void call(aws::ServiceRequest request, aws::ServiceDone done) override;

 private:
  streams::Engine& engine_;
  Metrics metrics_;
  std::optional<ShardLimits> shard_limits_;
  BlockingExecutor blocking_;
};

}  // namespace sluice::kinesis
