// SplitShard, MergeShards, UpdateShardCount: AWS' order of checks and texts. What they check may
// change before the engine acts: it checks again, in its own words.
#include <fmt/core.h>

#include "base/json_writer.h"
#include "kinesis/operations.h"

namespace sluice::kinesis {
namespace {

using streams::Shard;
using streams::ShardIndex;
using streams::Stream;
using streams::StreamKey;
using streams::StreamRef;

std::unexpected<ApiError> no_such_shard(std::string_view shard, const StreamKey& key) {
  return not_found(fmt::format("Could not find shard {} in stream {} under account {}.", shard,
                               key.name, key.account));
}

// A text that cannot be a shard's id is found out before the stream is looked for.
std::expected<ShardIndex, ApiError> read_shard_id(const Call& call, std::string_view field) {
  auto key = stream_key(call);
  if (!key) return std::unexpected(key.error());
  const auto index = streams::parse_shard_id(call.in[field].text);
  if (!index) return no_such_shard(call.in[field].text, *key);
  return *index;
}

std::expected<StreamRef, ApiError> find_provisioned(const Call& call) {
  auto stream = find_active(call);
  if (!stream) return stream;
  const StreamKey& key = (*stream)->key;
  if ((*stream)->settings.mode == streams::StreamMode::kOnDemand)
    return validation_error(
        fmt::format("Request is invalid. Stream {} under account {} is in On-Demand mode.",
                    key.name, key.account));
  return stream;
}

std::expected<const Shard*, ApiError> find_shard(const Stream& stream, ShardIndex index) {
  const Shard* shard = stream.find(index);
  if (shard == nullptr) return no_such_shard(streams::shard_id(index), stream.key);
  return shard;
}

std::expected<void, ApiError> check_open(const Stream& stream, const Shard& shard) {
  if (shard.open()) return {};
  return invalid_argument(
      fmt::format("Shard {} in stream {} under account {} has already been merged or split, and "
                  "thus is not eligible for merging or splitting.",
                  shard.id(), stream.key.name, stream.key.account));
}

ApiResult done(const Stream& stream, const streams::StreamResult<StreamRef>& result) {
  if (!result) return std::unexpected(api_error(result.error(), stream.key));
  return "";
}

}  // namespace

ApiResult split_shard(const Call& call) {
  const auto index = read_shard_id(call, "ShardToSplit");
  if (!index) return std::unexpected(index.error());
  const auto stream = find_provisioned(call);
  if (!stream) return std::unexpected(stream.error());
  const auto shard = find_shard(**stream, *index);
  if (!shard) return std::unexpected(shard.error());
  const Shard& parent = **shard;
  if (auto ok = check_open(**stream, parent); !ok) return std::unexpected(ok.error());
  const std::string_view text = call.in["NewStartingHashKey"].text;
  const auto hash = base::parse_decimal_u128(text);
  // Subtracting instead of adding: 2^128-1 has no successor.
  const bool inside = hash && *hash > parent.hash_first && *hash - 1 > parent.hash_first &&
                      *hash < parent.hash_last;
  if (!inside)
    return invalid_argument(fmt::format(
        "NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {} is "
        "not both greater than one plus the shard's StartingHashKey {} and less than the shard's "
        "EndingHashKey {}.",
        text, parent.id(), (*stream)->key.name, (*stream)->key.account,
        base::to_decimal(parent.hash_first), base::to_decimal(parent.hash_last)));
  return done(**stream, call.engine.split((*stream)->key, *index, *hash));
}

ApiResult merge_shards(const Call& call) {
  const auto first = read_shard_id(call, "ShardToMerge");
  if (!first) return std::unexpected(first.error());
  const auto second = read_shard_id(call, "AdjacentShardToMerge");
  if (!second) return std::unexpected(second.error());
  const auto stream = find_provisioned(call);
  if (!stream) return std::unexpected(stream.error());
  const auto shard = find_shard(**stream, *first);
  if (!shard) return std::unexpected(shard.error());
  const auto adjacent = find_shard(**stream, *second);
  if (!adjacent) return std::unexpected(adjacent.error());
  for (const Shard* each : {*shard, *adjacent}) {
    if (auto ok = check_open(**stream, *each); !ok) return std::unexpected(ok.error());
  }
  if ((*shard)->hash_last == base::kUint128Max ||
      (*shard)->hash_last + 1 != (*adjacent)->hash_first)
    return invalid_argument(fmt::format(
        "Shards {} and {} in stream {} under account {} are not an adjacent pair of "
        "shards eligible for merging",
        (*shard)->id(), (*adjacent)->id(), (*stream)->key.name, (*stream)->key.account));
  return done(**stream, call.engine.merge((*stream)->key, *first, *second));
}

ApiResult update_shard_count(const Call& call) {
  const auto stream = find_provisioned(call);
  if (!stream) return std::unexpected(stream.error());
  const StreamKey& key = (*stream)->key;
  const std::int64_t open = (*stream)->open_shards();
  const std::int64_t target = call.in["TargetShardCount"].integer;
  const auto limit = [&](std::string_view what) {
    return refuse("LimitExceededException",
                  fmt::format("UpdateShardCount cannot scale {} your current open shard count. "
                              "Current open shard count: {} Target shard count: {}",
                              what, open, target));
  };
  if (target > 2 * open) return limit("up over double");
  if (2 * target < open) return limit("down below half");
  const auto scaled = call.engine.scale(key, static_cast<int>(target));
  if (!scaled) return std::unexpected(api_error(scaled.error(), key));
  std::string body;
  base::JsonWriter w(body);
  w.begin_object().field("StreamName", std::string_view(key.name));
  w.field("CurrentShardCount", open).field("TargetShardCount", target);
  w.field("StreamARN", std::string_view(key.arn())).end_object();
  return body;
}

}  // namespace sluice::kinesis
