// A record through Spark's from_json over a schema with every kind of type. Text handed out is
// valid UTF-8, nothing is read outside the record, and a second decoding gives the same outcome.
#include "sparksql/functions/from_json.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparksql/functions/unicode.h"

namespace {

using sluice::sparksql::JsonDecoder;
using sluice::sparksql::JsonValue;
using sluice::types::DataType;
using sluice::types::make_field;
using sluice::types::TypeKind;

void check(const DataType& type, const JsonValue& value) {
  if (value.is_null) return;
  if (type.kind() == TypeKind::kString && !sluice::sparksql::is_valid_utf8(value.text()))
    std::abort();
  for (std::size_t i = 0; i < value.size; ++i) {
    if (type.kind() == TypeKind::kStruct)
      check(*type.fields()[i].type, value.children[i]);
    else if (type.kind() == TypeKind::kArray)
      check(type.element(), value.children[i]);
    else if (type.kind() == TypeKind::kMap)
      check(i % 2 == 0 ? type.key() : type.value(), value.children[i]);
  }
}

DataType schema() {
  const auto of = [](TypeKind kind) { return DataType::of(kind); };
  return DataType::structure(
      {make_field("a", of(TypeKind::kInt)), make_field("b", of(TypeKind::kString)),
       make_field("c", of(TypeKind::kDouble)), make_field("d", DataType::decimal(10, 2)),
       make_field("e", of(TypeKind::kDate)), make_field("f", of(TypeKind::kTimestamp)),
       make_field("g", of(TypeKind::kBinary)), make_field("h", of(TypeKind::kBoolean)),
       make_field("i", DataType::array(of(TypeKind::kString))),
       make_field("j", DataType::map(of(TypeKind::kString), of(TypeKind::kLong))),
       make_field("k", DataType::structure({make_field("a", of(TypeKind::kFloat)),
                                            make_field("b", of(TypeKind::kTimestampNtz))})),
       make_field("_corrupt_record", of(TypeKind::kString))});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const DataType type = schema();
  static const JsonDecoder strict = *JsonDecoder::make(type, {});
  static const JsonDecoder lenient =
      *JsonDecoder::make(type, {{"allowcomments", "true"},
                                {"allowunquotedfieldnames", "true"},
                                {"allownumericleadingzeros", "true"},
                                {"allowunquotedcontrolchars", "true"},
                                {"allowbackslashescapinganycharacter", "true"}});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const JsonDecoder* decoder : {&strict, &lenient}) {
    sluice::sparksql::Arena arena;
    JsonValue value;
    const auto first = decoder->decode(text, arena, value);
    check(type, value);
    arena.reset();
    if (decoder->decode(text, arena, value) != first) std::abort();
  }
  return 0;
}
