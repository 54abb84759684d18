#include "delta/protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "delta/actions.h"

namespace sluice::delta {
namespace {

constexpr std::int64_t kSecond = 1000;  // in milliseconds
constexpr int kReaderVersionMax = 3;
constexpr int kWriterVersionMax = 7;

// Features that may be listed; those that need more than their being listed are checked by what
// switches them on.
constexpr std::array<std::string_view, 4> kReaderFeatures = {"timestampNtz", "columnMapping",
                                                             "v2Checkpoint", "vacuumProtocolCheck"};
constexpr std::array<std::string_view, 11> kWriterFeatures = {
    "timestampNtz",     "columnMapping",   "v2Checkpoint",       "vacuumProtocolCheck",
    "appendOnly",       "invariants",      "checkConstraints",   "changeDataFeed",
    "generatedColumns", "identityColumns", "allowColumnDefaults"};

// Properties a new table may have; anything else that begins with "delta." asks for something.
constexpr std::array<std::string_view, 14> kProperties = {
    "delta.appendOnly",
    "delta.autoOptimize.autoCompact",
    "delta.autoOptimize.optimizeWrite",
    "delta.checkpointInterval",
    "delta.dataSkippingNumIndexedCols",
    "delta.deletedFileRetentionDuration",
    "delta.enableExpiredLogCleanup",
    "delta.logRetentionDuration",
    "delta.parquet.compression.codec",
    "delta.targetFileSize",
    "delta.tuneFileSizesForRewrites",
    "delta.checkpoint.writeStatsAsJson",
    "delta.isolationLevel",
    "delta.setTransactionRetentionDuration",
};

auto unsupported(std::string message) {
  return base::fail(DeltaError::kUnsupported, std::move(message));
}

std::string property(const Metadata& metadata, const std::string& name) {
  const auto found = metadata.configuration.find(name);
  return found == metadata.configuration.end() ? std::string() : found->second;
}

DeltaResult<void> check_column_mapping(const Metadata& metadata) {
  const auto mode = property(metadata, "delta.columnMapping.mode");
  if (mode.empty() || mode == "none") return {};
  return unsupported(fmt::format("column mapping (delta.columnMapping.mode = {})", mode));
}

template <class Known>
DeltaResult<void> check_features(const std::vector<std::string>& features, const Known& known,
                                 std::string_view doing) {
  for (const auto& feature : features)
    if (std::ranges::find(known, feature) == known.end())
      return unsupported(fmt::format("table feature '{}' is needed for {}", feature, doing));
  return {};
}

DeltaResult<void> check_schema_metadata(std::string_view schema_string) {
  for (const auto& key : schema_metadata_keys(schema_string)) {
    if (key == "delta.invariants") return unsupported("column invariants (delta.invariants)");
    if (key == "delta.generationExpression") return unsupported("generated columns");
    if (key.starts_with("delta.identity.")) return unsupported("identity columns");
    if (key.starts_with("delta.columnMapping.")) return unsupported("column mapping");
    if (key == "CURRENT_DEFAULT") return unsupported("column defaults (CURRENT_DEFAULT)");
    if (key == "__CHAR_VARCHAR_TYPE_STRING") return unsupported("char and varchar columns");
  }
  return {};
}

// Calls `visit` for the type and everything inside it.
template <class Visit>
void for_each_type(const types::DataType& type, const Visit& visit) {
  visit(type);
  switch (type.kind()) {
    case types::TypeKind::kStruct:
      for (const auto& field : type.fields())
        for_each_type(*field.type, visit);
      return;
    case types::TypeKind::kArray:
      for_each_type(type.element(), visit);
      return;
    case types::TypeKind::kMap:
      for_each_type(type.key(), visit);
      for_each_type(type.value(), visit);
      return;
    default:
      return;
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Names unique without regard to case, in every struct; partition columns there and of simple type.
DeltaResult<void> check_schema(const Metadata& metadata) {
  std::string duplicate;
  for_each_type(metadata.schema, [&](const types::DataType& type) {
    if (type.kind() != types::TypeKind::kStruct) return;
    std::set<std::string> names;
    for (const auto& field : type.fields())
      if (!names.insert(lower(field.name)).second) duplicate = field.name;
  });
  if (!duplicate.empty())
    return base::fail(DeltaError::kSchema,
                      fmt::format("[COLUMN_ALREADY_EXISTS] The column `{}` already exists. Choose "
                                  "another name or rename the existing column.",
                                  lower(duplicate)));
  std::string invalid;
  for_each_type(metadata.schema, [&](const types::DataType& type) {
    if (type.kind() != types::TypeKind::kStruct) return;
    for (const auto& field : type.fields())
      if (field.name.empty() || field.name.find_first_of(" ,;{}()\n\t=") != std::string::npos)
        invalid = field.name;
  });
  if (!invalid.empty())
    return base::fail(
        DeltaError::kSchema,
        fmt::format("[DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES] Found invalid character(s) among ' "
                    ",;{{}}()\\n\\t=' in the column names of your schema. Column: `{}`",
                    invalid));
  if (metadata.schema.fields().empty())
    return base::fail(DeltaError::kSchema, "a table needs at least one column");
  for (const auto& name : metadata.partition_columns) {
    const auto& fields = metadata.schema.fields();
    const auto field = std::ranges::find(fields, name, &types::Field::name);
    if (field == fields.end())
      return base::fail(DeltaError::kSchema, fmt::format("partition column `{}` not found", name));
    const auto kind = field->type->kind();
    if (kind >= types::TypeKind::kArray || kind == types::TypeKind::kBinary)
      return unsupported(
          fmt::format("column `{}` of type {} as partition column", name, field->type->to_sql()));
  }
  if (metadata.partition_columns.size() == metadata.schema.fields().size())
    return base::fail(DeltaError::kSchema, "not every column can be a partition column");
  return {};
}

}  // namespace

DeltaResult<void> check_readable(const Protocol& protocol, const Metadata& metadata,
                                 std::string_view format) {
  if (format != "parquet") return unsupported(fmt::format("data files of format '{}'", format));
  if (protocol.min_reader > kReaderVersionMax)
    return unsupported(fmt::format("reader version {} (up to {} is supported)", protocol.min_reader,
                                   kReaderVersionMax));
  if (protocol.min_reader == 3)
    if (auto ok = check_features(protocol.reader_features, kReaderFeatures, "reading"); !ok)
      return ok;
  if (protocol.min_reader >= 2) return check_column_mapping(metadata);
  return {};
}

DeltaResult<void> check_writable(const Protocol& protocol, const Metadata& metadata,
                                 std::string_view schema_string) {
  if (protocol.min_writer > kWriterVersionMax)
    return unsupported(fmt::format("writer version {} (up to {} is supported)", protocol.min_writer,
                                   kWriterVersionMax));
  if (protocol.min_writer == 7)
    if (auto ok = check_features(protocol.writer_features, kWriterFeatures, "writing"); !ok)
      return ok;
  if (auto ok = check_column_mapping(metadata); !ok) return ok;
  for (const auto& [name, value] : metadata.configuration)
    if (name.starts_with("delta.constraints."))
      return unsupported(fmt::format("CHECK constraints ({})", name));
  return check_schema_metadata(schema_string);
}

DeltaResult<Protocol> protocol_for(const Metadata& metadata) {
  if (auto ok = check_schema(metadata); !ok) return std::unexpected(ok.error());
  for (const auto& [name, value] : metadata.configuration) {
    if (!lower(name).starts_with("delta.")) continue;
    const auto known = [&](std::string_view each) { return lower(each) == lower(name); };
    if (std::ranges::none_of(kProperties, known))
      return unsupported(fmt::format("table property '{}'", name));
  }
  bool has_null = false;
  bool has_ntz = false;
  for_each_type(metadata.schema, [&](const types::DataType& type) {
    has_null |= type.kind() == types::TypeKind::kNull;
    has_ntz |= type.kind() == types::TypeKind::kTimestampNtz;
  });
  if (has_null) return base::fail(DeltaError::kSchema, "a column of type VOID cannot be stored");
  if (!has_ntz) return Protocol{};
  return Protocol{.min_reader = 3,
                  .min_writer = 7,
                  .reader_features = {"timestampNtz"},
                  .writer_features = {"appendOnly", "invariants", "timestampNtz"}};
}

std::optional<std::int64_t> parse_interval_ms(std::string_view text) {
  std::string words = lower(text);
  std::string_view rest = words;
  const auto skip_blanks = [&] {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  };
  skip_blanks();
  if (rest.starts_with("interval")) rest.remove_prefix(8);
  std::int64_t total = 0;
  bool any = false;
  for (skip_blanks(); !rest.empty(); skip_blanks()) {
    std::int64_t count = 0;
    const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (number.ec != std::errc() || count < 0 || count > 1'000'000'000) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
    skip_blanks();
    std::string_view unit = rest.substr(0, rest.find(' '));
    rest.remove_prefix(unit.size());
    if (unit.ends_with('s')) unit.remove_suffix(1);
    if (unit == "millisecond")
      total += count;
    else if (unit == "second")
      total += count * kSecond;
    else if (unit == "minute")
      total += count * 60 * kSecond;
    else if (unit == "hour")
      total += count * 3600 * kSecond;
    else if (unit == "day")
      total += count * 86'400 * kSecond;
    else if (unit == "week")
      total += count * 7 * 86'400 * kSecond;
    else
      return std::nullopt;
    any = true;
  }
  return any ? std::optional(total) : std::nullopt;
}

}  // namespace sluice::delta
