// from_json over DuckDB's vectors: decoded values are written into the result's columns.
#include <memory>

#include "sparksql/functions/from_json.h"
#include "sparksql/functions/java_number.h"
#include "sparksql/functions/native.h"

namespace sluice::sparksql {
namespace {

using types::DataType;
using types::TypeKind;

// A column being filled, and its children.
struct Column {
  const DataType* type;
  duck::Writer writer;
  std::vector<Column> children;  // struct: fields; array: element; map: key, value

  Column(const DataType& data_type, duck::Writer vector) : type(&data_type), writer(vector) {
    switch (type->kind()) {
      case TypeKind::kStruct:
        for (std::size_t i = 0; i < type->fields().size(); ++i)
          children.emplace_back(*type->fields()[i].type, writer.struct_child(i));
        break;
      case TypeKind::kArray:
        children.emplace_back(type->element(), writer.list_child());
        break;
      case TypeKind::kMap: {
        const duck::Writer entries = writer.list_child();
        children.emplace_back(type->key(), entries.struct_child(0));
        children.emplace_back(type->value(), entries.struct_child(1));
        break;
      }
      default:
        break;
    }
  }
};

void write(Column& column, std::uint64_t row, const JsonValue& value);

// Growing a list may move its elements: the children's writers are made anew.
std::uint64_t grow(Column& column, std::uint64_t row, std::uint64_t length) {
  const std::uint64_t offset = column.writer.append(row, length);
  column = Column(*column.type, column.writer);
  return offset;
}

void write_value(Column& column, std::uint64_t row, const JsonValue& value) {
  duck::Writer& writer = column.writer;
  switch (column.type->kind()) {
    case TypeKind::kBoolean:
      return writer.set(row, value.integer != 0);
    case TypeKind::kByte:
      return writer.set(row, static_cast<std::int8_t>(value.integer));
    case TypeKind::kShort:
      return writer.set(row, static_cast<std::int16_t>(value.integer));
    case TypeKind::kInt:
    case TypeKind::kDate:
      return writer.set(row, static_cast<std::int32_t>(value.integer));
    case TypeKind::kLong:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return writer.set(row, value.integer);
    case TypeKind::kFloat:
      return writer.set(row, static_cast<float>(value.real));
    case TypeKind::kDouble:
      return writer.set(row, value.real);
    case TypeKind::kDecimal:
      return writer.set_decimal(row, value.decimal);
    case TypeKind::kString:
    case TypeKind::kBinary:
      return writer.set_text(row, value.text());
    case TypeKind::kStruct:
      for (std::size_t i = 0; i < value.size; ++i)
        write(column.children[i], row, value.children[i]);
      return;
    case TypeKind::kArray: {
      const std::uint64_t offset = grow(column, row, value.size);
      for (std::uint64_t i = 0; i < value.size; ++i)
        write(column.children[0], offset + i, value.children[i]);
      return;
    }
    case TypeKind::kMap: {
      const std::uint64_t offset = grow(column, row, value.size / 2);
      for (std::uint64_t i = 0; i < value.size; ++i)
        write(column.children[i % 2], offset + i / 2, value.children[i]);
      return;
    }
    case TypeKind::kNull:
      return writer.set_null(row);
  }
}

void write(Column& column, std::uint64_t row, const JsonValue& value) {
  if (value.is_null)
    column.writer.set_null(row);
  else
    write_value(column, row, value);
}

void decode_chunk(const JsonDecoder& decoder, const DataType& type, ScalarCall& call) {
  thread_local Arena arena;
  arena.reset();
  Column column(type, call.result());
  for (std::uint64_t i = 0; i < call.size(); ++i) {
    JsonValue value;
    if (!call.any_null(i)) {
      const std::string_view text = call.argument(0).text(i);
      const auto outcome = decoder.decode(text, arena, value);
      if (outcome == JsonDecoder::Outcome::kFailed) return call.fail(decoder.failure(text));
    }
    write(column, i, value);
    // Values are copied into the vector; the arena serves one row at a time.
    arena.reset();
  }
}

}  // namespace

duck::DuckResult<void> register_from_json(duck::Connection& connection,
                                          const NativeFunction& function) {
  const auto type = std::make_shared<const DataType>(function.type);
  auto made = JsonDecoder::make(*type, function.options);
  if (!made) return base::fail(duck::DuckError::kInvalidInput, made.error());
  const auto decoder = std::make_shared<const JsonDecoder>(*std::move(made));
  const auto mode = function.options.find("mode");
  std::vector<duck::ScalarFunction> overloads;
  for (const char code : {'s', 'b'}) {
    duck::ScalarFunction one{
        .name = function.name,
        .arguments = {},
        .result = to_logical_type(*type),
        .body = [decoder, type](ScalarCall& call) { decode_chunk(*decoder, *type, call); },
        // Only FAILFAST can end a query.
        .is_volatile = mode != function.options.end()};
    one.arguments.push_back(native_type(code));
    overloads.push_back(std::move(one));
  }
  return duck::register_overloads(connection, std::move(overloads));
}

}  // namespace sluice::sparksql
