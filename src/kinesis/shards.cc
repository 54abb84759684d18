// ListShards with its six filters. A filter that names a moment gives shards that tile the hash
// space: a shard lives from its creation to the creation of its first child.
#include <fmt/core.h>

#include <algorithm>

#include "base/json_writer.h"
#include "kinesis/limits.h"
#include "kinesis/operations.h"
#include "kinesis/reply_text.h"

namespace sluice::kinesis {
namespace {

using base::JsonWriter;
using streams::Shard;
using streams::ShardIndex;
using streams::Stream;
using streams::StreamRef;

constexpr char kListShardsToken = 'S';

enum class Filter : std::uint8_t {
  kNone,
  kAtLatest,
  kAtTrimHorizon,
  kAtTimestamp,
  kFromTrimHorizon,
  kFromTimestamp,
};

// What is listed; a NextToken carries it from page to page.
struct Query {
  streams::StreamKey stream;
  std::string incarnation;  // empty: whatever is there
  std::uint64_t first = 0;  // shard index to begin with
  Filter filter = Filter::kNone;
  std::int64_t at_ms = 0;  // of filters that name a moment
};

// The first second for which all shards are known: those whose parents are gone, or that never had
// any, are the oldest there are.
std::int64_t first_second(const Stream& stream) {
  std::int64_t first_s = 0;
  for (const Shard& shard : stream.shards) {
    const bool has_parents =
        shard.parent && stream.find(*shard.parent) != nullptr &&
        (!shard.adjacent_parent || stream.find(*shard.adjacent_parent) != nullptr);
    if (!has_parents) first_s = std::max(first_s, shard.created_s);
  }
  return first_s;
}

bool listed(const Shard& shard, std::int64_t end_s, Filter filter, std::int64_t at_s) {
  switch (filter) {
    case Filter::kNone:
      return true;
    case Filter::kAtLatest:
      return shard.open();
    case Filter::kAtTrimHorizon:
    case Filter::kAtTimestamp:
      return shard.created_s <= at_s && at_s < end_s;
    case Filter::kFromTrimHorizon:
    case Filter::kFromTimestamp:
      return at_s < end_s;
  }
  return false;
}

std::expected<std::uint64_t, ApiError> after_shard(std::string_view text) {
  const auto index = streams::parse_shard_id(text);
  if (!index) return invalid_argument(fmt::format("{} is not a shard id.", text));
  return std::uint64_t{(*index)()} + 1;
}

std::expected<void, ApiError> read_filter(const Call& call, Query& query) {
  const Value& filter = call.in["ShardFilter"];
  if (!filter.present) return {};
  const auto fields = call.in.members(filter);
  const std::string_view type = fields[0].text;
  const Value& shard = fields[1];
  const Value& timestamp = fields[2];
  const bool needs_time = type == "AT_TIMESTAMP" || type == "FROM_TIMESTAMP";
  if (needs_time != timestamp.present)
    return invalid_argument(fmt::format("ShardFilter of type {} {} a Timestamp.", type,
                                        needs_time ? "needs" : "cannot have"));
  if ((type == "AFTER_SHARD_ID") != shard.present)
    return invalid_argument(fmt::format("ShardFilter of type {} {} a ShardId.", type,
                                        shard.present ? "cannot have" : "needs"));
  if (needs_time) query.at_ms = to_ms(timestamp.number);
  if (type == "AFTER_SHARD_ID") {
    const auto first = after_shard(shard.text);
    if (!first) return std::unexpected(first.error());
    query.first = std::max(query.first, *first);
  } else if (type == "AT_LATEST") {
    query.filter = Filter::kAtLatest;
  } else if (type == "AT_TRIM_HORIZON") {
    query.filter = Filter::kAtTrimHorizon;
  } else if (type == "FROM_TRIM_HORIZON") {
    query.filter = Filter::kFromTrimHorizon;
  } else {
    query.filter = type == "AT_TIMESTAMP" ? Filter::kAtTimestamp : Filter::kFromTimestamp;
  }
  return {};
}

std::expected<Query, ApiError> new_query(const Call& call) {
  Query query;
  auto key = stream_key(call);
  if (!key) return std::unexpected(key.error());
  query.stream = std::move(*key);
  if (const Value& start = call.in["ExclusiveStartShardId"]; start.present) {
    const auto first = after_shard(start.text);
    if (!first) return std::unexpected(first.error());
    query.first = *first;
  }
  if (auto ok = read_filter(call, query); !ok) return std::unexpected(ok.error());
  return query;
}

std::string seal(const Call& call, const Query& query) {
  streams::TokenWriter w;
  w.text(query.stream.account).text(query.stream.region).text(query.stream.name);
  w.text(query.incarnation).number(query.first).number(static_cast<std::uint64_t>(query.filter));
  w.number(static_cast<std::uint64_t>(query.at_ms));
  w.number(static_cast<std::uint64_t>(call.engine.clock().now_ms()));
  return call.engine.tokens().seal(kListShardsToken, w.bytes());
}

std::expected<Query, ApiError> resume(const Call& call) {
  const auto plain = call.engine.tokens().open(kListShardsToken, call.in["NextToken"].text);
  if (!plain) return invalid_argument("NextToken is invalid.");
  streams::TokenReader r(*plain);
  Query query;
  query.stream.account = r.text();
  query.stream.region = r.text();
  query.stream.name = r.text();
  query.incarnation = r.text();
  query.first = r.number();
  query.filter = static_cast<Filter>(r.number());
  query.at_ms = static_cast<std::int64_t>(r.number());
  const auto made_ms = static_cast<std::int64_t>(r.number());
  const aws::Caller& caller = call.request.caller;
  if (!r.complete() || query.stream.account != caller.account ||
      query.stream.region != caller.region)
    return invalid_argument("NextToken is invalid.");
  if (call.engine.clock().now_ms() - made_ms > kNextTokenLifetimeMs)
    return refuse("ExpiredNextTokenException", "The pagination token has expired.");
  return query;
}

std::expected<Query, ApiError> read_query(const Call& call) {
  const bool named = call.in["StreamName"].present || call.in["StreamARN"].present;
  const bool token = call.in["NextToken"].present;
  if (!named && !token)
    return invalid_argument("Either NextToken or StreamName should be provided.");
  for (const std::string_view other : {"StreamName", "StreamARN", "ExclusiveStartShardId",
                                       "StreamCreationTimestamp", "ShardFilter"}) {
    if (token && call.in[other].present)
      return invalid_argument(fmt::format("NextToken and {} cannot be provided together.", other));
  }
  return token ? resume(call) : new_query(call);
}

}  // namespace

ApiResult list_shards(const Call& call) {
  auto query = read_query(call);
  if (!query) return std::unexpected(query.error());
  const auto stream = call.engine.describe(query->stream);
  if (!stream || (!query->incarnation.empty() && (*stream)->incarnation != query->incarnation))
    return not_found(stream_not_found(query->stream));
  if (has_no_shards(call, **stream)) return not_active(call, **stream);
  std::size_t page = kListShardsPage;
  if (const Value& max = call.in["MaxResults"]; max.present)
    page = std::min(page, static_cast<std::size_t>(max.integer));
  std::int64_t at_ms = query->at_ms;
  if (query->filter == Filter::kAtTrimHorizon || query->filter == Filter::kFromTrimHorizon)
    at_ms = call.engine.clock().now_ms() - (*stream)->retention_ms();
  const std::int64_t at_s = std::max(at_ms / 1000, first_second(**stream));
  const std::vector<std::int64_t> ends = (*stream)->ends_s();

  std::string body;
  JsonWriter w(body);
  w.begin_object().key("Shards").begin_array();
  std::size_t written = 0;
  bool more = false;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Shard& shard = (*stream)->shards[i];
    if (shard.index() < query->first || !listed(shard, ends[i], query->filter, at_s)) continue;
    if (written == page) {
      more = true;
      query->first = shard.index();
      break;
    }
    write_shard(w, shard);
    ++written;
  }
  w.end_array();
  if (more) {
    query->incarnation = (*stream)->incarnation;
    w.field("NextToken", std::string_view(seal(call, *query)));
  }
  w.end_object();
  return body;
}

}  // namespace sluice::kinesis
