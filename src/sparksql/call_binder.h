// One function call being bound: arguments checked and coerced by its registry row, then lowered by
// the row's template or by one of the methods below. Made by Analyzer::bind_call.
#pragma once

#include <string>
#include <vector>

#include "sparksql/analyzer.h"

namespace sluice::sparksql {

// An aggregate's text in pieces: FILTER and OVER stand between `call` and `suffix`.
struct AggregateSql {
  std::string prefix;
  std::string call;
  std::string suffix;
  bool no_window = false;  // orders its own input
};

class CallBinder {
 public:
  CallBinder(Analyzer& analyzer, const Expr& expr, Bind& context)
      : analyzer_(analyzer), expr_(expr), context_(context) {}

  Value bind(const FunctionRow& row);

  // ---- special forms: call_scalar.cc
  Value cast_function(const FunctionRow& row);
  Value coalesce(const FunctionRow& row);
  Value nullif(const FunctionRow& row);
  Value nvl2(const FunctionRow& row);
  Value if_(const FunctionRow& row);
  Value greatest_least(const FunctionRow& row);
  Value concat(const FunctionRow& row);
  Value concat_ws(const FunctionRow& row);
  Value array(const FunctionRow& row);
  Value struct_(const FunctionRow& row);
  Value named_struct(const FunctionRow& row);
  Value map(const FunctionRow& row);
  Value size(const FunctionRow& row);
  Value length(const FunctionRow& row);
  Value right(const FunctionRow& row);
  Value substring(const FunctionRow& row);
  Value abs(const FunctionRow& row);
  Value negative(const FunctionRow& row);
  Value mod(const FunctionRow& row);
  Value isnan(const FunctionRow& row);
  Value is_null(const FunctionRow& row);
  Value typeof_(const FunctionRow& row);
  Value trim(const FunctionRow& row);
  Value datetime_part(const FunctionRow& row);
  Value extract(const FunctionRow& row);
  Value to_timestamp(const FunctionRow& row);
  Value to_date(const FunctionRow& row);
  Value date_format(const FunctionRow& row);
  Value date_add(const FunctionRow& row);
  Value datediff(const FunctionRow& row);
  Value current(const FunctionRow& row);
  Value split(const FunctionRow& row);
  Value regexp_extract(const FunctionRow& row);
  Value regexp_replace(const FunctionRow& row);
  Value like_function(const FunctionRow& row);
  Value array_contains(const FunctionRow& row);
  Value element_at(const FunctionRow& row);
  Value higher_order(const FunctionRow& row);
  Value from_json(const FunctionRow& row);
  Value operator_function(const FunctionRow& row);

  // ---- aggregates: call_aggregate.cc
  Value count(const FunctionRow& row);
  Value sum(const FunctionRow& row);
  Value avg(const FunctionRow& row);
  Value min_max(const FunctionRow& row);
  Value first_last(const FunctionRow& row);
  Value any_value(const FunctionRow& row);
  Value collect(const FunctionRow& row);
  Value max_min_by(const FunctionRow& row);
  Value percentile_approx(const FunctionRow& row);
  Value percentile(const FunctionRow& row);
  Value statistics(const FunctionRow& row);
  Value bool_aggregate(const FunctionRow& row);
  Value count_if(const FunctionRow& row);
  Value grouping(const FunctionRow& row);
  // ---- windows: call_window.cc
  Value ranking(const FunctionRow& row);
  Value lag_lead(const FunctionRow& row);
  Value nth_value(const FunctionRow& row);

 private:
  bool arity(std::size_t min, std::size_t max);
  bool bind_args();
  bool bind_arg(const ExprRef& arg);
  bool check_clauses(bool aggregate);
  Value wrong_arity(const std::string& expected);
  Value mismatch(std::size_t index, const std::string& wanted);
  Value refuse(std::string_view what) { return analyzer_.refuse(expr_.at, what); }
  Value result(std::string sql, DataType type) const;  // merged from the arguments
  bool coerce_arg(std::size_t index, TypeKind kind);
  bool text_arg(std::size_t index) { return coerce_arg(index, TypeKind::kString); }
  Value template_call(const FunctionRow& row);
  std::string local_time(const Value& value) const;  // a TIMESTAMP in the session's zone
  bool bind_aggregate_args(std::size_t min, std::size_t max);
  Value aggregate(AggregateSql sql, DataType type);
  Value with_filter_name(Value out);
  Value window_call(const AggregateSql& sql, DataType type, bool rows_frame, bool ranking);
  std::string name() const;
  std::string pretty_args() const;
  std::string zone() const;
  const SessionConf& conf() const { return analyzer_.conf_; }
  bool ansi() const { return analyzer_.ansi(); }

  Analyzer& analyzer_;
  const Expr& expr_;
  Bind& context_;
  std::vector<Value> args_;
  std::string distinct_;  // "DISTINCT " or nothing
};

}  // namespace sluice::sparksql
