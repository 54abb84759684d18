#include "pipeline/flow_files.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <set>

#include "base/digest.h"
#include "base/json_writer.h"

namespace sluice::pipeline {
namespace {

namespace json = boost::json;
using base::JsonWriter;

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kFileBytesMax = std::size_t{64} << 20;
// Positions are kept in Delta's txn as signed numbers.
constexpr std::uint64_t kIndexMax = std::numeric_limits<std::int64_t>::max() - 1;

// ---- reading: the first thing that is wrong is kept, everything after it reads as empty

class Members {
 public:
  Members(const json::value* value, std::string where, std::string& error)
      : where_(std::move(where)), error_(error) {
    object_ = value == nullptr ? nullptr : value->if_object();
    if (object_ == nullptr) complain("an object was expected");
  }

  std::string text(std::string_view name) {
    const json::value* value = member(name);
    const json::string* found = value == nullptr ? nullptr : value->if_string();
    if (found == nullptr) {
      complain(fmt::format("`{}` must be a text", name));
      return {};
    }
    return std::string(std::string_view(*found));
  }

  std::uint64_t natural(std::string_view name, std::uint64_t max) {
    return natural(member(name), name, max);
  }

  std::int64_t integer(std::string_view name, std::int64_t min) {
    const json::value* value = member(name);
    const std::int64_t* found = value == nullptr ? nullptr : value->if_int64();
    if (found == nullptr || *found < min) {
      complain(fmt::format("`{}` must be an integer not below {}", name, min));
      return min;
    }
    return *found;
  }

  template <class F>
  void each(std::string_view name, F&& f) {
    const json::value* value = member(name);
    const json::array* found = value == nullptr ? nullptr : value->if_array();
    if (found == nullptr) return complain(fmt::format("`{}` must be a list", name));
    std::size_t at = 0;
    for (const json::value& item : *found)
      f(Members(&item, fmt::format("{}.{}[{}]", where_, name, at++), error_));
  }

  std::map<std::string, std::uint64_t> naturals(std::string_view name) {
    std::map<std::string, std::uint64_t> out;
    const json::value* value = member(name);
    const json::object* found = value == nullptr ? nullptr : value->if_object();
    if (found == nullptr) complain(fmt::format("`{}` must be an object", name));
    if (found == nullptr) return out;
    for (const auto& [key, number] : *found)
      out[std::string(std::string_view(key))] = natural(&number, key, kIndexMax);
    return out;
  }

  const json::value* optional(std::string_view name) const {
    return object_ == nullptr ? nullptr : object_->if_contains(name);
  }

  void only(std::initializer_list<std::string_view> names) {
    if (object_ == nullptr) return;
    for (const auto& [key, value] : *object_) {
      bool known = false;
      for (const std::string_view name : names)
        known = known || std::string_view(key) == name;
      if (!known) complain(fmt::format("`{}` is not known", std::string_view(key)));
    }
  }

  void complain(const std::string& what) {
    if (error_.empty()) error_ = fmt::format("{}: {}", where_, what);
  }

 private:
  const json::value* member(std::string_view name) const { return optional(name); }

  std::uint64_t natural(const json::value* value, std::string_view name, std::uint64_t max) {
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0 &&
        static_cast<std::uint64_t>(value->get_int64()) <= max)
      return static_cast<std::uint64_t>(value->get_int64());
    complain(fmt::format("`{}` must be an integer from 0 to {}", name, max));
    return 0;
  }

