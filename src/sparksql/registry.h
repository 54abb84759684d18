// One row for each function: its arguments, its result, and how it is evaluated. The rows stand in
// registry_*.cc; `functions_markdown` prints them for docs/compat.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sparksql/ast.h"
#include "sparksql/sparksql.h"
#include "sparksql/value.h"

namespace sluice::sparksql {

class Analyzer;
struct Bind;
class CallBinder;

enum class FunctionKind {
  kTemplate,   // `sql` with $1, $2 … for the arguments: DuckDB's own, proved equal, or native
  kSpecial,    // CallBinder decides (types of its own, several forms)
  kAggregate,  // `sql` with $1 …, or special; may stand under OVER
  kWindow,     // only under OVER
  kRefused,    // Spark has it, we do not
};

struct FunctionRow {
  std::string_view name;
  FunctionKind kind = FunctionKind::kRefused;
  // Arguments: type names separated by blanks, `?` behind the optional ones, `*` behind one that
  // may repeat. `any`, `number`, `string`, `int`, `long`, `double`, `boolean`, `date`,
  // `timestamp`, `binary`.
  std::string_view params = {};
  std::string_view result = {};  // a type name, or $1: that of the first argument
  std::string_view sql = {};
  bool can_throw = false;
  Value (CallBinder::*special)(const FunctionRow&) = nullptr;
};

const FunctionRow* find_function(std::string_view name);  // any case
const std::vector<FunctionRow>& all_functions();
// Names that Spark has; those with a row of their own among them.
const std::vector<std::string_view>& refused_functions();
const std::vector<std::string_view>& refused_aggregates();
bool is_aggregate_function(std::string_view name);

}  // namespace sluice::sparksql
