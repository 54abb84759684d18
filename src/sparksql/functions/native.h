// What the files native_*.cc share: they bind this folder's plain functions to DuckDB, each with
// one table of rows. A native function answers NULL for a NULL argument unless its row says
// otherwise.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "duck/duck.h"
#include "duck/scalar_function.h"
#include "sparksql/functions/calendar.h"
#include "sparksql/sparksql.h"

namespace sluice::sparksql {

using duck::ScalarCall;

// Short names of argument and result types: "s" text, "b" blob, "?" boolean, "1" "2" "4" "8" whole
// numbers by bytes, "f" float, "d" double, "D" date, "T" timestamptz, "N" timestamp, "S" list of
// text.
duck::LogicalType native_type(char code);

// Calls row(call, i) for the rows without NULL arguments; the others are NULL. Stops at a failure.
template <class Row>
void each_row(ScalarCall& call, const Row& row) {
  const std::uint64_t size = call.size();
  for (std::uint64_t i = 0; i < size; ++i) {
    if (call.any_null(i)) {
      call.result().set_null(i);
    } else {
      row(call, i);
      if (call.failed()) return;
    }
  }
}

class NativeTable {
 public:
  explicit NativeTable(duck::Connection& connection) : connection_(connection) {}
  // `signature`: argument codes, "->" and the result's: "ss->s". Rows of one name are overloads and
  // stand together. `throws`: the function can end a query.
  template <class Row>
  void add(const std::string& name, std::string_view signature, bool throws, Row row) {
    add_body(name, signature, throws,
             [row = std::move(row)](ScalarCall& call) { each_row(call, row); });
  }
  // The body sees whole chunks and NULLs.
  void add_body(const std::string& name, std::string_view signature, bool throws,
                duck::ScalarBody body);
  duck::DuckResult<void> finish();

 private:
  void flush();
  duck::Connection& connection_;
  std::vector<duck::ScalarFunction> pending_;
  duck::DuckResult<void> result_;
};

// The zone that the call's argument names; null after a failure.
const TimeZone* zone_of(ScalarCall& call, std::uint64_t argument, std::uint64_t row);

// `[CAST_INVALID_INPUT] …` for a text that is no `type` ("INT").
std::string cast_error(std::string_view text, std::string_view type);

duck::DuckResult<void> register_cast_functions(duck::Connection& connection);
duck::DuckResult<void> register_text_functions(duck::Connection& connection);
duck::DuckResult<void> register_regex_functions(duck::Connection& connection);
duck::DuckResult<void> register_datetime_functions(duck::Connection& connection);

// By kind of NativeFunction.
duck::DuckResult<void> register_from_json(duck::Connection& connection,
                                          const NativeFunction& function);
duck::DuckResult<void> register_decimal_native(duck::Connection& connection,
                                               const NativeFunction& function);

duck::LogicalType to_logical_type(const types::DataType& type);

}  // namespace sluice::sparksql
