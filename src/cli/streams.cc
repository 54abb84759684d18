// sluice streams: over the public Kinesis actions only.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/base64.h"
#include "base/uuid.h"
#include "cli/arguments.h"
#include "cli/backend.h"
#include "cli/interrupt.h"
#include "cli/tail.h"
#include "cli/text_table.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kPollMs = 200;
constexpr std::int64_t kActiveWaitMs = 30'000;
constexpr std::size_t kPutBatch = 500;  // PutRecords' limits, the bytes with room for base64
constexpr std::size_t kPutBatchBytes = std::size_t{5} << 20;

std::string text(const json::value& v) {
  return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

Outcome<json::object> summary_of(Backend& backend, std::string_view name) {
  auto reply = backend.kinesis("DescribeStreamSummary", {{"StreamName", name}});
  if (!reply) return reply;
  return reply->at("StreamDescriptionSummary").as_object();
}

int create(Backend& backend, const StreamsArguments& arguments) {
  json::object request{{"StreamName", arguments.name}};
  if (arguments.shards > 0) {
    request["ShardCount"] = arguments.shards;
  } else {
    request["StreamModeDetails"] = {{"StreamMode", "ON_DEMAND"}};
  }
  if (auto reply = backend.kinesis("CreateStream", request); !reply) return complain(reply.error());
  const Interrupt interrupt;
  for (std::int64_t waited = 0; waited < kActiveWaitMs; waited += kPollMs) {
    auto summary = summary_of(backend, arguments.name);
    if (!summary) return complain(summary.error());
    if (text(summary->at("StreamStatus")) == "ACTIVE") {
      if (arguments.where.json) {
        fmt::print("{}\n", json::serialize(*summary));
      } else {
        fmt::print("created {} ({})\n", arguments.name,
                   counted(summary->at("OpenShardCount").to_number<std::int64_t>(), "shard"));
      }
      return 0;
    }
    if (!interrupt.wait_ms(kPollMs)) return 1;
  }
  return complain(
      fmt::format("stream {} is not active after {} s", arguments.name, kActiveWaitMs / 1000));
}

Outcome<std::vector<std::string>> stream_names(Backend& backend) {
  std::vector<std::string> names;
  json::object request;
  for (;;) {
    auto page = backend.kinesis("ListStreams", request);
    if (!page) return std::unexpected(page.error());
    for (const auto& name : page->at("StreamNames").as_array())
      names.push_back(text(name));
    if (!page->at("HasMoreStreams").as_bool() || names.empty()) return names;
    request["ExclusiveStartStreamName"] = names.back();
  }
}

int list(Backend& backend, const StreamsArguments& arguments) {
  auto names = stream_names(backend);
  if (!names) return complain(names.error());
  std::vector<Row> rows;
  json::array all;
  for (const auto& name : *names) {
    auto summary = summary_of(backend, name);
    if (!summary) return complain(summary.error());
    const auto* mode = summary->if_contains("StreamModeDetails");
    rows.push_back({name, text(summary->at("StreamStatus")),
                    mode != nullptr ? text(mode->at("StreamMode")) : "",
                    text(summary->at("OpenShardCount")),
                    text(summary->at("RetentionPeriodHours")) + " h"});
    all.emplace_back(std::move(*summary));
  }
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(all));
  } else {
    fmt::print(
        "{}",
        format_table({{"stream"}, {"status"}, {"mode"}, {"open shards", true}, {"retention", true}},
                     rows, 80));
  }
  return 0;
}

// The stream with all its shards: AWS tells them in pages.
Outcome<json::object> description_of(Backend& backend, const std::string& name) {
  json::object whole;
  json::object request{{"StreamName", name}};
  for (;;) {
    auto reply = backend.kinesis("DescribeStream", request);
    if (!reply) return reply;
    json::object page = reply->at("StreamDescription").as_object();
    const bool more = page.at("HasMoreShards").as_bool();
    if (whole.empty()) {
      whole = std::move(page);
    } else {
      auto& shards = whole["Shards"].as_array();
      for (auto& shard : page.at("Shards").as_array())
        shards.push_back(std::move(shard));
    }
    const auto& shards = whole.at("Shards").as_array();
    whole["HasMoreShards"] = false;
    if (!more || shards.empty()) return whole;
    request["ExclusiveStartShardId"] = shards.back().at("ShardId");
  }
}

int describe(Backend& backend, const StreamsArguments& arguments) {
  auto described = description_of(backend, arguments.name);
  if (!described) return complain(described.error());
  const json::object& stream = *described;
  if (arguments.where.json) {
    fmt::print("{}\n", json::serialize(stream));
    return 0;
  }
  fmt::print("{}\n{}, retention {} hours\n\n", text(stream.at("StreamARN")),
             text(stream.at("StreamStatus")), text(stream.at("RetentionPeriodHours")));
  std::vector<Row> rows;
  for (const auto& shard : stream.at("Shards").as_array()) {
    const auto& range = shard.at("HashKeyRange").as_object();
    const auto& numbers = shard.at("SequenceNumberRange").as_object();
    rows.push_back({text(shard.at("ShardId")), text(range.at("StartingHashKey")),
                    text(range.at("EndingHashKey")),
                    numbers.contains("EndingSequenceNumber") ? "closed" : "open"});
  }
  fmt::print("{}",
             format_table({{"shard"}, {"first hash key", true}, {"last hash key", true}, {"state"}},
                          rows));
  return 0;
}

