// Spark's from_json: one record's text → values of a declared schema. No DuckDB here: a caller
// takes the values and writes them where it wants (native_json.cc into DuckDB's vectors).
// One decoder may be used by several threads at once; arenas belong to one thread each.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sparksql/functions/json_lexer.h"
#include "types/data_type.h"

namespace sluice::sparksql {

// A decoded value. Which member counts is the type's matter.
struct JsonValue {
  __extension__ using Wide = __int128;
  bool is_null = true;
  std::uint32_t size = 0;  // of text: bytes; of an array, map, struct: children
  union {
    std::int64_t integer = 0;  // boolean, integers, date (days), timestamps (µs)
    double real;               // float and double
    Wide decimal;              // unscaled
    const char* bytes;         // string, binary: in the record's text or in the arena
    JsonValue* children;       // array: elements; map: key, value, key, value …; struct: fields
  };

  std::string_view text() const { return {bytes, size}; }
  std::span<const JsonValue> items() const { return {children, size}; }
};

class JsonDecoder {
 public:
  // `options` are from_json's, names in lower case; "timezone" is the session's unless given. The
  // error is a whole message `[CLASS] text SQLSTATE: x`.
  static std::expected<JsonDecoder, std::string> make(
      const types::DataType& schema, const std::map<std::string, std::string>& options);
  JsonDecoder(JsonDecoder&&) noexcept;
  JsonDecoder& operator=(JsonDecoder&&) noexcept;
  ~JsonDecoder();

  enum class Outcome {
    kGood,
    kBad,     // malformed, or a value of another type; what could be read is in the value
    kFailed,  // the same with mode FAILFAST: failure() is the query's error
  };
  // `text` and the arena must live as long as the value. A blank text gives a NULL value.
  Outcome decode(std::string_view text, Arena& arena, JsonValue& out) const;
  // The message of a kFailed record.
  std::string failure(std::string_view text) const;

  struct Plan;

 private:
  explicit JsonDecoder(std::unique_ptr<const Plan> plan);
  std::unique_ptr<const Plan> plan_;
};

}  // namespace sluice::sparksql
