// Streams as such: create, delete, describe, list.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aws/arn.h"
#include "base/json_writer.h"
#include "kinesis/limits.h"
#include "kinesis/operations.h"
#include "kinesis/reply_text.h"

namespace sluice::kinesis {
namespace {

using base::JsonWriter;
using streams::Shard;
using streams::Stream;
using streams::StreamMode;
using streams::StreamStatus;

constexpr char kListStreamsToken = 'L';
constexpr std::string_view kStreamPrefix = "stream/";

void write_common(JsonWriter& w, const Call& call, const Stream& stream) {
  w.field("StreamName", std::string_view(stream.key.name));
  w.field("StreamARN", std::string_view(stream.key.arn()));
  w.field("StreamStatus", streams::status_text(call.engine.status(stream)));
  w.field("RetentionPeriodHours", stream.settings.retention_hours);
  write_time(w, "StreamCreationTimestamp", stream.created_ms);
  w.key("EnhancedMonitoring").begin_array().begin_object();
  w.key("ShardLevelMetrics").begin_array().end_array().end_object().end_array();
  w.field("EncryptionType", "NONE");
  write_mode(w, stream.settings.mode);
}

// AWS takes these since 2025; what differs from its defaults is not here yet.
std::expected<void, ApiError> check_extras(const Call& call) {
  if (const Value& size = call.in["MaxRecordSizeInKiB"];
      size.present && size.integer != kMaxRecordSizeKiB)
    return invalid_argument(fmt::format(
        "MaxRecordSizeInKiB {} is not supported yet: this server takes records of up to {} KiB.",
        size.integer, kMaxRecordSizeKiB));
  if (call.in["WarmThroughputMiBps"].present)
    return invalid_argument("WarmThroughputMiBps is not supported yet.");
  if (call.in["RecordDistributionStrategy"].text == "AUTO")
    return invalid_argument("RecordDistributionStrategy AUTO is not supported yet.");
  return {};
}

std::expected<streams::NewStream, ApiError> read_new_stream(const Call& call) {
  streams::NewStream wanted;
  wanted.key = {call.request.caller.account, call.request.caller.region,
                std::string(call.in["StreamName"].text)};
  const Value& count = call.in["ShardCount"];
  const Value& mode = call.in["StreamModeDetails"];
  const bool on_demand = mode.present && call.in.members(mode)[0].text == "ON_DEMAND";
  wanted.mode = on_demand ? StreamMode::kOnDemand : StreamMode::kProvisioned;
  if (on_demand && count.present)
    return validation_error("ShardCount cannot be given for a stream in ON_DEMAND mode.");
  if (!on_demand && !count.present)
    return validation_error(
        "1 validation error detected: Value null at 'shardCount' failed to satisfy constraint: "
        "Member must not be null");
  wanted.shard_count = on_demand ? kOnDemandShards : static_cast<int>(count.integer);
  const auto tags = call.in.members(call.in["Tags"], 2);
  for (std::size_t i = 0; i < tags.size(); i += 2)
    wanted.tags.insert_or_assign(std::string(tags[i].text), std::string(tags[i + 1].text));
  if (wanted.tags.size() > kTagsPerStreamMax)
    return invalid_argument(
        fmt::format("A stream cannot have more than {} tags.", kTagsPerStreamMax));
  if (auto ok = check_extras(call); !ok) return std::unexpected(ok.error());
  return wanted;
}

std::expected<streams::StreamKey, ApiError> key_of_arn(const Call& call, std::string_view text) {
  const auto arn = aws::parse_arn(text);
  // The constraint on the field has checked the form already.
  if (!arn || !arn->resource.starts_with(kStreamPrefix))
    return invalid_argument(fmt::format("{} is not the ARN of a stream.", text));
  streams::StreamKey key{arn->account, arn->region, arn->resource.substr(kStreamPrefix.size())};
  if (key.account != call.request.caller.account || key.region != call.request.caller.region)
    return not_found(stream_not_found(key));
  return key;
}

}  // namespace

std::int64_t to_ms(double epoch_seconds) {
  constexpr double kLimit = 1e15;  // beyond the year 30000; keeps the product in range
  return std::llround(std::clamp(epoch_seconds, -kLimit, kLimit) * 1000);
}

std::expected<streams::StreamKey, ApiError> stream_key(const Call& call) {
  const Shape& shape = call.in.shape();
  const auto has = [&](std::string_view name) {
    return std::ranges::find(shape.fields, name, &Field::name) != shape.fields.end() &&
           call.in[name].present;
  };
  const bool by_name = has("StreamName");
  for (const std::string_view field : {"StreamARN", "ResourceARN"}) {
    if (!has(field)) continue;
    auto key = key_of_arn(call, call.in[field].text);
    if (key && by_name && key->name != call.in["StreamName"].text)
      return invalid_argument("StreamName and StreamARN name different streams.");
    return key;
  }
  return streams::StreamKey{call.request.caller.account, call.request.caller.region,
                            std::string(call.in["StreamName"].text)};
}

std::expected<streams::StreamRef, ApiError> find_stream(const Call& call) {
  auto key = stream_key(call);
  if (!key) return std::unexpected(key.error());
  auto stream = call.engine.describe(*key);
  if (!stream) return std::unexpected(api_error(stream.error(), *key));
  return std::move(*stream);
}

std::expected<streams::StreamRef, ApiError> find_active(const Call& call) {
  auto stream = find_stream(call);
  if (stream && call.engine.status(**stream) != StreamStatus::kActive)
    return not_active(call, **stream);
  return stream;
}

bool has_no_shards(const Call& call, const Stream& stream) {
  const StreamStatus status = call.engine.status(stream);
  return status == StreamStatus::kCreating || status == StreamStatus::kDeleting;
}

std::unexpected<ApiError> not_active(const Call& call, const Stream& stream) {
  return refuse(
      "ResourceInUseException",
      fmt::format("Stream {} under account {} not ACTIVE, instead in state {}", stream.key.name,
                  stream.key.account, streams::status_text(call.engine.status(stream))));
}

ApiResult create_stream(const Call& call) {
  const auto wanted = read_new_stream(call);
  if (!wanted) return std::unexpected(wanted.error());
  const auto stream = call.engine.create(*wanted);
  if (!stream) return std::unexpected(api_error(stream.error(), wanted->key));
  return "";
}

ApiResult delete_stream(const Call& call) {
  const auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  // Asked again, maybe because the first answer was lost: it is as wished.
  if (call.engine.status(**stream) == StreamStatus::kDeleting) return "";
  const auto removed = call.engine.remove((*stream)->key);
  if (!removed) return std::unexpected(api_error(removed.error(), (*stream)->key));
  return "";
}

ApiResult describe_stream(const Call& call) {
  const auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  std::uint64_t first = 0;
  if (const Value& start = call.in["ExclusiveStartShardId"]; start.present) {
    const auto index = streams::parse_shard_id(start.text);
    if (!index) return invalid_argument(fmt::format("{} is not a shard id.", start.text));
    first = std::uint64_t{(*index)()} + 1;
  }
  std::size_t limit = kDescribeShardsDefault;
  if (const Value& wanted = call.in["Limit"]; wanted.present)
    limit = static_cast<std::size_t>(wanted.integer);

  std::string body;
  JsonWriter w(body);
  w.begin_object().key("StreamDescription").begin_object();
  write_common(w, call, **stream);
  w.key("Shards").begin_array();
  std::size_t written = 0;
  bool more = false;
  for (const Shard& shard : (*stream)->shards) {
    if (shard.index() < first) continue;
    if (has_no_shards(call, **stream)) break;
    more = written == limit;
    if (more) break;
    write_shard(w, shard);
    ++written;
  }
  w.end_array().field("HasMoreShards", more).end_object().end_object();
  return body;
}

ApiResult describe_stream_summary(const Call& call) {
  const auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  std::string body;
  JsonWriter w(body);
  w.begin_object().key("StreamDescriptionSummary").begin_object();
  write_common(w, call, **stream);
  w.field("OpenShardCount", has_no_shards(call, **stream) ? 0 : (*stream)->open_shards());
  w.field("ConsumerCount", 0);
  w.field("MaxRecordSizeInKiB", kMaxRecordSizeKiB);
  // KPL 1.x reads it; never a StreamId, which would send SDKs to amazonaws.com.
  w.field("RecordDistributionStrategy", "USER_PARTITION_KEY");
  w.end_object().end_object();
  return body;
}

ApiResult describe_limits(const Call& call) {
  std::int64_t open_shards = 0;
  std::int64_t on_demand = 0;
  const aws::Caller& caller = call.request.caller;
  for (const auto& stream : call.engine.list(caller.account, caller.region, "", SIZE_MAX)) {
    const bool is_on_demand = stream->settings.mode == StreamMode::kOnDemand;
    on_demand += is_on_demand ? 1 : 0;
    open_shards += is_on_demand ? 0 : stream->open_shards();
  }
  std::string body;
  JsonWriter w(body);
  w.begin_object().field("ShardLimit", call.engine.options().shards_max);
  w.field("OpenShardCount", open_shards).field("OnDemandStreamCount", on_demand);
  w.field("OnDemandStreamCountLimit", kOnDemandStreamsLimit).end_object();
  return body;
}

namespace {

// The name to list after.
std::expected<std::string, ApiError> list_start(const Call& call) {
  const Value& token = call.in["NextToken"];
  const Value& start = call.in["ExclusiveStartStreamName"];
  if (token.present && start.present)
    return invalid_argument("NextToken and ExclusiveStartStreamName cannot be provided together.");
  if (!token.present) return std::string(start.text);
  const auto plain = call.engine.tokens().open(kListStreamsToken, token.text);
  if (!plain) return invalid_argument("NextToken is invalid.");
  streams::TokenReader r(*plain);
  std::string name = r.text();
  const auto made_ms = static_cast<std::int64_t>(r.number());
  if (!r.complete()) return invalid_argument("NextToken is invalid.");
  if (call.engine.clock().now_ms() - made_ms > kNextTokenLifetimeMs)
    return refuse("ExpiredNextTokenException", "The pagination token has expired.");
  return name;
}

}  // namespace

ApiResult list_streams(const Call& call) {
  const auto after = list_start(call);
  if (!after) return std::unexpected(after.error());
  std::size_t limit = kListStreamsDefault;
  if (const Value& wanted = call.in["Limit"]; wanted.present)
    limit = static_cast<std::size_t>(wanted.integer);
  const aws::Caller& caller = call.request.caller;
  auto page = call.engine.list(caller.account, caller.region, *after, limit + 1);
  const bool more = page.size() > limit;
  if (more) page.pop_back();

  std::string body;
  JsonWriter w(body);
  w.begin_object().key("StreamNames").begin_array();
  for (const auto& stream : page)
    w.value(std::string_view(stream->key.name));
  w.end_array().field("HasMoreStreams", more);
  if (more) {
    streams::TokenWriter token;
    token.text(page.back()->key.name)
        .number(static_cast<std::uint64_t>(call.engine.clock().now_ms()));
    w.field("NextToken",
            std::string_view(call.engine.tokens().seal(kListStreamsToken, token.bytes())));
  }
  w.key("StreamSummaries").begin_array();
  for (const auto& stream : page) {
    w.begin_object().field("StreamName", std::string_view(stream->key.name));
    w.field("StreamARN", std::string_view(stream->key.arn()));
    w.field("StreamStatus", streams::status_text(call.engine.status(*stream)));
    write_mode(w, stream->settings.mode);
    write_time(w, "StreamCreationTimestamp", stream->created_ms);
    w.end_object();
  }
  w.end_array().end_object();
  return body;
}

}  // namespace sluice::kinesis
