#include "cli/tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/text_table.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kPollMs = 200;

std::string text(const json::value& v) {
  return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

std::string clock_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// Seconds since 1970 of 2026-11-23T21:04:05.678Z; nullopt: it is no such time.
std::optional<double> utc_seconds(const std::string& time) {
  std::tm parts{};
  const char* rest = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  double fraction = 0;
  const char* const end = time.data() + time.size();
  if (*rest == '.') rest = std::from_chars(rest, end, fraction).ptr;
  if (std::string_view(rest, end) != "Z") return std::nullopt;
  return static_cast<double>(timegm(&parts)) + fraction;
}

// Where to begin, as GetShardIterator and the filter of ListShards name it.
struct Start {
  std::string type = "LATEST";
  std::optional<double> timestamp = std::nullopt;

  void add_to(json::object& request, const char* type_name, const std::string& type_value) const {
    request[type_name] = type_value;
    if (timestamp) request["Timestamp"] = *timestamp;
  }
};

Outcome<Start> start_of(const std::string& from) {
  if (from == "latest") return Start{};
  if (from == "earliest") return Start{.type = "TRIM_HORIZON"};
  const auto timestamp = utc_seconds(from);
  if (!timestamp)
    return std::unexpected(fmt::format(
        "--from: '{}' is neither earliest nor latest nor a time such as 2026-11-23T21:04:05Z",
        from));
  return Start{.type = "AT_TIMESTAMP", .timestamp = timestamp};
}

// Follows a stream: the shards that are open where it begins, each by its own iterator, and where
// one ends its children, which go on once all their parents have ended.
class Tail {
 public:
  Tail(Backend& backend, const StreamsArguments& arguments)
      : backend_(backend), arguments_(arguments) {}

  int run() {
    if (auto ok = open(); !ok) return complain(ok.error());
    while (!enough() && !interrupt_.requested()) {
      const auto got = read_all();
      if (!got) return complain(got.error());
      if (std::fflush(stdout) != 0) return 0;  // the reader had enough
      if (!enough()) show();
      if (*got == 0 && !enough()) interrupt_.wait_ms(kPollMs);
    }
    progress_.done(status());
    return 0;
  }

 private:
  struct Shard {
    std::string id, iterator;  // no iterator: closed, and read to its end
  };

  bool enough() const { return arguments_.count > 0 && shown_ >= arguments_.count; }
  std::string status() const {
    return fmt::format("{}: {}, last updated {}", arguments_.name, counted(shown_, "record"),
                       updated_ms_ == 0 ? "never" : clock_text(updated_ms_) + " UTC");
  }
  void show() { progress_.update(status()); }

  Outcome<void> open() {
    const auto start = start_of(arguments_.from);
    if (!start) return std::unexpected(start.error());
    // A child may have been there at the time already: shards are listed by whole seconds.
    if (start->timestamp) start_of_children_ = *start;
    json::object filter;
    start->add_to(filter, "Type", start->timestamp ? start->type : "AT_" + start->type);
    json::object request{{"StreamName", arguments_.name}, {"ShardFilter", filter}};
    for (;;) {
      auto page = backend_.kinesis("ListShards", request);
      if (!page) return std::unexpected(page.error());
      for (const auto& shard : page->at("Shards").as_array()) {
        if (auto ok = follow(text(shard.at("ShardId")), *start); !ok) return ok;
      }
      const auto* token = page->if_contains("NextToken");
      if (token == nullptr) return {};
      request = {{"NextToken", *token}};
    }
  }

  Outcome<void> follow(const std::string& id, const Start& start) {
    json::object request{{"StreamName", arguments_.name}, {"ShardId", id}};
    start.add_to(request, "ShardIteratorType", start.type);
    auto reply = backend_.kinesis("GetShardIterator", request);
    if (!reply) return std::unexpected(reply.error());
    shards_.push_back({id, text(reply->at("ShardIterator"))});
    return {};
  }

  // Reads each shard once; the number of records.
  Outcome<std::int64_t> read_all() {
    std::int64_t got = 0;
    for (auto& shard : shards_) {
      if (enough()) return got;
      auto n = read(shard);
      if (!n) return n;
      got += *n;
    }
    std::erase_if(shards_, [](const Shard& shard) { return shard.iterator.empty(); });
    if (auto ok = follow_children(); !ok) return std::unexpected(ok.error());
    return got;
  }

  Outcome<std::int64_t> read(Shard& shard) {
    auto page =
        backend_.kinesis("GetRecords", {{"ShardIterator", shard.iterator}, {"Limit", 1'000}});
    if (!page) return std::unexpected(page.error());
    std::int64_t count = 0;
    for (const auto& record : page->at("Records").as_array()) {
      if (enough()) break;
      print(shard, record.as_object());
      ++count;
    }
    if (count > 0) updated_ms_ = base::system_clock().now_ms();
    const auto* next = page->if_contains("NextShardIterator");
    shard.iterator = next != nullptr ? text(*next) : "";
    if (next == nullptr) ended_.insert(shard.id);
    if (const auto* children = page->if_contains("ChildShards")) {
      for (const auto& child : children->as_array()) {
        auto& parents = waiting_[text(child.at("ShardId"))];
        parents.clear();
        for (const auto& parent : child.at("ParentShards").as_array())
          parents.push_back(text(parent));
      }
    }
    return count;
  }

  Outcome<void> follow_children() {
    for (auto child = waiting_.begin(); child != waiting_.end();) {
      const bool early = !std::ranges::all_of(
          child->second, [&](const std::string& parent) { return ended_.contains(parent); });
      if (early) {
        ++child;
        continue;
      }
      if (auto ok = follow(child->first, start_of_children_); !ok) return ok;
      child = waiting_.erase(child);
    }
    return {};
  }

  void print(const Shard& shard, const json::object& record) {
    ++shown_;
    const std::string data = base::base64_decode(text(record.at("Data"))).value_or("");
    if (!arguments_.where.json) {
      fmt::print("{}\n", data);
      return;
    }
    std::string line;  // not Boost's serializer: it writes the time as 1.7E9
    base::JsonWriter json(line);
    json.begin_object().field("shardId", std::string_view(shard.id));
    json.field("sequenceNumber", std::string_view(text(record.at("SequenceNumber"))));
    json.field("approximateArrivalTimestamp",
               record.at("ApproximateArrivalTimestamp").to_number<double>());
    json.field("partitionKey", std::string_view(text(record.at("PartitionKey"))));
    json.field("data", std::string_view(data)).end_object();
    fmt::print("{}\n", line);
  }

  Backend& backend_;
  const StreamsArguments& arguments_;
  const Interrupt interrupt_;
  Progress progress_;
  Start start_of_children_{.type = "TRIM_HORIZON"};
  std::vector<Shard> shards_;
  // Every later shard descends from those of the beginning: each parent is followed, and ends here.
  std::set<std::string> ended_;
  std::map<std::string, std::vector<std::string>> waiting_;  // children by id, with their parents
  std::int64_t shown_ = 0;
  std::int64_t updated_ms_ = 0;
};

}  // namespace

int tail(Backend& backend, const StreamsArguments& arguments) {
  return Tail(backend, arguments).run();
}

}  // namespace sluice::cli
