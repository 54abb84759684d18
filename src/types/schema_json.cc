// Reads Delta's schemaString (Spark's DataType.fromJson). Unknown types, missing members and
// nesting beyond kMaxDepth are refused with the path of the place.
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "types/data_type.h"

namespace sluice::types {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 100;  // of types; each may take three levels of JSON
constexpr std::size_t kMaxJsonDepth = 3 * kMaxDepth + 4;

using TypeResult = base::Result<DataType, SchemaError>;

std::unexpected<base::Failure<SchemaError>> invalid(const std::string& path, std::string_view why) {
  return base::fail(SchemaError::kInvalid, "schema: " + (path.empty() ? std::string("top") : path) +
                                               ": " + std::string(why));
}

std::optional<TypeKind> simple_kind(std::string_view name) {
  struct Row {
    std::string_view name;
    TypeKind kind;
  };
  static constexpr Row kRows[] = {
      {"boolean", TypeKind::kBoolean},     {"byte", TypeKind::kByte},
      {"short", TypeKind::kShort},         {"integer", TypeKind::kInt},
      {"long", TypeKind::kLong},           {"float", TypeKind::kFloat},
      {"double", TypeKind::kDouble},       {"string", TypeKind::kString},
      {"binary", TypeKind::kBinary},       {"date", TypeKind::kDate},
      {"timestamp", TypeKind::kTimestamp}, {"timestamp_ntz", TypeKind::kTimestampNtz},
      {"void", TypeKind::kNull},           {"null", TypeKind::kNull},
  };
  for (const Row& row : kRows) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

// "decimal(10,2)" with blanks where Spark allows them; nullopt: not a decimal in bounds.
std::optional<DataType> decimal_type(std::string_view text) {
  if (text == "decimal") return DataType::decimal(10, 0);
  if (!text.starts_with("decimal(") || !text.ends_with(")")) return std::nullopt;
  text = text.substr(8, text.size() - 9);
  std::array<int, 2> numbers{};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto skip = text.find_first_not_of(' ');
    if (skip == std::string_view::npos) return std::nullopt;
    text.remove_prefix(skip);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto rest = text.find_first_not_of(' ');
    text = rest == std::string_view::npos ? std::string_view() : text.substr(rest);
    if (i == 0) {
      if (!text.starts_with(',')) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  const auto [precision, scale] = numbers;
  if (!text.empty() || precision < 1 || precision > 38 || scale < 0 || scale > precision)
    return std::nullopt;
  return DataType::decimal(precision, scale);
}

TypeResult parse_type(const json::value& value, const std::string& path, int depth);

base::Result<bool, SchemaError> member_bool(const json::object& object, const char* name,
                                            const std::string& path) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_bool())
    return invalid(path, std::string("needs the boolean ") + name);
  return value->get_bool();
}

TypeResult member_type(const json::object& object, const char* name, const std::string& path,
                       int depth) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return invalid(path, std::string("needs ") + name);
  return parse_type(*value, path.empty() ? name : path + "." + name, depth + 1);
}

base::Result<Field, SchemaError> parse_field(const json::value& value, const std::string& path,
                                             int depth) {
  const json::object* object = value.if_object();
  const json::value* name = object == nullptr ? nullptr : object->if_contains("name");
  if (name == nullptr || !name->is_string()) return invalid(path, "a field needs a name");
  const std::string text(name->get_string());
  const std::string inner = path.empty() ? text : path + "." + text;
  const json::value* type_value = object->if_contains("type");
  if (type_value == nullptr) return invalid(inner, "needs type");
  auto type = parse_type(*type_value, inner, depth + 1);
  if (!type) return std::unexpected(type.error());
  Field field = make_field(text, *std::move(type));
  if (object->if_contains("nullable") != nullptr) {
    const auto nullable = member_bool(*object, "nullable", inner);
    if (!nullable) return std::unexpected(nullable.error());
    field.nullable = *nullable;
  }
  const json::value* metadata = object->if_contains("metadata");
  if (metadata == nullptr || metadata->is_null()) return field;
  if (!metadata->is_object()) return invalid(inner, "metadata must be an object");
  for (const auto& entry : metadata->get_object()) {
    if (entry.key() == "comment" && entry.value().is_string())
      field.comment = std::string(entry.value().get_string());
    else
      field.metadata.emplace(entry.key(), json::serialize(entry.value()));
  }
  return field;
}

TypeResult parse_struct(const json::object& object, const std::string& path, int depth) {
  const json::value* list = object.if_contains("fields");
  if (list == nullptr || !list->is_array()) return invalid(path, "needs the array fields");
  std::vector<Field> fields;
  fields.reserve(list->get_array().size());
  for (const json::value& item : list->get_array()) {
    auto field = parse_field(item, path, depth);
    if (!field) return std::unexpected(field.error());
    fields.push_back(*std::move(field));
  }
  return DataType::structure(std::move(fields));
}

TypeResult parse_nested(const json::object& object, const std::string& path, int depth) {
  const json::value* type = object.if_contains("type");
  const std::string_view name =
      type != nullptr && type->is_string() ? std::string_view(type->get_string()) : "";
  if (name == "struct") return parse_struct(object, path, depth);
  if (name == "array") {
    auto element = member_type(object, "elementType", path, depth);
    if (!element) return element;
    const auto nulls = member_bool(object, "containsNull", path);
    if (!nulls) return std::unexpected(nulls.error());
    return DataType::array(*std::move(element), *nulls);
  }
  if (name == "map") {
    auto key = member_type(object, "keyType", path, depth);
    if (!key) return key;
    auto value = member_type(object, "valueType", path, depth);
    if (!value) return value;
    const auto nulls = member_bool(object, "valueContainsNull", path);
    if (!nulls) return std::unexpected(nulls.error());
    return DataType::map(*std::move(key), *std::move(value), *nulls);
  }
  return invalid(path, "unknown type \"" + std::string(name) + "\"");
}

TypeResult parse_type(const json::value& value, const std::string& path, int depth) {
  if (depth > kMaxDepth) return invalid(path, "nested too deeply");
  if (const json::object* object = value.if_object()) return parse_nested(*object, path, depth);
  if (!value.is_string()) return invalid(path, "a type is a string or an object");
  const std::string_view name = value.get_string();
  if (const auto kind = simple_kind(name)) return DataType::of(*kind);
  if (auto decimal = decimal_type(name)) return *std::move(decimal);
  return invalid(path, "unknown type \"" + std::string(name) + "\"");
}

}  // namespace

base::Result<DataType, SchemaError> parse_schema_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  const json::value value = json::parse(text, error, {}, options);
  if (error) return base::fail(SchemaError::kInvalid, "schema is not JSON: " + error.message());
  return parse_type(value, "", 0);
}

}  // namespace sluice::types
