// Dates and times by pattern. Compiled patterns are kept per thread.
#include <unordered_map>

#include "sparksql/functions/datetime_format.h"
#include "sparksql/functions/native.h"

namespace sluice::sparksql {
namespace {

constexpr std::size_t kMostPatterns = 64;

// Null after a failure.
const DateTimeFormat* compiled(ScalarCall& call, std::string_view pattern, bool for_parsing) {
  thread_local std::unordered_map<std::string, DateTimeFormat> patterns;
  const std::string key = (for_parsing ? "p" : "f") + std::string(pattern);
  const auto found = patterns.find(key);
  if (found != patterns.end()) return &found->second;
  auto format = DateTimeFormat::compile(pattern, for_parsing);
  if (!format) {
    call.fail(format.error());
    return nullptr;
  }
  if (patterns.size() >= kMostPatterns) patterns.clear();
  return &patterns.emplace(key, *std::move(format)).first->second;
}

std::string parse_error(std::string_view text) {
  return "[CANNOT_PARSE_TIMESTAMP] Text '" + std::string(text) +
         "' could not be parsed. Use `try_to_timestamp` to tolerate invalid input string and "
         "return "
         "NULL instead. SQLSTATE: 22007";
}

template <class T>
void put(ScalarCall& call, std::uint64_t i, const std::optional<T>& value, bool throws) {
  if (value)
    call.result().set(i, *value);
  else if (throws)
    call.fail(parse_error(call.argument(0).text(i)));
  else
    call.result().set_null(i);
}

void date_format(ScalarCall& call, std::uint64_t i) {
  const DateTimeFormat* format = compiled(call, call.argument(1).text(i), false);
  if (format == nullptr) return;
  const TimeZone* zone = zone_of(call, 2, i);
  if (zone == nullptr) return;
  std::string out;
  const std::string error = format->format(out, call.argument(0).int64(i), *zone);
  if (!error.empty()) return call.fail(error);
  call.result().set_text(i, out);
}

}  // namespace

duck::DuckResult<void> register_datetime_functions(duck::Connection& connection) {
  NativeTable table(connection);
  table.add("spark_date_format", "Tss->s", false, date_format);
  for (const bool throws : {true, false}) {
    const std::string prefix = throws ? "spark_to_" : "spark_try_to_";
    table.add(prefix + "timestamp", "sss->T", throws, [throws](ScalarCall& call, std::uint64_t i) {
      const DateTimeFormat* format = compiled(call, call.argument(1).text(i), true);
      if (format == nullptr) return;
      const TimeZone* zone = zone_of(call, 2, i);
      if (zone == nullptr) return;
      put(call, i, format->parse_timestamp(call.argument(0).text(i), *zone), throws);
    });
    table.add(prefix + "date", "ss->D", throws, [throws](ScalarCall& call, std::uint64_t i) {
      const DateTimeFormat* format = compiled(call, call.argument(1).text(i), true);
      if (format == nullptr) return;
      put(call, i, format->parse_date(call.argument(0).text(i)), throws);
    });
  }
  return table.finish();
}

}  // namespace sluice::sparksql