  const json::object* object_ = nullptr;
  std::string where_;
  std::string& error_;
};

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string hex_text(Members& in, std::string_view name, std::size_t digits) {
  std::string text = in.text(name);
  if (!is_hex(text, digits)) in.complain(fmt::format("`{}` must be {} hex digits", name, digits));
  return text;
}

std::uint64_t hex_number(Members& in, std::string_view name) {
  const std::string text = hex_text(in, name, 16);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

void check_format(Members& in) {
  if (in.natural("format", kIndexMax) != kFormat)
    in.complain(fmt::format("format {} was expected: written by another version", kFormat));
}

ShardRange read_range(Members in) {
  in.only({"shard", "from", "to", "count"});
  ShardRange range;
  range.shard_id = in.text("shard");
  range.from = in.natural("from", kIndexMax);
  range.to = in.natural("to", kIndexMax);
  range.count = in.natural("count", kIndexMax);
  if (range.shard_id.empty()) in.complain("`shard` is empty");
  if (range.to < range.from || range.count > range.to - range.from)
    in.complain("`from`, `to` and `count` contradict each other");
  return range;
}

void read_plan_body(Members& in, Plan& plan) {
  plan.batch = in.integer("batch", 0);
  plan.generation = in.integer("generation", 0);
  plan.batch_time_ms = in.integer("batch_time_ms", 0);
  in.each("streams", [&plan](Members item) {
    item.only({"stream", "incarnation", "shards"});
    PlannedStream stream{item.text("stream"), item.text("incarnation"), {}};
    std::set<std::string> seen;
    item.each("shards", [&](const Members& shard) {
      stream.shards.push_back(read_range(shard));
      if (!seen.insert(stream.shards.back().shard_id).second)
        item.complain(fmt::format("shard {} twice", stream.shards.back().shard_id));
    });
    plan.streams.push_back(std::move(stream));
  });
}

KeyFileRef read_key_file(Members in) {
  in.only({"from", "to", "file", "count", "crc"});
  KeyFileRef ref;
  ref.from = in.integer("from", 0);
  ref.to = in.integer("to", 0);
  ref.file = in.text("file");
  ref.count = in.natural("count", kIndexMax);
  ref.crc =
      static_cast<std::uint32_t>(in.natural("crc", std::numeric_limits<std::uint32_t>::max()));
  if (ref.to < ref.from) in.complain("`from` is after `to`");
  if (ref.file.empty() || ref.file.find('/') != std::string::npos || ref.file.front() == '.')
    in.complain("`file` must be a file's name");
  return ref;
}

struct Document {
  json::value root;
  std::string error;
};

PipelineResult<json::value> parse_document(std::string_view text, const std::string& where) {
  if (text.size() > kFileBytesMax)
    return base::fail(PipelineError::kStopped, fmt::format("{}: too large", where));
  boost::system::error_code code;
  json::value root = json::parse(text, code);
  if (code)
    return base::fail(PipelineError::kStopped,
                      fmt::format("{}: damaged: {}", where, code.message()));
  return root;
}

std::unexpected<base::Failure<PipelineError>> damaged(const std::string& error) {
  return base::fail(PipelineError::kStopped, fmt::format("damaged: {}", error));
}

// ---- writing

void write_streams(JsonWriter& out, const std::vector<PlannedStream>& streams) {
  out.key("streams").begin_array();
  for (const PlannedStream& stream : streams) {
    out.begin_object();
    out.field("stream", std::string_view(stream.name));
    out.field("incarnation", std::string_view(stream.incarnation));
    out.key("shards").begin_array();
    for (const ShardRange& range : stream.shards) {
      out.begin_object();
      out.field("shard", std::string_view(range.shard_id));
      out.field("from", range.from).field("to", range.to).field("count", range.count);
      out.end_object();
    }
    out.end_array().end_object();
  }
  out.end_array();
}

void write_plan_body(JsonWriter& out, const Plan& plan) {
  out.field("batch", plan.batch).field("generation", plan.generation);
  out.field("batch_time_ms", plan.batch_time_ms);
}

void write_key_file(JsonWriter& out, const KeyFileRef& ref) {
  out.begin_object();
  out.field("from", ref.from).field("to", ref.to).field("file", std::string_view(ref.file));
  out.field("count", ref.count).field("crc", static_cast<std::uint64_t>(ref.crc));
  out.end_object();
}

}  // namespace

const FlowStream* FlowFile::find(const std::string& stream_name) const {
  for (const FlowStream& stream : streams)
    if (stream.name == stream_name) return &stream;
  return nullptr;
}

std::uint64_t Plan::records() const {
  std::uint64_t sum = 0;
  for (const PlannedStream& stream : streams)
    for (const ShardRange& range : stream.shards)
      sum += range.count;
  return sum;
}

std::string to_json(const FlowFile& file) {
  std::string text;
  JsonWriter out(text);
  out.begin_object().field("format", kFormat);
  out.field("flow", std::string_view(file.flow_id));
  out.field("name", std::string_view(file.flow_name));
  out.field("table_id", std::string_view(file.table_id));
  out.field("generation", file.generation);
  out.field("hash_seed", std::string_view(fmt::format("{:016x}", file.hash_seed)));
  out.key("streams").begin_array();
  for (const FlowStream& stream : file.streams) {
    out.begin_object();
    out.field("stream", std::string_view(stream.name));
    out.field("incarnation", std::string_view(stream.incarnation));
    out.key("start").begin_object();
    for (const auto& [shard, index] : stream.start)
      out.field(shard, index);
    out.end_object().end_object();
  }
  out.end_array().end_object();
  return text + "\n";
}

std::string to_json(const Plan& plan) {
  std::string text;
  JsonWriter out(text);
  out.begin_object().field("format", kFormat);
  write_plan_body(out, plan);
  out.field("sql_hash", std::string_view(plan.sql_hash));
  out.field("schema_hash", std::string_view(plan.schema_hash));
  write_streams(out, plan.streams);
  out.end_object();
  return text + "\n";
}

std::string to_json(const Head& head) {
  std::string text;
  JsonWriter out(text);
  out.begin_object().field("format", kFormat).field("batch", head.batch);
  out.field("generation", head.generation).field("batch_time_ms", head.batch_time_ms);
  out.key("files").begin_array();
  for (const KeyFileRef& ref : head.files)
    write_key_file(out, ref);
  out.end_array().end_object();
  return text + "\n";
}

std::string to_json(const CommitRecord& record) {
  std::string text;
  JsonWriter out(text);
  out.begin_object().field("format", kFormat);
  write_plan_body(out, record.plan);
  out.field("sql_hash", std::string_view(record.sql_hash));
  out.field("schema_hash", std::string_view(record.schema_hash));
  out.field("plan_sql_hash", std::string_view(record.plan.sql_hash));
  out.field("plan_schema_hash", std::string_view(record.plan.schema_hash));
  write_streams(out, record.plan.streams);
  if (record.state) {
    out.key("state");
    write_key_file(out, *record.state);
  }
  out.end_object();
  return text;
}

PipelineResult<FlowFile> parse_flow_file(std::string_view text, const std::string& where) {
  auto root = parse_document(text, where);
  if (!root) return std::unexpected(root.error());
  std::string error;
  Members in(&*root, where, error);
  check_format(in);
  in.only({"format", "flow", "name", "table_id", "generation", "hash_seed", "streams"});
  FlowFile file;
  file.flow_id = in.text("flow");
  file.flow_name = in.text("name");
  file.table_id = in.text("table_id");
  file.generation = in.integer("generation", 0);
  file.hash_seed = hex_number(in, "hash_seed");
  in.each("streams", [&file](Members item) {
    item.only({"stream", "incarnation", "start"});
    file.streams.push_back(
        FlowStream{item.text("stream"), item.text("incarnation"), item.naturals("start")});
  });
  if (!error.empty()) return damaged(error);
  return file;
}

PipelineResult<Plan> parse_plan(std::string_view text, const std::string& where) {
  auto root = parse_document(text, where);
  if (!root) return std::unexpected(root.error());
  std::string error;
  Members in(&*root, where, error);
  check_format(in);
  in.only({"format", "batch", "generation", "batch_time_ms", "sql_hash", "schema_hash", "streams"});
  Plan plan;
  read_plan_body(in, plan);
  plan.sql_hash = hex_text(in, "sql_hash", 32);
  plan.schema_hash = hex_text(in, "schema_hash", 32);
  if (!error.empty()) return damaged(error);
  return plan;
}

PipelineResult<Head> parse_head(std::string_view text, const std::string& where) {
  auto root = parse_document(text, where);
  if (!root) return std::unexpected(root.error());
  std::string error;
  Members in(&*root, where, error);
  check_format(in);
  in.only({"format", "batch", "generation", "batch_time_ms", "files"});
  Head head;
  head.batch = in.integer("batch", 0);
  head.generation = in.integer("generation", 0);
  head.batch_time_ms = in.integer("batch_time_ms", 0);
  in.each("files", [&](const Members& item) { head.files.push_back(read_key_file(item)); });
  std::int64_t next = 0;
  for (const KeyFileRef& ref : head.files) {
    if (ref.from != next) in.complain("`files` do not follow each other");
    next = ref.to + 1;
  }
  if (!head.files.empty() && next != head.batch + 1) in.complain("`files` do not reach `batch`");
  if (!error.empty()) return damaged(error);
  return head;
}

PipelineResult<CommitRecord> parse_commit_record(std::string_view text, const std::string& where) {
  auto root = parse_document(text, where);
  if (!root) return std::unexpected(root.error());
  std::string error;
  Members in(&*root, where, error);
  check_format(in);
  CommitRecord record;
  read_plan_body(in, record.plan);
  record.sql_hash = hex_text(in, "sql_hash", 32);
  record.schema_hash = hex_text(in, "schema_hash", 32);
  record.plan.sql_hash = hex_text(in, "plan_sql_hash", 32);
  record.plan.schema_hash = hex_text(in, "plan_schema_hash", 32);
  if (const json::value* state = in.optional("state"))
    record.state = read_key_file(Members(state, where + ".state", error));
  if (!error.empty()) return damaged(error);
  return record;
}

std::string text_hash(std::string_view text) {
  const base::Uint128 hash = base::xxh3_128(text, 0);
  return fmt::format("{:016x}{:016x}", base::high64(hash), base::low64(hash));
}

}  // namespace sluice::pipeline
