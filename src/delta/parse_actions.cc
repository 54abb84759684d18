// JSON lines of a log to actions. The DOM parser reads a line whole: members come in any order.
#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

#include "delta/actions.h"

namespace sluice::delta {
namespace {

namespace dom = simdjson::dom;

// A member that breaks the protocol; turned into kCorrupt with file and line at the edge.
struct Malformed {
  std::string what;
};

using Found = std::expected<void, Malformed>;

std::unexpected<Malformed> wrong(std::string_view member, std::string_view want) {
  return std::unexpected(Malformed{fmt::format("'{}' is not {}", member, want)});
}

// Absent and null are the same to a reader.
std::optional<dom::element> member(dom::object object, std::string_view name) {
  dom::element value;
  if (object[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

Found read_text(dom::object object, std::string_view name, std::string& out, bool required) {
  const auto value = member(object, name);
  if (!value && required) return wrong(name, "there");
  if (!value) return {};
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) return wrong(name, "a string");
  out = text;
  return {};
}

Found read_integer(dom::object object, std::string_view name, std::int64_t& out, bool required) {
  const auto value = member(object, name);
  if (!value && required) return wrong(name, "there");
  if (value && value->get(out) != simdjson::SUCCESS) return wrong(name, "an integer");
  return {};
}

Found read_flag(dom::object object, std::string_view name, bool& out) {
  const auto value = member(object, name);
  if (value && value->get(out) != simdjson::SUCCESS) return wrong(name, "a boolean");
  return {};
}

// For what is free-form: a member of an unexpected type is as good as absent.
void tolerate(const Found&) {}

std::string text_of(dom::element value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

// Values that are not strings are kept as their JSON text (operationParameters of some writers).
template <class Map>
Found read_map(dom::object object, std::string_view name, Map& out) {
  const auto value = member(object, name);
  if (!value) return {};
  dom::object map;
  if (value->get(map) != simdjson::SUCCESS) return wrong(name, "an object");
  for (const auto field : map) {
    if (!field.value.is_null())
      out.insert_or_assign(std::string(field.key), text_of(field.value));
    else if constexpr (!std::is_same_v<typename Map::mapped_type, std::string>)
      out.insert_or_assign(std::string(field.key), std::nullopt);
  }
  return {};
}

Found read_names(dom::object object, std::string_view name, std::vector<std::string>& out) {
  const auto value = member(object, name);
  if (!value) return {};
  dom::array array;
  if (value->get(array) != simdjson::SUCCESS) return wrong(name, "an array");
  for (const auto element : array) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return wrong(name, "an array of strings");
    out.emplace_back(text);
  }
  return {};
}

// Runs the reads in turn up to the first that fails.
template <class... Reads>
Found all(Reads&&... reads) {
  Found result;
  (void)((result = reads(), result.has_value()) && ...);
  return result;
}

#define SLUICE_READ(expression) [&] { return (expression); }

Found parse_commit_info(dom::object object, Actions& out) {
  CommitRecord info;
  std::int64_t timestamp = -1;
  tolerate(read_integer(object, "timestamp", timestamp, false));
  tolerate(read_integer(object, "inCommitTimestamp", timestamp, false));
  if (timestamp >= 0) info.timestamp_ms = timestamp;
  tolerate(read_text(object, "operation", info.operation, false));
  tolerate(read_map(object, "operationParameters", info.parameters));
  tolerate(read_map(object, "operationMetrics", info.metrics));
  tolerate(read_text(object, "engineInfo", info.engine, false));
  tolerate(read_text(object, "txnId", info.txn_id, false));
  info.json = simdjson::minify(object);
  out.info = std::move(info);
  return {};
}

Found parse_protocol(dom::object object, Actions& out) {
  Protocol protocol;
  std::int64_t reader = 0;
  std::int64_t writer = 0;
  const auto ok = all(SLUICE_READ(read_integer(object, "minReaderVersion", reader, true)),
                      SLUICE_READ(read_integer(object, "minWriterVersion", writer, true)),
                      SLUICE_READ(read_names(object, "readerFeatures", protocol.reader_features)),
                      SLUICE_READ(read_names(object, "writerFeatures", protocol.writer_features)));
  if (!ok) return ok;
  if (reader < 0 || reader > 1'000 || writer < 0 || writer > 1'000)
    return wrong("protocol", "of a version that exists");
  protocol.min_reader = static_cast<int>(reader);
  protocol.min_writer = static_cast<int>(writer);
  out.protocol = std::move(protocol);
  return {};
}

Found parse_metadata(dom::object object, Actions& out) {
  Metadata metadata;
  const auto ok =
      all(SLUICE_READ(read_text(object, "id", metadata.id, true)),
          SLUICE_READ(read_text(object, "name", metadata.name, false)),
          SLUICE_READ(read_text(object, "description", metadata.description, false)),
          SLUICE_READ(read_text(object, "schemaString", out.schema_string, true)),
          SLUICE_READ(read_names(object, "partitionColumns", metadata.partition_columns)),
          SLUICE_READ(read_map(object, "configuration", metadata.configuration)),
          SLUICE_READ(read_integer(object, "createdTime", metadata.created_ms, false)));
  if (!ok) return ok;
  const auto format = member(object, "format");
  dom::object format_object;
  if (!format || format->get(format_object) != simdjson::SUCCESS) return wrong("format", "there");
  if (auto found = read_text(format_object, "provider", out.format, true); !found) return found;
  auto schema = types::parse_schema_json(out.schema_string);
  if (!schema)
    return std::unexpected(Malformed{fmt::format("schemaString: {}", schema.error().message)});
  if (schema->kind() != types::TypeKind::kStruct) return wrong("schemaString", "a struct");
  metadata.schema = std::move(*schema);
  out.metadata = std::move(metadata);
  return {};
}

void note_unsupported(Actions& out, std::string name) {
  if (std::ranges::find(out.unsupported, name) == out.unsupported.end())
    out.unsupported.push_back(std::move(name));
}

// A checkpoint may carry statistics as columns alone; of these only the count is kept.
void read_parsed_stats(dom::object object, AddFile& add) {
  const auto parsed = member(object, "stats_parsed");
  dom::object stats;
  std::int64_t records = -1;
  if (!add.stats_json.empty() || !parsed || parsed->get(stats) != simdjson::SUCCESS) return;
  if (!read_integer(stats, "numRecords", records, false) || records < 0) return;
  add.stats_json = fmt::format(R"({{"numRecords":{}}})", records);
}

Found parse_add(dom::object object, Actions& out) {
  AddFile add;
  const auto ok = all(SLUICE_READ(read_text(object, "path", add.path, true)),
                      SLUICE_READ(read_map(object, "partitionValues", add.partition_values)),
                      SLUICE_READ(read_integer(object, "size", add.size_bytes, true)),
                      SLUICE_READ(read_integer(object, "modificationTime", add.modified_ms, false)),
                      SLUICE_READ(read_flag(object, "dataChange", add.data_change)),
                      SLUICE_READ(read_text(object, "stats", add.stats_json, false)),
                      SLUICE_READ(read_map(object, "tags", add.tags)));
  if (!ok) return ok;
  if (add.size_bytes < 0) return wrong("size", "a size");
  read_parsed_stats(object, add);
  if (member(object, "deletionVector")) note_unsupported(out, "deletionVectors");
  out.adds.push_back(std::move(add));
  return {};
}

Found parse_remove(dom::object object, Actions& out) {
  RemoveFile remove;
  remove.size_bytes = -1;
  const auto ok =
      all(SLUICE_READ(read_text(object, "path", remove.path, true)),
          SLUICE_READ(read_integer(object, "deletionTimestamp", remove.deleted_ms, false)),
          SLUICE_READ(read_flag(object, "dataChange", remove.data_change)),
          SLUICE_READ(read_map(object, "partitionValues", remove.partition_values)),
          SLUICE_READ(read_integer(object, "size", remove.size_bytes, false)));
  if (!ok) return ok;
  if (member(object, "deletionVector")) note_unsupported(out, "deletionVectors");
  out.removes.push_back(std::move(remove));
  return {};
}

Found parse_txn(dom::object object, Actions& out) {
  Txn txn;
  const auto ok = all(SLUICE_READ(read_text(object, "appId", txn.app_id, true)),
                      SLUICE_READ(read_integer(object, "version", txn.version, true)),
                      SLUICE_READ(read_integer(object, "lastUpdated", txn.updated_ms, false)));
  if (!ok) return ok;
  out.txns.push_back(std::move(txn));
  return {};
}

Found parse_action(std::string_view name, dom::object object, Actions& out) {
  if (name == "add") return parse_add(object, out);
  if (name == "remove") return parse_remove(object, out);
  if (name == "txn") return parse_txn(object, out);
  if (name == "commitInfo") return parse_commit_info(object, out);
  if (name == "protocol") return parse_protocol(object, out);
  if (name == "metaData") return parse_metadata(object, out);
  // What only tables with a feature may hold; the feature check decides, a reader may go on.
  if (name == "sidecar" || name == "domainMetadata") note_unsupported(out, std::string(name));
  return {};
}

Found parse_line(dom::element line, Actions& out) {
  dom::object object;
  if (line.get(object) != simdjson::SUCCESS)
    return std::unexpected(Malformed{"the line is not a JSON object"});
  for (const auto field : object) {
    dom::object action;
    if (field.value.get(action) != simdjson::SUCCESS) continue;  // null in a checkpoint's row
    if (auto ok = parse_action(field.key, action, out); !ok) return ok;
  }
  return {};
}

// Keys of every object called "metadata", at any depth of a schema.
void collect_metadata_keys(dom::element element, std::vector<std::string>& out) {
  dom::array array;
  if (element.get(array) == simdjson::SUCCESS) {
    for (const auto child : array)
      collect_metadata_keys(child, out);
    return;
  }
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return;
  for (const auto field : object) {
    dom::object metadata;
    if (field.key != "metadata" || field.value.get(metadata) != simdjson::SUCCESS) {
      collect_metadata_keys(field.value, out);
      continue;
    }
    for (const auto key : metadata)
      if (key.key != "comment") out.emplace_back(key.key);
  }
}

}  // namespace

DeltaResult<Actions> parse_actions(std::string_view text, std::string_view name) {
  const simdjson::padded_string padded(text);
  dom::parser parser;
  Actions out;
  std::size_t line_number = 0;
  std::size_t at = 0;
  while (at < padded.size()) {
    ++line_number;
    const auto* begin = padded.data() + at;
    auto end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line(begin, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto corrupt = [&](std::string_view what) {
      return base::fail(DeltaError::kCorrupt, fmt::format("{}:{}: {}", name, line_number, what));
    };
    dom::element element;
    // The bytes behind the line are the next line's, or the padding: readable either way.
    const auto error = parser.parse(line.data(), line.size(), false).get(element);
    if (error != simdjson::SUCCESS) return corrupt(simdjson::error_message(error));
    if (auto ok = parse_line(element, out); !ok) return corrupt(ok.error().what);
  }
  return out;
}

std::vector<std::string> schema_metadata_keys(std::string_view schema_string) {
  std::vector<std::string> keys;
  const simdjson::padded_string padded(schema_string);
  dom::parser parser;
  dom::element element;
  if (parser.parse(padded).get(element) == simdjson::SUCCESS) collect_metadata_keys(element, keys);
  return keys;
}

std::int64_t AddFile::records() const {
  if (stats_json.empty()) return -1;
  const simdjson::padded_string padded(stats_json);
  dom::parser parser;
  dom::object stats;
  std::int64_t records = -1;
  if (parser.parse(padded).get(stats) != simdjson::SUCCESS) return -1;
  tolerate(read_integer(stats, "numRecords", records, false));
  return std::max<std::int64_t>(records, -1);
}

Version parse_checkpoint_hint(std::string_view text) {
  const simdjson::padded_string padded(text);
  dom::parser parser;
  dom::object hint;
  std::int64_t version = -1;
  if (parser.parse(padded).get(hint) != simdjson::SUCCESS) return Version(-1);
  if (!read_integer(hint, "version", version, true) || version < 0) return Version(-1);
  return Version(version);
}

}  // namespace sluice::delta
