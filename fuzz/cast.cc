// Text through Spark's casts and date patterns. What a cast reads it writes so that it reads the
// same again.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "sparksql/functions/datetime_format.h"
#include "sparksql/functions/datetime_text.h"
#include "sparksql/functions/java_number.h"
#include "sparksql/functions/text.h"
#include "sparksql/functions/unicode.h"

namespace {

using namespace sluice::sparksql;  // NOLINT: the whole of it is under test

void numbers(std::string_view text) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const auto whole = parse_integer(text, kMin, kMax, false);
  if (whole && parse_integer(text, kMin, kMax, true) != whole) std::abort();
  if (const auto real = parse_double(text)) {
    std::string out;
    append_java_double(out, *real);
    const auto again = parse_double(out);
    if (!again || (*again != *real && !std::isnan(*real))) std::abort();
  }
  if (const auto real = parse_float(text)) {
    std::string out;
    append_java_float(out, *real);
    const auto again = parse_float(out);
    if (!again || (*again != *real && !std::isnan(*real))) std::abort();
  }
  const auto decimal = parse_decimal(text, 38, 10);
  if (decimal.status == ParsedDecimal::Status::kOk) {
    std::string out;
    append_plain_decimal(out, decimal.unscaled, 10);
    if (parse_decimal(out, 38, 10).unscaled != decimal.unscaled) std::abort();
  }
}

void times(std::string_view text) {
  if (const auto days = parse_date(text)) {
    std::string out;
    append_date(out, *days);
    if (parse_date(out) != days) std::abort();
  }
  const auto micros = parse_timestamp_ntz(text, true);
  if (micros) {
    std::string out;
    append_timestamp_ntz(out, *micros);
    if (parse_timestamp_ntz(out, false) != micros) std::abort();
  }
  parse_timestamp(text, TimeZone::utc());
  const auto half = text.size() / 2;
  for (const bool parsing : {true, false}) {
    const auto format = DateTimeFormat::compile(text.substr(0, half), parsing);
    if (!format) continue;
    if (parsing) {
      static_cast<void>(format->parse_timestamp(text.substr(half), TimeZone::utc()));
      static_cast<void>(format->parse_date(text.substr(half)));
    } else {
      std::string out;
      static_cast<void>(format->format(out, micros.value_or(0), TimeZone::utc()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = replace_invalid_utf8({reinterpret_cast<const char*>(data), size});
  if (!is_valid_utf8(text)) std::abort();
  numbers(text);
  times(text);
  const auto half = code_point_offset(text, code_point_count(text) / 2);
  const std::string_view left = std::string_view(text).substr(0, half);
  const std::string_view right = std::string_view(text).substr(half);
  for (const std::string& changed : {to_upper(text), to_lower(text), to_title(text), reverse(text),
                                     translate(text, left, right), pad(left, 20, right, true)}) {
    if (!is_valid_utf8(changed)) std::abort();
  }
  std::string error;
  static_cast<void>(like(left, right, U'\\', error));
  static_cast<void>(substring_index(left, right, -2));
  static_cast<void>(trim_set(left, right, TrimSide::kBoth));
  return 0;
}
