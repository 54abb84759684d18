// PutRecord and PutRecords: the hot path. Views go from the request's body (or its decoded blobs)
// straight to the journal's staging; the reply is appended text.
#include <fmt/core.h>

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

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const PutEntry& entry : entries)
      sum += entry.partition_key.size() + entry.data.size();
    return sum;
  }
};

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

void put_records(const Call& call, Reply reply) {
  auto batch = all_entries(call);
  if (!batch) return reply(std::unexpected(batch.error()));
  call.engine.append(batch->stream, batch->entries, request_token(call.request),
                     [reply = std::move(reply), stream = batch->stream, bytes = batch->bytes()](
                         const streams::StreamResult<std::vector<PutResult>>& results) {
                       if (!results)
                         return reply(std::unexpected(api_error(results.error(), stream->key)));
                       count(reply, results->size(), bytes);
                       std::string body;
                       body.reserve(64 + 120 * results->size());
                       JsonWriter w(body);
                       w.begin_object().field("FailedRecordCount", 0).key("Records").begin_array();
                       for (const PutResult& result : *results)
                         write_result(w, result);
                       w.end_array().end_object();
                       reply(std::move(body));
                     });
}

}  // namespace sluice::kinesis