// Writes one batch; records that were throttled are sent again.
Outcome<void> put_batch(Backend& backend, const StreamsArguments& arguments, json::array records) {
  const Interrupt interrupt;
  while (!records.empty()) {
    auto reply =
        backend.kinesis("PutRecords", {{"StreamName", arguments.name}, {"Records", records}});
    if (!reply) return std::unexpected(reply.error());
    json::array rest;
    const auto& results = reply->at("Records").as_array();
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& result = results[i].as_object();
      if (result.contains("ErrorCode")) {
        rest.push_back(records[i]);
      } else if (arguments.where.json) {
        fmt::print("{}\n", json::serialize(result));
      }
    }
    if (!rest.empty() && !interrupt.wait_ms(kPollMs))
      return std::unexpected(std::string("interrupted"));
    records = std::move(rest);
  }
  return {};
}

// Collects records and writes them in batches that PutRecords takes.
class Putter {
 public:
  Putter(Backend& backend, const StreamsArguments& arguments)
      : backend_(backend), arguments_(arguments) {}

  Outcome<void> add(std::string_view data) {
    if (batch_.size() == kPutBatch || (bytes_ > 0 && bytes_ + data.size() > kPutBatchBytes)) {
      if (auto ok = flush(); !ok) return ok;
    }
    const std::string key =
        arguments_.partition_key.empty() ? base::random_uuid() : arguments_.partition_key;
    batch_.push_back(json::object{{"Data", base::base64_encode(data)}, {"PartitionKey", key}});
    bytes_ += data.size();
    return {};
  }

  Outcome<void> flush() {
    if (batch_.empty()) return {};
    const auto count = static_cast<std::int64_t>(batch_.size());
    bytes_ = 0;
    auto done = put_batch(backend_, arguments_, std::exchange(batch_, {}));
    if (!done)
      return std::unexpected(
          fmt::format("{} (written before: {})", done.error(), counted(written_, "record")));
    written_ += count;
    return {};
  }

  std::int64_t written() const { return written_; }

 private:
  Backend& backend_;
  const StreamsArguments& arguments_;
  json::array batch_;
  std::size_t bytes_ = 0;
  std::int64_t written_ = 0;
};

// A record a line.
Outcome<void> put_lines(Putter& putter, std::istream& lines) {
  std::string line;
  while (std::getline(lines, line)) {
    if (auto ok = putter.add(line); !ok) return ok;
  }
  if (lines.bad()) return std::unexpected(std::string("the input cannot be read"));
  return {};
}

int put(Backend& backend, const StreamsArguments& arguments) {
  Putter putter(backend, arguments);
  if (!arguments.text.empty()) {
    if (auto ok = putter.add(arguments.text); !ok) return complain(ok.error());
  } else if (!arguments.file.empty()) {
    std::ifstream file(arguments.file, std::ios::binary);
    if (!file) return complain(fmt::format("{}: cannot be opened", arguments.file));
    if (auto ok = put_lines(putter, file); !ok) return complain(ok.error());
  } else {
    if (auto ok = put_lines(putter, std::cin); !ok) return complain(ok.error());
  }
  if (auto ok = putter.flush(); !ok) return complain(ok.error());
  if (!arguments.where.json)
    fmt::print("put {} into {}\n", counted(putter.written(), "record"), arguments.name);
  return 0;
}

int remove(Backend& backend, const StreamsArguments& arguments) {
  auto reply = backend.kinesis("DeleteStream", {{"StreamName", arguments.name}});
  if (!reply) return complain(reply.error());
  // Done when the name is free again.
  const Interrupt interrupt;
  for (std::int64_t waited = 0; waited < kActiveWaitMs; waited += kPollMs) {
    auto names = stream_names(backend);
    if (!names) return complain(names.error());
    if (std::ranges::find(*names, arguments.name) == names->end()) {
      if (!arguments.where.json) fmt::print("deleted {}\n", arguments.name);
      return 0;
    }
    if (!interrupt.wait_ms(kPollMs)) return 1;
  }
  return complain(
      fmt::format("stream {} is still there after {} s", arguments.name, kActiveWaitMs / 1000));
}

}  // namespace

int run(const StreamsArguments& arguments) {
  const bool makes = arguments.action == StreamsArguments::Action::kCreate;
  auto backend =
      open_backend(arguments.where, makes ? DataFolder::kMayBeAbsent : DataFolder::kMustExist);
  if (!backend) return complain(backend.error());
  switch (arguments.action) {
    case StreamsArguments::Action::kCreate:
      return create(**backend, arguments);
    case StreamsArguments::Action::kList:
      return list(**backend, arguments);
    case StreamsArguments::Action::kDescribe:
      return describe(**backend, arguments);
    case StreamsArguments::Action::kPut:
      return put(**backend, arguments);
    case StreamsArguments::Action::kTail:
      return tail(**backend, arguments);
    case StreamsArguments::Action::kDelete:
      return remove(**backend, arguments);
  }
  return 2;
}

}  // namespace sluice::cli
