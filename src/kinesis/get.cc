// GetShardIterator and GetRecords. Iterators hold the whole position, so nothing is kept between
// calls and they survive a restart.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include <chrono>
#include <ctime>

#include "base/base64.h"
#include "base/json_writer.h"
#include "kinesis/limits.h"
#include "kinesis/operations.h"
#include "kinesis/reply_text.h"
#include "kinesis/sequence_text.h"

namespace sluice::kinesis {
namespace {

using base::JsonWriter;
using journal::Index;
using streams::SequenceNumber;
using streams::Shard;
using streams::ShardIterator;
using streams::Stream;
using streams::StreamRef;

// Thu Jan 22 01:22:02 UTC 2015
std::string java_date(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm at{};
  gmtime_r(&seconds, &at);
  return fmt::format("{:%a %b %d %H:%M:%S UTC %Y}", at);
}

std::unexpected<ApiError> no_shard(const Stream& stream, std::string_view shard) {
  return not_found(fmt::format("Shard {} in stream {} under account {} does not exist", shard,
                               stream.key.name, stream.key.account));
}

std::expected<Index, ApiError> position_of_number(const Call& call, const Stream& stream,
                                                  const Shard& shard, bool after) {
  const std::string_view text = call.in["StartingSequenceNumber"].text;
  const auto number = read_sequence_text(text);
  const auto invalid = [&](std::string_view why) {
    return invalid_argument(
        fmt::format("StartingSequenceNumber {} used in GetShardIterator on shard {} in stream {} "
                    "under account {} is invalid{}",
                    text, shard.id(), stream.key.name, stream.key.account, why));
  };
  if (!number) return invalid(".");
  if (number->shard != static_cast<std::int64_t>(shard.index()))
    return invalid_argument(
        fmt::format("Invalid StartingSequenceNumber. It encodes shardId-{:012}, while it was used "
                    "in a call to a shard with {}",
                    number->shard, shard.id()));
  // AWS fails on its own oldest numbers (recorded).
  if (number->version == 0) return std::unexpected(ApiError{500, "InternalFailure", ""});
  if (number->version != 2 || number->shard_created_s != shard.created_s)
    return invalid(" because it did not come from this stream.");
  const Index index(number->index);
  return after ? index.plus(1) : index;
}

std::unexpected<ApiError> wrong_combination(std::string_view type, bool has_number) {
  return invalid_argument(fmt::format(
      "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
      "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request "
      "specified {} and {} StartingSequenceNumber.",
      type, has_number ? "also a" : "no"));
}

std::expected<Index, ApiError> position_of_time(const Call& call, const StreamRef& stream,
                                                const Shard& shard) {
  const Value& timestamp = call.in["Timestamp"];
  if (!timestamp.present)
    return invalid_argument(
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current "
        "request has no timestamp parameter.");
  const std::int64_t at_ms = to_ms(timestamp.number);
  const std::int64_t now_ms = call.engine.clock().now_ms();
  if (at_ms > now_ms)
    return invalid_argument(
        fmt::format("The timestampInMillis parameter cannot be greater than the "
                    "currentTimestampInMillis. timestampInMillis: {}, currentTimestampInMillis: {}",
                    at_ms, now_ms));
  const auto index = call.engine.seek(stream, shard.index, at_ms);
  if (!index) return std::unexpected(api_error(index.error(), stream->key));
  return *index;
}

std::expected<Index, ApiError> start_position(const Call& call, const StreamRef& stream,
                                              const Shard& shard) {
  const std::string_view type = call.in["ShardIteratorType"].text;
  const bool has_number = call.in["StartingSequenceNumber"].present;
  const bool by_number = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER";
  const bool by_place = type == "TRIM_HORIZON" || type == "LATEST";
  if ((by_number && !has_number) || (by_place && has_number))
    return wrong_combination(type, has_number);
  if (by_number) return position_of_number(call, *stream, shard, type == "AFTER_SEQUENCE_NUMBER");
  if (!by_place) return position_of_time(call, stream, shard);
  const auto bounds = call.engine.bounds(stream, shard.index);
  if (!bounds) return std::unexpected(api_error(bounds.error(), stream->key));
  return type == "LATEST" ? bounds->end : bounds->first;
}

std::string token_for(const Call& call, const Stream& stream, streams::ShardIndex shard,
                      Index next) {
  return seal_iterator(call.engine.tokens(),
                       {stream.key, stream.incarnation, shard, next, call.engine.clock().now_ms()});
}

std::expected<ShardIterator, ApiError> read_iterator(const Call& call) {
  auto iterator = open_iterator(call.engine.tokens(), call.in["ShardIterator"].text);
  if (!iterator) return invalid_argument("Invalid ShardIterator.");
  const std::int64_t now_ms = call.engine.clock().now_ms();
  if (now_ms - iterator->made_ms > streams::kIteratorLifetimeMs)
    return refuse(
        "ExpiredIteratorException",
        fmt::format("Iterator expired. The iterator was created at time {} while right "
                    "now it is {} which is further in the future than the tolerated "
                    "delay of {} milliseconds.",
                    java_date(iterator->made_ms), java_date(now_ms), streams::kIteratorLifetimeMs));
  const aws::Caller& caller = call.request.caller;
  if (iterator->stream.account != caller.account || iterator->stream.region != caller.region)
    return invalid_argument("Invalid ShardIterator.");
  return std::move(*iterator);
}

void write_child_shards(JsonWriter& w, const Stream& stream, streams::ShardIndex parent) {
  w.key("ChildShards").begin_array();
  for (const Shard& shard : stream.shards) {
    if (shard.parent != parent && shard.adjacent_parent != parent) continue;
    w.begin_object().field("ShardId", std::string_view(shard.id()));
    w.key("ParentShards").begin_array();
    if (shard.parent) w.value(std::string_view(streams::shard_id(*shard.parent)));
    if (shard.adjacent_parent) w.value(std::string_view(streams::shard_id(*shard.adjacent_parent)));
    w.end_array();
    write_hash_range(w, shard);
    w.end_object();
  }
  w.end_array();
}

void write_records(JsonWriter& w, const streams::ReadPage& page) {
  std::string encoded;
  w.key("Records").begin_array();
  for (const streams::ReadRecord& record : page.records) {
    encoded.clear();
    encoded.push_back('"');
    base::base64_append(encoded, record.data);
    encoded.push_back('"');
    w.begin_object();
    w.field("SequenceNumber", std::string_view(record.sequence_number.to_string()));
    write_time(w, "ApproximateArrivalTimestamp", record.arrival_ms);
    w.key("Data").raw(encoded);
    w.field("PartitionKey", std::string_view(record.partition_key)).end_object();
  }
  w.end_array();
}

}  // namespace

ApiResult get_shard_iterator(const Call& call) {
  auto key = stream_key(call);
  if (!key) return std::unexpected(key.error());
  const std::string_view shard_text = call.in["ShardId"].text;
  const auto index = streams::parse_shard_id(shard_text);
  if (!index)
    return not_found(fmt::format("Could not find shard {} in stream {} under account {}.",
                                 shard_text, key->name, key->account));
  const auto stream = call.engine.find(*key);
  if (!stream)
    return not_found(fmt::format("Shard {} in stream {} under account {} does not exist",
                                 streams::shard_id(*index), key->name, key->account));
  const Shard* shard = (*stream)->find(*index);
  if (shard == nullptr) return no_shard(**stream, streams::shard_id(*index));
  const auto next = start_position(call, *stream, *shard);
  if (!next) return std::unexpected(next.error());
  if (call.in["DryRun"].boolean)
    return refuse("DryRunOperationException",
                  "Request would have succeeded, but DryRun flag is set.");
  std::string body;
  JsonWriter w(body);
  w.begin_object();
  w.field("ShardIterator", std::string_view(token_for(call, **stream, shard->index, *next)));
  w.end_object();
  return body;
}

ApiResult get_records(const Call& call) {
  const auto iterator = read_iterator(call);
  if (!iterator) return std::unexpected(iterator.error());
  const auto stream = call.engine.find(iterator->stream);
  if (!stream || (*stream)->incarnation != iterator->incarnation)
    return not_found(fmt::format("Shard {} in stream {} under account {} does not exist",
                                 streams::shard_id(iterator->shard), iterator->stream.name,
                                 iterator->stream.account));
  if (call.in["DryRun"].boolean)
    return refuse("DryRunOperationException",
                  "Request would have succeeded, but DryRun flag is set.");
  journal::ReadLimits limits;
  limits.records_max = static_cast<std::size_t>(kGetRecordsCountMax);
  limits.bytes_max = kGetRecordsBytesMax;
  if (const Value& limit = call.in["Limit"]; limit.present)
    limits.records_max = static_cast<std::size_t>(limit.integer);
  if (call.shard_limits != nullptr && !call.shard_limits->begin_read(**stream, iterator->shard))
    return refuse("ProvisionedThroughputExceededException",
                  rate_exceeded(iterator->stream, iterator->shard));
  const auto page =
      call.engine.read(*stream, iterator->shard, iterator->next, SequenceNumber::kMaxIndex, limits);
  if (!page) return std::unexpected(api_error(page.error(), iterator->stream));

  std::size_t bytes = 0;
  for (const streams::ReadRecord& record : page->records)
    bytes += record.partition_key.size() + record.data.size();
  call.metrics.read_records.add(page->records.size());
  call.metrics.read_bytes.add(bytes);
  if (call.shard_limits != nullptr) call.shard_limits->end_read(**stream, iterator->shard, bytes);
  std::string body;
  JsonWriter w(body);
  w.begin_object();
  write_records(w, *page);
  if (!page->end_of_shard) {
    w.field("NextShardIterator",
            std::string_view(token_for(call, **stream, iterator->shard, page->next)));
  }
  w.field("MillisBehindLatest", page->millis_behind);
  if (page->end_of_shard) write_child_shards(w, **stream, iterator->shard);
  w.end_object();
  return body;
}

}  // namespace sluice::kinesis
