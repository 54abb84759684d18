// PutRecord and PutRecords: the hot path. Views go from the request's body (or its decoded blobs)
// straight to the journal's staging; the reply is appended text.
#include <fmt/core.h>

#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/json_writer.h"
#include "kinesis/limits.h"
#include "kinesis/operations.h"
#include "kinesis/sequence_text.h"

namespace sluice::kinesis {
namespace {

using base::JsonWriter;
using streams::PutEntry;
using streams::PutResult;

// SDKs repeat amz-sdk-invocation-id on every attempt of a call. The body is part of the token, so
// that a client which sends one id for different calls loses nothing.
std::optional<journal::RequestToken> request_token(const aws::ServiceRequest& request) {
  if (request.invocation_id.empty()) return std::nullopt;
  const base::Uint128 body = base::xxh3_128(request.body, 0);
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n", request.caller.access_key_id, request.caller.account,
                  request.caller.region, request.action, request.invocation_id);
  text.append(reinterpret_cast<const char*>(&body), sizeof body);
  return journal::RequestToken{base::xxh3_128(text, 0)};
}

std::expected<std::optional<base::Uint128>, ApiError> hash_key(const Value& value) {
  if (!value.present) return std::optional<base::Uint128>();
  const auto hash = base::parse_decimal_u128(value.text);
  if (!hash)
    return invalid_argument(
        fmt::format("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                    "Specified value was {}",
                    value.text));
  return hash;
}

std::expected<void, ApiError> check_ordering(const Call& call, const streams::Stream& stream) {
  const Value& ordering = call.in.top()[kPutOrdering];
  if (!ordering.present) return {};
  const auto number = read_sequence_text(ordering.text);
  if (number && number->arrival_s * 1000 <= call.engine.clock().now_ms()) return {};
  return invalid_argument(fmt::format(
      "ExclusiveMinimumSequenceNumber {} used in PutRecord on stream {} under account {} is "
      "invalid.",
      ordering.text, stream.key.name, stream.key.account));
}

std::expected<void, ApiError> check_dry_run(const Call& call) {
  if (!call.in["DryRun"].boolean) return {};
  return refuse("DryRunOperationException",
                "Request would have succeeded, but DryRun flag is set.");
}

void write_result(JsonWriter& w, const PutResult& result) {
  w.begin_object();
  w.field("SequenceNumber", std::string_view(result.sequence_number.to_string()));
  w.field("ShardId", std::string_view(streams::shard_id(result.shard)));
  w.end_object();
}

struct Batch {
  streams::StreamRef stream;
  std::vector<PutEntry> entries;
  // Where shard limits are on: of each entry of the call, the shard that has no room for it. Such
  // entries are left out of `entries`.
  std::vector<std::optional<streams::ShardIndex>> refused = {};

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const PutEntry& entry : entries)
      sum += entry.partition_key.size() + entry.data.size();
    return sum;
  }
};

// Takes the entries out of their shards' limits.
void apply_limits(const Call& call, Batch& batch) {
  if (call.shard_limits == nullptr) return;
  std::vector<PutEntry> taken;
  for (const PutEntry& entry : batch.entries) {
    const base::Uint128 hash =
        entry.explicit_hash ? *entry.explicit_hash : base::md5(entry.partition_key);
    const streams::ShardIndex shard = batch.stream->shards[batch.stream->route(hash)].index;
    const std::size_t bytes = entry.partition_key.size() + entry.data.size();
    if (call.shard_limits->write(*batch.stream, shard, bytes)) {
      batch.refused.emplace_back();
      taken.push_back(entry);
    } else {
      batch.refused.emplace_back(shard);
    }
  }
  batch.entries = std::move(taken);
}

// The answer kept for a call is that of the entries it took: an attempt that takes others is
// another call.
std::optional<journal::RequestToken> batch_token(const Call& call, const Batch& batch) {
  auto token = request_token(call.request);
  if (!token || batch.entries.size() == batch.refused.size() || batch.refused.empty()) return token;
  std::string taken;
  for (const auto& refused : batch.refused)
    taken.push_back(refused ? '0' : '1');
  token->digest ^= base::xxh3_128(taken, 0);
  return token;
}

void count(const Reply& reply, std::size_t records, std::size_t bytes) {
  reply.measurement.metrics.put_records.add(records);
  reply.measurement.metrics.put_bytes.add(bytes);
}

