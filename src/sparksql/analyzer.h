// Names, types and DuckDB text in one walk over the parsed query: every expression becomes a Value,
// every query a Lowered whose columns are called "c0", "c1", …; relations are called r1, r2, …, so
// that no name of the user's reaches DuckDB below the outermost level. The first error sticks.
// Split over bind_*.cc (expressions), lower_*.cc (queries), cast.cc.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sparksql/ast.h"
#include "sparksql/registry.h"
#include "sparksql/sparksql.h"
#include "sparksql/value.h"

namespace sluice::sparksql {

// A column that names may resolve to.
struct ScopeColumn {
  std::vector<std::string> qualifier;  // [catalog, schema, table], or [alias]
  std::string name;
  DataType type;
  bool nullable = true;
  std::string sql;      // r1."c0"
  bool hidden = false;  // reachable with its qualifier only (the other side of USING)
};

struct Scope {
  std::vector<ScopeColumn> columns;
  const Scope* outer = nullptr;  // of the query around a subquery
};

struct OutputColumn {
  std::string name;
  DataType type;
  bool nullable = true;
  std::vector<std::string> qualifier;  // where it is a plain column of a relation
};

struct Lowered {
  std::string sql;  // a SELECT; columns "c0", "c1", …
  std::vector<OutputColumn> columns;
  bool streaming = false;
  bool ordered = false;
};

// A relation of FROM.
struct FromLowered {
  std::string sql;  // what stands after FROM
  std::vector<ScopeColumn> columns;
  bool streaming = false;
};

// One level of aggregation: what lies below it, and what has been asked of it so far.
struct AggregateLevel {
  const Scope* input = nullptr;
  std::string relation;  // its name in the level above
  std::vector<Value> groups;
  std::vector<std::string> aggregates;  // DuckDB texts
  bool grouping_sets = false;
};

struct NamedValue {
  std::string name;
  Value value;
};

// What an expression may refer to where it stands.
struct Bind {
  const Scope* scope = nullptr;
  AggregateLevel* aggregate = nullptr;             // set: above an aggregation
  const std::vector<NamedValue>* first = nullptr;  // looked up before the scope (ORDER BY, HAVING)
  const std::vector<NamedValue>* last = nullptr;   // looked up after it (lateral aliases)
  const std::vector<NamedWindow>* windows = nullptr;
  std::vector<NamedValue> lambda;  // innermost last
  bool window_allowed = false;
  bool in_window = false;
  bool in_aggregate = false;
  const char* clause = "";  // for messages: WHERE, JOIN …
};

class Analyzer {
 public:
  Analyzer(const Catalog& catalog, const SessionConf& conf) : catalog_(catalog), conf_(conf) {}

  // The whole query, its outermost columns named as Spark names them.
  SqlResult<LoweredQuery> run(const QueryRef& query);
  SqlResult<FlowQuery> run_flow(const QueryRef& query);

 private:
  friend class CallBinder;

  // ---- errors
  Value bad();
  Value fail(const Position& at, std::string error_class, std::string state, std::string message);
  Value refuse(const Position& at, std::string_view what);
  Place place(const Position& at) const { return {file_, at.line, at.column}; }
  bool failed() const { return error_.has_value(); }
  std::string fresh(const char* prefix) { return prefix + std::to_string(++counter_); }
  bool ansi() const { return conf_.ansi; }
  std::int64_t now_us();  // the same for the whole statement
  CastMode implicit_mode() const { return conf_.ansi ? CastMode::kAnsi : CastMode::kLegacy; }
  void need(NativeFunction function);

