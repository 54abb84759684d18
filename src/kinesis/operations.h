// The table of operations: name, input shape, handler. Handlers are grouped by what they touch:
// put.cc, get.cc, shards.cc, reshard.cc, control.cc, settings.cc.
#pragma once

#include <string_view>
#include <vector>

#include "aws/service.h"
#include "kinesis/errors.h"
#include "kinesis/input.h"
#include "kinesis/metrics.h"
#include "kinesis/shape.h"
#include "kinesis/shard_limits.h"
#include "streams/engine.h"

namespace sluice::kinesis {

// One validated call; lives during the handler only.
struct Call {
  const aws::ServiceRequest& request;
  const Input& in;
  streams::Engine& engine;
  Metrics& metrics;
  ShardLimits* shard_limits;  // null: off
};

// Where the answer goes, on whatever thread it is ready.
struct Reply {
  aws::ServiceDone done;
  std::string request_id;
  Measurement measurement;
  void operator()(const ApiResult& result) const;
  void send(aws::ServiceResponse response) const;
};

struct Operation {
  std::string_view name;
  const Shape* shape = nullptr;
  ApiResult (*answer)(const Call&) = nullptr;
  void (*start)(const Call&, Reply) = nullptr;  // instead of `answer`: the reply comes later
  bool blocks = false;                          // on SQLite or on reads of the disk
};

std::vector<std::string_view> operation_names();
const Operation* find_operation(std::string_view name);
// An action of AWS' that is not here yet.
bool known_to_aws(std::string_view name);

// Positions of the fields that put.cc reads without a look-up; operations.cc asserts them.
enum PutRecordField : std::size_t {
  kPutOrdering,
  kPutPartitionKey,
  kPutHashKey,
  kPutData,
  kPutStreamName,
  kPutStreamArn,
  kPutDryRun
};
enum PutEntryField : std::size_t { kEntryPartitionKey, kEntryHashKey, kEntryData, kEntryFields };

// The stream a call means: StreamName, StreamARN, or both if they agree. find_stream also finds one
// that is DELETING: what puts and reads go by is Engine::find.
std::expected<streams::StreamKey, ApiError> stream_key(const Call& call);
std::expected<streams::StreamRef, ApiError> find_stream(const Call& call);
// As find_stream, and its status is ACTIVE.
std::expected<streams::StreamRef, ApiError> find_active(const Call& call);
// CREATING and DELETING: no shards are shown.
bool has_no_shards(const Call& call, const streams::Stream& stream);
std::unexpected<ApiError> not_active(const Call& call, const streams::Stream& stream);
std::int64_t to_ms(double epoch_seconds);

void put_record(const Call& call, Reply reply);
void put_records(const Call& call, Reply reply);
ApiResult get_shard_iterator(const Call& call);
ApiResult get_records(const Call& call);
ApiResult list_shards(const Call& call);
ApiResult split_shard(const Call& call);
ApiResult merge_shards(const Call& call);
ApiResult update_shard_count(const Call& call);
ApiResult create_stream(const Call& call);
ApiResult delete_stream(const Call& call);
ApiResult describe_stream(const Call& call);
ApiResult describe_stream_summary(const Call& call);
ApiResult describe_limits(const Call& call);
ApiResult list_streams(const Call& call);
ApiResult add_tags_to_stream(const Call& call);
ApiResult remove_tags_from_stream(const Call& call);
ApiResult list_tags_for_stream(const Call& call);
ApiResult list_tags_for_resource(const Call& call);
ApiResult increase_retention(const Call& call);
ApiResult decrease_retention(const Call& call);
ApiResult update_stream_mode(const Call& call);

}  // namespace sluice::kinesis
