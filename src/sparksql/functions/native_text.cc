// String functions.
#include <limits>

#include "sparksql/functions/native.h"
#include "sparksql/functions/text.h"
#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

// What lpad, rpad and repeat may make of one value.
constexpr std::int64_t kMostText = 64 << 20;

void add_trims(NativeTable& table) {
  for (const auto& [name, side] :
       {std::pair{"spark_trim", TrimSide::kBoth}, std::pair{"spark_ltrim", TrimSide::kLeft},
        std::pair{"spark_rtrim", TrimSide::kRight}}) {
    table.add(name, "s->s", false, [side](ScalarCall& call, std::uint64_t i) {
      call.result().set_text(i, trim_set(call.argument(0).text(i), " ", side));
    });
    table.add(name, "ss->s", false, [side](ScalarCall& call, std::uint64_t i) {
      call.result().set_text(i, trim_set(call.argument(0).text(i), call.argument(1).text(i), side));
    });
  }
}

void add_parts(NativeTable& table) {
  table.add("spark_substring", "s4->s", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set_text(i, substring(call.argument(0).text(i), call.argument(1).int64(i),
                                        std::numeric_limits<std::int32_t>::max()));
  });
  table.add("spark_substring", "s44->s", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set_text(i, substring(call.argument(0).text(i), call.argument(1).int64(i),
                                        call.argument(2).int64(i)));
  });
  table.add("spark_substring_index", "ss4->s", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set_text(i, substring_index(call.argument(0).text(i), call.argument(1).text(i),
                                              call.argument(2).int64(i)));
  });
  table.add("spark_translate", "sss->s", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set_text(
        i, translate(call.argument(0).text(i), call.argument(1).text(i), call.argument(2).text(i)));
  });
  table.add("spark_locate", "ss4->4", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set(
        i, locate(call.argument(0).text(i), call.argument(1).text(i), call.argument(2).int64(i)));
  });
  table.add("spark_instr", "ss->4", false, [](ScalarCall& call, std::uint64_t i) {
    call.result().set(i, locate(call.argument(1).text(i), call.argument(0).text(i), 1));
  });
  for (const bool left : {true, false}) {
    table.add(left ? "spark_lpad" : "spark_rpad", "s4s->s", false,
              [left](ScalarCall& call, std::uint64_t i) {
                const std::int64_t length = call.argument(1).int64(i);
                if (length > kMostText)
                  return call.fail(
                      "[UNSUPPORTED_BY_SLUICE] A text padded to more than 64 MiB. SQLSTATE: ");
                call.result().set_text(
                    i, pad(call.argument(0).text(i), length, call.argument(2).text(i), left));
              });
  }
}

void add_cases(NativeTable& table) {
  using Change = std::string (*)(std::string_view);
  static constexpr std::pair<const char*, Change> kChanges[] = {{"spark_upper", to_upper},
                                                                {"spark_lower", to_lower},
                                                                {"spark_initcap", to_title},
                                                                {"spark_reverse", reverse}};
  for (const auto& [name, change] : kChanges) {
    table.add(name, "s->s", false, [change](ScalarCall& call, std::uint64_t i) {
      call.result().set_text(i, change(call.argument(0).text(i)));
    });
  }
  table.add("spark_ascii", "s->4", false, [](ScalarCall& call, std::uint64_t i) {
    const std::string_view text = call.argument(0).text(i);
    std::size_t at = 0;
    // The first UTF-16 unit, as Java's charAt.
    char32_t c = text.empty() ? 0 : next_code_point(text, at);
    call.result().set(i, static_cast<std::int32_t>(c));
  });
  table.add("spark_chr", "8->s", false, [](ScalarCall& call, std::uint64_t i) {
    const std::int64_t n = call.argument(0).int64(i);
    std::string out;
    if (n >= 0) append_utf8(out, static_cast<char32_t>(n & 0xFF));
    call.result().set_text(i, out);
  });
}

void add_like(NativeTable& table) {
  for (const bool fold : {false, true}) {
    const char* name = fold ? "spark_ilike" : "spark_like";
    table.add(name, "sss->?", false, [fold](ScalarCall& call, std::uint64_t i) {
      const std::string_view escape_text = call.argument(2).text(i);
      std::size_t at = 0;
      const char32_t escape = escape_text.empty() ? U'\\' : next_code_point(escape_text, at);
      std::string error;
      std::optional<bool> matched;
      if (fold) {
        matched = like(to_lower(call.argument(0).text(i)), to_lower(call.argument(1).text(i)),
                       escape, error);
      } else {
        matched = like(call.argument(0).text(i), call.argument(1).text(i), escape, error);
      }
      if (!matched) return call.fail(error);
      call.result().set(i, *matched);
    });
  }
}

}  // namespace

duck::DuckResult<void> register_text_functions(duck::Connection& connection) {
  NativeTable table(connection);
  add_trims(table);
  add_parts(table);
  add_cases(table);
  add_like(table);
  return table.finish();
}

}  // namespace sluice::sparksql