  // ---- queries (lower_query.cc, lower_select.cc, lower_from.cc)
  Lowered lower(const Query& query, const Scope* outer);
  Lowered lower_body(const Query& query, const Scope* outer);
  Lowered lower_set_operation(const Query& query, const Scope* outer);
  Lowered lower_values_query(const Query& query, const Scope* outer);
  Lowered order_and_limit(Lowered body, const Query& query, const Scope* outer);
  std::string limit_clause(const Query& query);
  Lowered lower_select(const Query& query, const Scope* outer);
  std::vector<Value> expand_items(const Select& select, Bind& bind, std::vector<NamedValue>& named);
  void expand_star(const Expr& star, const Bind& bind, std::vector<Value>& out);
  void bind_groups(const Select& select, const Scope& scope,
                   const std::vector<NamedWindow>& windows, AggregateLevel& level,
                   std::string& group_by_sql);
  Value bind_group_item(const ExprRef& expr, const Select& select, Bind& bind);
  std::string aggregate_level_sql(const AggregateLevel& level, const std::string& from,
                                  const std::string& group_by) const;
  bool is_aggregate_query(const Query& query) const;
  bool contains_aggregate(const Expr& expr) const;
  struct SortKey {
    std::string sql;  // "c0", or an expression computed as a hidden column
    std::string order;
    bool is_output = false;
  };
  std::optional<SortKey> bind_sort_item(const SortItem& item, Bind& bind,
                                        const std::vector<Value>& items, bool distinct);
  static std::string order_text(const SortItem& item);
  FromLowered lower_from(const std::vector<FromRef>& from, const Scope* outer);
  FromLowered lower_relation(const FromItem& item, const Scope* outer, const Scope* left);
  FromLowered lower_table(const FromItem& item);
  FromLowered lower_catalog_table(const FromItem& item, const sparksql::Relation& relation);
  FromLowered lower_view(const FromItem& item, const sparksql::Relation& relation);
  FromLowered lower_function_relation(const FromItem& item, const Scope* outer);
  FromLowered lower_range(const FromItem& item);
  FromLowered lower_source(const FromItem& item);
  FromLowered lower_values(const FromItem& item, const Scope* outer);
  FromLowered lower_join(const FromItem& item, const Scope* outer);
  std::string join_using(const FromItem& item, const std::vector<std::string>& names,
                         FromLowered& left, FromLowered& right, std::vector<ScopeColumn>& columns);
  void lower_lateral_view(const LateralView& view, FromLowered& from, const Scope* outer);
  FromLowered from_lowered(const Lowered& query, const FromItem& item);
  void apply_alias(FromLowered& from, const FromItem& item, const TableName& default_name);
  Value condition_value(const Value& condition, const Position& at, const char* clause);
  void cut_at_distinct(Lowered& out, const Position& at);
  bool extract_generator(const Select& select, FromLowered& from, const Scope* outer,
                         Select& rewritten);
  bool generator_sql(const Expr& call, const Bind& bind, std::string& sql,
                     std::vector<OutputColumn>& columns, bool outer);