std::expected<Batch, ApiError> one_entry(const Call& call) {
  const auto fields = call.in.top();
  auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  auto hash = hash_key(fields[kPutHashKey]);
  if (!hash) return std::unexpected(hash.error());
  if (auto ok = check_ordering(call, **stream); !ok) return std::unexpected(ok.error());
  if (auto ok = check_dry_run(call); !ok) return std::unexpected(ok.error());
  return Batch{std::move(*stream), {{fields[kPutPartitionKey].text, fields[kPutData].text, *hash}}};
}

std::expected<Batch, ApiError> all_entries(const Call& call) {
  Batch batch;
  const Value& records = call.in["Records"];
  const auto fields = call.in.members(records, kEntryFields);
  batch.entries.reserve(records.count);
  for (std::size_t i = 0; i < fields.size(); i += kEntryFields) {
    const auto entry = fields.subspan(i, kEntryFields);
    auto hash = hash_key(entry[kEntryHashKey]);
    if (!hash) return std::unexpected(hash.error());
    batch.entries.push_back({entry[kEntryPartitionKey].text, entry[kEntryData].text, *hash});
  }
  if (batch.bytes() > kPutRecordsBytesMax)
    return invalid_argument(
        fmt::format("Records size exceeds {} MB limit", kPutRecordsBytesMax >> 20));
  auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  batch.stream = std::move(*stream);
  if (auto ok = check_dry_run(call); !ok) return std::unexpected(ok.error());
  return batch;
}

}  // namespace

void put_record(const Call& call, Reply reply) {
  auto batch = one_entry(call);
  if (!batch) return reply(std::unexpected(batch.error()));
  apply_limits(call, *batch);
  if (batch->entries.empty())
    return reply(refuse("ProvisionedThroughputExceededException",
                        rate_exceeded(batch->stream->key, *batch->refused.front())));
  call.engine.append(batch->stream, batch->entries, request_token(call.request),
                     [reply = std::move(reply), stream = batch->stream, bytes = batch->bytes()](
                         const streams::StreamResult<std::vector<PutResult>>& results) {
                       if (!results)
                         return reply(std::unexpected(api_error(results.error(), stream->key)));
                       count(reply, 1, bytes);
                       std::string body;
                       body.reserve(128);
                       JsonWriter w(body);
                       write_result(w, results->front());
                       reply(std::move(body));
                     });
}

namespace {

void write_refusal(JsonWriter& w, const streams::StreamKey& key, streams::ShardIndex shard) {
  w.begin_object().field("ErrorCode", "ProvisionedThroughputExceededException");
  w.field("ErrorMessage", std::string_view(rate_exceeded(key, shard))).end_object();
}

// `refused` is empty, or tells of each entry of the call whether it has a result.
std::string put_records_body(const streams::StreamKey& key, const std::vector<PutResult>& results,
                             const std::vector<std::optional<streams::ShardIndex>>& refused) {
  const std::size_t entries = refused.empty() ? results.size() : refused.size();
  std::string body;
  body.reserve(64 + 120 * entries);
  JsonWriter w(body);
  w.begin_object().field("FailedRecordCount", static_cast<std::int64_t>(entries - results.size()));
  w.key("Records").begin_array();
  auto result = results.begin();
  for (std::size_t i = 0; i < entries; ++i) {
    if (!refused.empty() && refused[i]) {
      write_refusal(w, key, *refused[i]);
    } else {
      write_result(w, *result++);
    }
  }
  w.end_array().end_object();
  return body;
}

}  // namespace

void put_records(const Call& call, Reply reply) {
  auto batch = all_entries(call);
  if (!batch) return reply(std::unexpected(batch.error()));
  apply_limits(call, *batch);
  const auto token = batch_token(call, *batch);
  call.engine.append(batch->stream, batch->entries, token,
                     [reply = std::move(reply), stream = batch->stream, bytes = batch->bytes(),
                      refused = std::move(batch->refused)](
                         const streams::StreamResult<std::vector<PutResult>>& results) {
                       if (!results)
                         return reply(std::unexpected(api_error(results.error(), stream->key)));
                       count(reply, results->size(), bytes);
                       reply(put_records_body(stream->key, *results, refused));
                     });
}

}  // namespace sluice::kinesis
