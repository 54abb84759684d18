// DuckDB's words while a lowered query ran → Spark's. Native functions speak Spark already:
// "[CLASS] text SQLSTATE: xxxxx", somewhere in DuckDB's message.
#include <array>
#include <regex>

#include "sparksql/error.h"
#include "sparksql/sparksql.h"

namespace sluice::sparksql {
namespace {

struct Known {
  std::string_view fragment;
  std::string_view error_class;
  std::string_view state;
  std::string_view message;
};

// The first that fits.
constexpr std::array<Known, 13> kKnown = {{
    {"Overflow in ", "ARITHMETIC_OVERFLOW", "22003",
     "Overflow in an arithmetic operation. Use a try_ function to tolerate overflow and return "
     "NULL "
     "instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."},
    {"Overflow on abs", "ARITHMETIC_OVERFLOW", "22003", "integer overflow."},
    {"Division by zero", "DIVIDE_BY_ZERO", "22012", "Division by zero."},
    {"to type DECIMAL", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003",
     "A value cannot be represented as the decimal wanted."},
    {"to DECIMAL", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003",
     "A value cannot be represented as the decimal wanted."},
    {"Could not cast value", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003",
     "A value cannot be represented as the decimal wanted."},
    {"can't be cast because the value is out of range", "CAST_OVERFLOW", "22003",
     "A value cannot be cast due to an overflow. Use `try_cast` to tolerate overflow and return "
     "NULL "
     "instead."},
    {"out of range for the destination type", "CAST_OVERFLOW", "22003",
     "A value cannot be cast due to an overflow. Use `try_cast` to tolerate overflow and return "
     "NULL "
     "instead."},
    {"More than one row returned by a subquery", "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000",
     "More than one row returned by a subquery used as an expression."},
    {"Map keys must be unique", "DUPLICATED_MAP_KEY", "23505", "Duplicate map key was found."},
    {"Map keys can not be NULL", "NULL_MAP_KEY", "2200E", "Cannot use null as map key."},
    {"Date and time not in timestamp range", "DATETIME_OVERFLOW", "22008",
     "Datetime operation overflow."},
    {"Out of Range Error", "ARITHMETIC_OVERFLOW", "22003", "A value is out of range."},
}};

}  // namespace

SqlError execution_error(const std::string& duckdb_message, const Place& place) {
  // Past 4 KiB there is nothing that helps.
  const std::string text = duckdb_message.substr(0, 4096);
  static const std::regex spark(
      R"(\[([A-Z][A-Z0-9_.]+)\]\s*([\s\S]*?)(?:\s*SQLSTATE:\s*([0-9A-Z]{5}))?\s*$)");
  std::smatch match;
  if (std::regex_search(text, match, spark)) {
    return make_error(match[1], match[3], match[2], Stage::kExecution, place);
  }
  for (const auto& known : kKnown) {
    if (text.find(known.fragment) != std::string::npos) {
      return make_error(std::string(known.error_class), std::string(known.state),
                        std::string(known.message) + " (" + text + ")", Stage::kExecution, place);
    }
  }
  return make_error("EXECUTION_ERROR", "", text, Stage::kExecution, place);
}

}  // namespace sluice::sparksql