  // ---- expressions (bind_expression.cc, bind_operator.cc, bind_predicate.cc)
  Value bind(const ExprRef& expr, Bind& context) { return bind(*expr, context); }
  Value bind(const Expr& expr, Bind& context);
  Value bind_kind(const Expr& expr, Bind& context);
  std::optional<Value> match_group(const Expr& expr, Bind& context);
  std::optional<Value> try_bind(const Expr& expr, Bind& context);
  Value bind_literal(const Expr& expr);
  Value bind_column(const Expr& expr, Bind& context);
  std::optional<Value> resolve(const std::vector<std::string>& path, const Scope& scope,
                               const Position& at);
  std::optional<Value> resolve_named(const std::vector<std::string>& path,
                                     const std::vector<NamedValue>& names, const Position& at);
  Value unresolved(const std::vector<std::string>& path, const Bind& context, const Position& at);
  Value fields_of(Value base, const std::vector<std::string>& path, std::size_t from,
                  const Position& at);
  Value field(const Value& base, const std::string& name, const Position& at);
  Value bind_subscript(const Expr& expr, Bind& context);
  Value bind_unary(const Expr& expr, Bind& context);
  Value bind_binary(const Expr& expr, Bind& context);
  Value logical(const std::string& op, const Value& left, const Value& right, const Position& at);
  Value compare(const std::string& op, Value left, Value right, const Position& at);
  Value arithmetic(const std::string& op, Value left, Value right, const Position& at);
  Value decimal_arithmetic(const std::string& op, const Value& left, const Value& right,
                           const DataType& type, const Position& at);
  Value integral_arithmetic(const std::string& op, const Value& left, const Value& right,
                            const DataType& type, const Position& at);
  Value divide(const Value& left, const Value& right, const Position& at);
  Value remainder(const Value& left, const Value& right, const DataType& type,
                  const std::string& text, const Position& at);
  Value bitwise(const std::string& op, Value left, Value right, const Position& at);
  Value bind_in_list(const Expr& expr, Bind& context);
  Value bind_in_query(const Expr& expr, Bind& context);
  Value bind_between(const Expr& expr, Bind& context);
  Value bind_like(const Expr& expr, Bind& context);
  Value bind_like_many(const Expr& expr, Bind& context);
  Value like(const std::string& op, Value value, Value pattern,
             const std::optional<std::string>& escape, const Position& at);
  Value bind_case(const Expr& expr, Bind& context);
  Value bind_cast(const Expr& expr, Bind& context);
  Value bind_subquery(const Expr& expr, Bind& context);
  Value bind_exists(const Expr& expr, Bind& context);
  Value bind_tuple(const Expr& expr, Bind& context);
  Value bind_call(const Expr& expr, Bind& context);
  Value bind_lambda(const Expr& lambda, const std::vector<DataType>& types, Bind& context,
                    std::vector<std::string>& variables);
  std::string window_sql(const Expr& call, const WindowSpec& spec, Bind& context,
                         bool default_frame, std::string& pretty);
  const WindowSpec* named_window(const std::string& name, const Bind& context);
  std::vector<Value> coerce_all(std::vector<Value> values, const DataType& type,
                                const Position& at);
  std::optional<DataType> common_type(const std::vector<Value>& values) const;

  // ---- casts (cast.cc)
  Value cast(const Value& value, const DataType& to, CastMode mode, const Position& at);
  Value coerce(const Value& value, const DataType& to, const Position& at) {
    return value.type.same_as(to) ? value : cast(value, to, implicit_mode(), at);
  }
  std::optional<std::string> cast_sql(const std::string& sql, const DataType& from,
                                      const DataType& to, CastMode mode, bool& can_throw);
  std::optional<std::string> cast_from_string(const std::string& sql, const DataType& to,
                                              CastMode mode, bool& can_throw);
  std::optional<std::string> cast_to_string(const std::string& sql, const DataType& from,
                                            CastMode mode);
  std::optional<std::string> cast_numeric(const std::string& sql, const DataType& from,
                                          const DataType& to, CastMode mode, bool& can_throw);
  std::optional<std::string> cast_datetime(const std::string& sql, const DataType& from,
                                           const DataType& to, CastMode mode, bool& can_throw);
  std::optional<std::string> cast_nested(const std::string& sql, const DataType& from,
                                         const DataType& to, CastMode mode, bool& can_throw);

  // ---- state
  const Catalog& catalog_;
  const SessionConf& conf_;
  std::string file_;
  std::optional<SqlError> error_;
  int counter_ = 0;
  int outer_references_ = 0;
  std::optional<std::int64_t> now_us_;
  bool tolerant_ = false;  // try_divide, try_mod: NULL where ANSI mode would raise
  int depth_ = 0;
  std::vector<NativeFunction> functions_;
  struct CteEntry {
    std::string name;  // lower-cased
    std::string relation;
    std::vector<OutputColumn> columns;
    bool streaming = false;
  };
  std::vector<CteEntry> ctes_;
  std::vector<std::string> view_stack_;
  bool streaming_from_ = false;  // the select list being bound reads a stream
  // Of a flow.
  bool flow_ = false;
  std::vector<StreamSource> sources_;
  std::optional<LoweredQuery> distinct_input_;
};

std::string lower_case(std::string_view text);
bool same_name(std::string_view left, std::string_view right);  // Spark's: case-insensitive
std::string quoted(std::string_view identifier);
std::string text_sql(std::string_view text);  // a VARCHAR literal, NUL bytes and all
std::string decimal_text_sql(const std::string& sql, const DataType& type);
std::string type_error_name(const DataType& type);  // "INT", in double quotes

}  // namespace sluice::sparksql
