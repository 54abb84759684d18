// Casts between text and everything else.
#include <limits>

#include "sparksql/functions/datetime_text.h"
#include "sparksql/functions/java_number.h"
#include "sparksql/functions/native.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

enum class Rule { kAnsi, kTry, kLegacy };

constexpr std::pair<Rule, const char*> kRules[] = {{Rule::kAnsi, "spark_cast_"},
                                                   {Rule::kTry, "spark_try_cast_"},
                                                   {Rule::kLegacy, "spark_legacy_cast_"}};

// A cast's outcome: the value, NULL, or the query's end.
template <class T>
void put(ScalarCall& call, std::uint64_t i, const std::optional<T>& value, Rule rule,
         const char* type) {
  if (value) {
    call.result().set(i, *value);
  } else if (rule == Rule::kAnsi) {
    call.fail(cast_error(call.argument(0).text(i), type));
  } else {
    call.result().set_null(i);
  }
}

template <class Int>
void add_integer(NativeTable& table, const std::string& prefix, Rule rule, const char* name,
                 char code, const char* type) {
  table.add(
      prefix + name, std::string("s->") + code, rule == Rule::kAnsi,
      [rule, type](ScalarCall& call, std::uint64_t i) {
        const auto value = parse_integer(call.argument(0).text(i), std::numeric_limits<Int>::min(),
                                         std::numeric_limits<Int>::max(), rule == Rule::kLegacy);
        put(call, i, value ? std::optional(static_cast<Int>(*value)) : std::nullopt, rule, type);
      });
}

template <class Parse>
void add_simple(NativeTable& table, const std::string& prefix, Rule rule, const char* name,
                char code, const char* type, Parse parse) {
  table.add(prefix + name, std::string("s->") + code, rule == Rule::kAnsi,
            [rule, type, parse](ScalarCall& call, std::uint64_t i) {
              put(call, i, parse(call.argument(0).text(i)), rule, type);
            });
}

void add_casts(NativeTable& table, Rule rule, const std::string& prefix) {
  add_integer<std::int8_t>(table, prefix, rule, "tinyint", '1', "TINYINT");
  add_integer<std::int16_t>(table, prefix, rule, "smallint", '2', "SMALLINT");
  add_integer<std::int32_t>(table, prefix, rule, "int", '4', "INT");
  add_integer<std::int64_t>(table, prefix, rule, "bigint", '8', "BIGINT");
  add_simple(table, prefix, rule, "float", 'f', "FLOAT", parse_float);
  add_simple(table, prefix, rule, "double", 'd', "DOUBLE", parse_double);
  add_simple(table, prefix, rule, "boolean", '?', "BOOLEAN", parse_boolean);
  add_simple(table, prefix, rule, "date", 'D', "DATE", parse_date);
  add_simple(table, prefix, rule, "timestamp_ntz", 'N', "TIMESTAMP_NTZ",
             [](std::string_view text) { return parse_timestamp_ntz(text, true); });
  table.add(prefix + "timestamp", "ss->T", rule == Rule::kAnsi,
            [rule](ScalarCall& call, std::uint64_t i) {
              const TimeZone* zone = zone_of(call, 1, i);
              if (zone == nullptr) return;
              put(call, i, parse_timestamp(call.argument(0).text(i), *zone), rule, "TIMESTAMP");
            });
}

template <class Append>
auto text_row(Append append) {
  return [append](ScalarCall& call, std::uint64_t i) {
    std::string out;
    append(out, call, i);
    call.result().set_text(i, out);
  };
}

void add_to_text(NativeTable& table) {
  table.add("spark_text", "d->s", false, text_row([](std::string& out, auto& call, auto i) {
              append_java_double(out, call.argument(0).real(i));
            }));
  table.add("spark_text", "f->s", false, text_row([](std::string& out, auto& call, auto i) {
              append_java_float(out, static_cast<float>(call.argument(0).real(i)));
            }));
  table.add("spark_text", "D->s", false, text_row([](std::string& out, auto& call, auto i) {
              append_date(out, call.argument(0).int64(i));
            }));
  table.add("spark_text", "N->s", false, text_row([](std::string& out, auto& call, auto i) {
              append_timestamp_ntz(out, call.argument(0).int64(i));
            }));
  table.add("spark_text", "Ts->s", false, text_row([](std::string& out, auto& call, auto i) {
              const TimeZone* zone = zone_of(call, 1, i);
              if (zone != nullptr) append_timestamp(out, call.argument(0).int64(i), *zone);
            }));
  // The plain text of a decimal → BigDecimal.toString, which has an exponent for tiny numbers.
  table.add("spark_legacy_decimal_text", "s->s", false, [](ScalarCall& call, std::uint64_t i) {
    const std::string_view text = call.argument(0).text(i);
    const auto point = text.find('.');
    const int scale =
        point == std::string_view::npos ? 0 : static_cast<int>(text.size() - point - 1);
    const ParsedDecimal value = parse_decimal(text, 38, scale);
    if (value.status != ParsedDecimal::Status::kOk) return call.result().set_text(i, text);
    std::string out;
    append_java_decimal(out, value.unscaled, scale);
    call.result().set_text(i, out);
  });
  table.add("spark_binary_text", "b->s", false, [](ScalarCall& call, std::uint64_t i) {
    const std::string_view bytes = call.argument(0).text(i);
    if (is_valid_utf8(bytes))
      call.result().set_text(i, bytes);
    else
      call.result().set_text(i, replace_invalid_utf8(bytes));
  });
}

}  // namespace

duck::DuckResult<void> register_cast_functions(duck::Connection& connection) {
  NativeTable table(connection);
  for (const auto& [rule, prefix] : kRules)
    add_casts(table, rule, prefix);
  add_to_text(table);
  return table.finish();
}

}  // namespace sluice::sparksql
