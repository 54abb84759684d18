// Actions to JSON lines, in the order and spelling that Spark's writer has.
#include <fmt/core.h>

#include "base/json_writer.h"
#include "delta/actions.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "0.1.0"
#endif

namespace sluice::delta {
namespace {

using base::JsonWriter;

template <class Pairs>
void write_texts(JsonWriter& json, std::string_view key, const Pairs& pairs) {
  json.key(key).begin_object();
  for (const auto& [name, text] : pairs)
    json.field(name, std::string_view(text));
  json.end_object();
}

void write_partition_values(JsonWriter& json,
                            const std::map<std::string, std::optional<std::string>>& values) {
  json.key("partitionValues").begin_object();
  for (const auto& [name, value] : values) {
    json.key(name);
    if (value)
      json.value(*value);
    else
      json.null();
  }
  json.end_object();
}

void write_names(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  json.key(key).begin_array();
  for (const auto& name : names)
    json.value(name);
  json.end_array();
}

}  // namespace

std::string engine_info() {
  return "Sluice/" SLUICE_VERSION;
}

void append_commit_info(std::string& out, const CommitInfo& info, std::int64_t timestamp_ms,
                        std::optional<Version> read_version) {
  JsonWriter json(out);
  json.begin_object().key("commitInfo").begin_object();
  json.field("timestamp", timestamp_ms);
  json.field("operation", std::string_view(info.operation));
  write_texts(json, "operationParameters", info.parameters);
  if (read_version) json.field("readVersion", (*read_version)());
  // As Spark: a commit that only rearranges data is serialised at the snapshot.
  const bool rearranges = info.operation == "OPTIMIZE";
  json.field("isolationLevel", rearranges ? "SnapshotIsolation" : "Serializable");
  json.field("isBlindAppend", info.blind_append);
  write_texts(json, "operationMetrics", info.metrics);
  json.field("engineInfo", std::string_view(engine_info()));
  json.field("txnId", std::string_view(info.txn_id));
  for (const auto& [name, value] : info.extra)
    json.key(name).raw(value);
  json.end_object().end_object();
  out.push_back('\n');
}

void append_protocol(std::string& out, const Protocol& protocol) {
  JsonWriter json(out);
  json.begin_object().key("protocol").begin_object();
  json.field("minReaderVersion", protocol.min_reader);
  json.field("minWriterVersion", protocol.min_writer);
  if (protocol.min_reader >= 3) write_names(json, "readerFeatures", protocol.reader_features);
  if (protocol.min_writer >= 7) write_names(json, "writerFeatures", protocol.writer_features);
  json.end_object().end_object();
  out.push_back('\n');
}

void append_metadata(std::string& out, const Metadata& metadata, std::string_view schema_string) {
  JsonWriter json(out);
  json.begin_object().key("metaData").begin_object();
  json.field("id", std::string_view(metadata.id));
  if (!metadata.name.empty()) json.field("name", std::string_view(metadata.name));
  if (!metadata.description.empty())
    json.field("description", std::string_view(metadata.description));
  json.key("format").raw(R"({"provider":"parquet","options":{}})");
  json.key("schemaString");
  if (schema_string.empty())
    json.value(metadata.schema.to_json());
  else
    json.value(schema_string);
  write_names(json, "partitionColumns", metadata.partition_columns);
  write_texts(json, "configuration", metadata.configuration);
  json.field("createdTime", metadata.created_ms);
  json.end_object().end_object();
  out.push_back('\n');
}

void append_txn(std::string& out, const Txn& txn) {
  JsonWriter json(out);
  json.begin_object().key("txn").begin_object();
  json.field("appId", std::string_view(txn.app_id));
  json.field("version", txn.version);
  if (txn.updated_ms != 0) json.field("lastUpdated", txn.updated_ms);
  json.end_object().end_object();
  out.push_back('\n');
}

void append_add(std::string& out, const AddFile& add) {
  JsonWriter json(out);
  json.begin_object().key("add").begin_object();
  json.field("path", std::string_view(add.path));
  write_partition_values(json, add.partition_values);
  json.field("size", add.size_bytes);
  json.field("modificationTime", add.modified_ms);
  json.field("dataChange", add.data_change);
  if (!add.stats_json.empty()) json.field("stats", std::string_view(add.stats_json));
  if (!add.tags.empty()) write_texts(json, "tags", add.tags);
  json.end_object().end_object();
  out.push_back('\n');
}

void append_remove(std::string& out, const RemoveFile& remove) {
  JsonWriter json(out);
  json.begin_object().key("remove").begin_object();
  json.field("path", std::string_view(remove.path));
  json.field("deletionTimestamp", remove.deleted_ms);
  json.field("dataChange", remove.data_change);
  if (remove.size_bytes >= 0) {  // else a foreign writer left size and values out
    json.field("extendedFileMetadata", true);
    write_partition_values(json, remove.partition_values);
    json.field("size", remove.size_bytes);
  }
  json.end_object().end_object();
  out.push_back('\n');
}

}  // namespace sluice::delta
