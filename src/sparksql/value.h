// What the analyzer knows of an expression: its DuckDB text, Spark type and name; and the rules
// that bring two types together (TypeCoercion, AnsiTypeCoercion, DecimalPrecision of Spark).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparksql/ast.h"
#include "types/data_type.h"

namespace sluice::sparksql {

// std::ranges::contains, which g++ 12 does not have.
template <class Range, class T>
bool holds(const Range& range, const T& wanted) {
  for (const auto& item : range) {
    if (item == wanted) {
      return true;
    }
  }
  return false;
}

struct Value {
  std::string sql;  // self-contained: may stand anywhere an operand may
  types::DataType type;
  bool nullable = true;
  bool bad = false;        // an error was reported; carries no meaning
  bool foldable = false;   // made of literals only
  bool can_throw = false;  // evaluation may raise: must not run where Spark would not
  bool random = false;     // differs from call to call
  bool has_window = false;
  bool outer = false;                  // reads a column of a query around this one
  std::string pretty;                  // Spark's text of it: the name of an unnamed output column
  std::string name;                    // of a column or field: its own name
  std::optional<std::string> literal;  // text of a literal that is not NULL
  bool is_null_literal = false;
  bool unnameable = false;  // Spark names it in a way not known here
  // Of a chain of AND or OR: its parts, so that the text of a long chain grows in a straight line.
  std::string chain_operator;
  std::vector<std::string> chain;
  bool chain_can_throw = false;  // a part behind the first may raise
};

enum class CastMode { kAnsi, kTry, kLegacy };

using types::DataType;
using types::TypeKind;

bool is_string(const DataType& type);
bool is_null_type(const DataType& type);
bool is_datetime(const DataType& type);
bool is_fractional(const DataType& type);
// Atomic: neither array, map nor struct.
bool is_atomic(const DataType& type);

// The decimal that holds every value of an integral type.
DataType decimal_for(const DataType& integral);
// The same for an integer literal: as many digits as it has.
DataType decimal_for_literal(std::string_view digits);
// Bounded to 38 digits, giving up scale as Spark does (adjustPrecisionScale).
DataType adjusted_decimal(int precision, int scale);

// The common type without loss (findTightestCommonType), of arrays, maps and structs too.
std::optional<DataType> tightest_common_type(const DataType& left, const DataType& right);
// For CASE, coalesce, IN, UNION, array(…): with decimals widened and strings promoted by the mode.
std::optional<DataType> wider_type(const DataType& left, const DataType& right, bool ansi);
// For =, <, …
std::optional<DataType> comparison_type(const DataType& left, const DataType& right, bool ansi);

// May `from` be cast to `to` at all (Cast.canCast, canAnsiCast, canTryCast)?
bool can_cast(const DataType& from, const DataType& to, CastMode mode);
// May an argument of type `from` be passed where `to` is wanted?
bool can_coerce_argument(const DataType& from, const DataType& to, bool ansi);
bool is_orderable(const DataType& type);
bool contains_map(const DataType& type);

}  // namespace sluice::sparksql
