// The room's door functions register_functions and register_natives, and what bindings share.
#include "sparksql/functions/native.h"

#include <cassert>

namespace sluice::sparksql {

duck::LogicalType native_type(char code) {
  using duck::LogicalType;
  switch (code) {
    case 's':
      return LogicalType(DUCKDB_TYPE_VARCHAR);
    case 'b':
      return LogicalType(DUCKDB_TYPE_BLOB);
    case '?':
      return LogicalType(DUCKDB_TYPE_BOOLEAN);
    case '1':
      return LogicalType(DUCKDB_TYPE_TINYINT);
    case '2':
      return LogicalType(DUCKDB_TYPE_SMALLINT);
    case '4':
      return LogicalType(DUCKDB_TYPE_INTEGER);
    case '8':
      return LogicalType(DUCKDB_TYPE_BIGINT);
    case 'f':
      return LogicalType(DUCKDB_TYPE_FLOAT);
    case 'd':
      return LogicalType(DUCKDB_TYPE_DOUBLE);
    case 'D':
      return LogicalType(DUCKDB_TYPE_DATE);
    case 'T':
      return LogicalType(DUCKDB_TYPE_TIMESTAMP_TZ);
    case 'N':
      return LogicalType(DUCKDB_TYPE_TIMESTAMP);
    case 'S':
      return LogicalType::list(LogicalType(DUCKDB_TYPE_VARCHAR));
    default:
      assert(false && "unknown type code");
      return LogicalType(DUCKDB_TYPE_VARCHAR);
  }
}

void NativeTable::flush() {
  if (pending_.empty()) return;
  auto functions = std::exchange(pending_, {});
  if (!result_) return;
  result_ = duck::register_overloads(connection_, std::move(functions));
}

void NativeTable::add_body(const std::string& name, std::string_view signature, bool throws,
                           duck::ScalarBody body) {
  if (!pending_.empty() && pending_.front().name != name) flush();
  const auto arrow = signature.find("->");
  assert(arrow != std::string_view::npos && signature.size() == arrow + 3);
  duck::ScalarFunction function{.name = name,
                                .arguments = {},
                                .result = native_type(signature[arrow + 2]),
                                .body = std::move(body),
                                .is_volatile = throws};
  for (const char code : signature.substr(0, arrow))
    function.arguments.push_back(native_type(code));
  pending_.push_back(std::move(function));
}

duck::DuckResult<void> NativeTable::finish() {
  flush();
  return std::move(result_);
}

const TimeZone* zone_of(ScalarCall& call, std::uint64_t argument, std::uint64_t row) {
  const std::string_view id = call.argument(argument).text(row);
  const TimeZone* zone = TimeZone::find(id);
  if (zone == nullptr)
    call.fail("[INVALID_TIMEZONE] The timezone: " + std::string(id) +
              " is invalid. The timezone must be either a region-based zone ID or a zone offset. "
              "SQLSTATE: 22009");
  return zone;
}

std::string cast_error(std::string_view text, std::string_view type) {
  return "[CAST_INVALID_INPUT] The value '" + std::string(text) +
         "' of the type \"STRING\" cannot be cast to \"" + std::string(type) +
         "\" because it is malformed. Correct the value as per the syntax, or change its target "
         "type. Use `try_cast` to tolerate malformed input and return NULL instead. SQLSTATE: "
         "22018";
}

duck::LogicalType to_logical_type(const types::DataType& type) {
  using duck::LogicalType;
  using types::TypeKind;
  switch (type.kind()) {
    case TypeKind::kNull:
      return LogicalType(DUCKDB_TYPE_SQLNULL);
    case TypeKind::kBoolean:
      return native_type('?');
    case TypeKind::kByte:
      return native_type('1');
    case TypeKind::kShort:
      return native_type('2');
    case TypeKind::kInt:
      return native_type('4');
    case TypeKind::kLong:
      return native_type('8');
    case TypeKind::kFloat:
      return native_type('f');
    case TypeKind::kDouble:
      return native_type('d');
    case TypeKind::kDecimal:
      return LogicalType::decimal(type.precision(), type.scale());
    case TypeKind::kString:
      return native_type('s');
    case TypeKind::kBinary:
      return native_type('b');
    case TypeKind::kDate:
      return native_type('D');
    case TypeKind::kTimestamp:
      return native_type('T');
    case TypeKind::kTimestampNtz:
      return native_type('N');
    case TypeKind::kArray:
      return LogicalType::list(to_logical_type(type.element()));
    case TypeKind::kMap:
      return LogicalType::map(to_logical_type(type.key()), to_logical_type(type.value()));
    case TypeKind::kStruct:
      break;
  }
  std::vector<std::string> names;
  std::vector<LogicalType> fields;
  for (const types::Field& field : type.fields()) {
    names.push_back(field.name);
    fields.push_back(to_logical_type(*field.type));
  }
  return LogicalType::structure(names, fields);
}

duck::DuckResult<void> register_functions(duck::Connection& connection) {
  for (auto* part : {register_cast_functions, register_text_functions, register_regex_functions,
                     register_datetime_functions}) {
    if (auto done = part(connection); !done) return done;
  }
  return {};
}

duck::DuckResult<void> register_natives(duck::Connection& connection,
                                        const std::vector<NativeFunction>& functions) {
  for (const NativeFunction& function : functions) {
    auto done = function.kind == "from_json" ? register_from_json(connection, function)
                                             : register_decimal_native(connection, function);
    if (!done) return done;
  }
  return {};
}

}  // namespace sluice::sparksql
