// Queries as a whole: WITH, set operations, VALUES, ORDER BY and LIMIT around them, and the doors
// lower_query and lower_flow.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::string column(std::size_t index) {
  return "\"c" + std::to_string(index) + "\"";
}

}  // namespace

Lowered Analyzer::lower(const Query& query, const Scope* outer) {
  if (failed()) {
    return {};
  }
  constexpr std::size_t kSqlBytesMax = std::size_t{16} << 20;
  if (++depth_ > 4 * kHeightMax) {
    refuse(query.at, "a query this deep");
    return {};
  }
  if (!query.ctes.empty() && outer != nullptr) {
    refuse(query.at, "WITH inside a subquery of an expression");
    return {};
  }
  const std::size_t ctes_before = ctes_.size();
  std::string with;
  for (const auto& cte : query.ctes) {
    Lowered body = lower(*cte.query, outer);
    if (failed()) {
      return {};
    }
    if (!cte.columns.empty()) {
      if (cte.columns.size() != body.columns.size()) {
        fail(cte.at, "ASSIGNMENT_ARITY_MISMATCH", "42802",
             "The number of columns or variables assigned or aliased: " +
                 std::to_string(cte.columns.size()) +
                 " does not match the number of source expressions: " +
                 std::to_string(body.columns.size()) + ".");
        return {};
      }
      for (std::size_t i = 0; i < cte.columns.size(); ++i) {
        body.columns[i].name = cte.columns[i];
      }
    }
    const std::string relation = fresh("w");
    with += (with.empty() ? "WITH " : ", ") + relation + " AS (" + body.sql + ")";
    ctes_.push_back({lower_case(cte.name), relation, body.columns, body.streaming});
  }
  Lowered out = lower_body(query, outer);
  ctes_.resize(std::min(ctes_.size(), ctes_before));
  --depth_;
  if (failed()) {
    return {};
  }
  if (!with.empty()) {
    out.sql = with + " " + out.sql;
  }
  if (out.sql.size() > kSqlBytesMax) {
    refuse(query.at, "a query this large");
  }
  return out;
}

Lowered Analyzer::lower_body(const Query& query, const Scope* outer) {
  switch (query.kind) {
    case Query::Kind::kSelect:
      return lower_select(query, outer);
    case Query::Kind::kSetOperation:
      return order_and_limit(lower_set_operation(query, outer), query, outer);
    case Query::Kind::kNested:
      return order_and_limit(lower(*query.left, outer), query, outer);
    case Query::Kind::kValues:
    case Query::Kind::kTable:
      return order_and_limit(lower_values_query(query, outer), query, outer);
  }
  return {};
}

// VALUES … and TABLE t: all columns of one relation.
Lowered Analyzer::lower_values_query(const Query& query, const Scope* outer) {
  const FromLowered from = query.kind == Query::Kind::kTable ? lower_table(*query.relation)
                                                             : lower_values(*query.relation, outer);
  Lowered out;
  out.streaming = from.streaming;
  std::string items;
  for (std::size_t i = 0; i < from.columns.size(); ++i) {
    const auto& source = from.columns[i];
    items += (i == 0 ? "" : ", ") + source.sql + " AS " + column(i);
    out.columns.push_back({source.name, source.type, source.nullable, source.qualifier});
  }
  out.sql = "SELECT " + items + " FROM " + from.sql;
  return out;
}

Lowered Analyzer::lower_set_operation(const Query& query, const Scope* outer) {
  const Lowered left = lower(*query.left, outer);
  const Lowered right = lower(*query.right, outer);
  if (failed()) {
    return {};
  }
  if (left.streaming || right.streaming) {
    refuse(query.at, "set operations over streams");
    return {};
  }
  const char* name = query.set_operator == SetOperator::kUnion       ? "UNION"
                     : query.set_operator == SetOperator::kIntersect ? "INTERSECT"
                                                                     : "EXCEPT";
  if (left.columns.size() != right.columns.size()) {
    fail(query.at, "NUM_COLUMNS_MISMATCH", "42826",
         std::string(name) +
             " can only be performed on inputs with the same number of columns, but "
             "the first input has " +
             std::to_string(left.columns.size()) + " columns and the second input has " +
             std::to_string(right.columns.size()) + " columns.");
    return {};
  }
  Lowered out;
  std::string items[2];
  const std::string relations[2] = {fresh("r"), fresh("r")};
  for (std::size_t i = 0; i < left.columns.size(); ++i) {
    const auto type = wider_type(left.columns[i].type, right.columns[i].type, ansi());
    if (!type) {
      fail(query.at, "INCOMPATIBLE_COLUMN_TYPE", "42825",
           std::string(name) + " can only be performed on tables with compatible column types.");
      return {};
    }
    if (contains_map(*type) && !(query.set_operator == SetOperator::kUnion && query.all)) {
      fail(
          query.at, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000",
          "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set "
          "operations (INTERSECT, EXCEPT, etc.).");
      return {};
    }
    for (int side = 0; side < 2; ++side) {
      const OutputColumn& source = (side == 0 ? left : right).columns[i];
      Value value;
      value.sql = relations[side] + "." + column(i);
      value.type = source.type;
      value.pretty = source.name;
      value = coerce(value, *type, query.at);
      items[side] += (i == 0 ? "" : ", ") + value.sql + " AS " + column(i);
    }
    out.columns.push_back(
        {left.columns[i].name, *type, left.columns[i].nullable || right.columns[i].nullable, {}});
  }
  out.sql = "(SELECT " + items[0] + " FROM (" + left.sql + ") AS " + relations[0] + ") " + name +
            (query.all ? " ALL" : "") + " (SELECT " + items[1] + " FROM (" + right.sql + ") AS " +
            relations[1] + ")";
  return out;
}

std::string Analyzer::limit_clause(const Query& query) {
  std::string out;
  for (const bool is_limit : {true, false}) {
    const ExprRef& expr = is_limit ? query.limit : query.offset;
    if (!expr) {
      continue;
    }
    Bind context;
    const Value value = bind(expr, context);
    const char* name = is_limit ? "LIMIT" : "OFFSET";
    if (value.bad) {
      return {};
    }
    if (!value.foldable || !value.type.is_integral()) {
      fail(expr->at, "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE", "42K0E",
           std::string("The ") + name + " expression must be a constant integer.");
      return {};
    }
    if (value.literal && value.literal->starts_with('-')) {
      fail(expr->at, "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E",
           std::string("The limit like expression \"") + value.pretty +
               "\" is invalid. The value must be greater or equal to 0.");
      return {};
    }
    out += std::string(" ") + name + " " + value.sql;
  }
  return out;
}

std::string Analyzer::order_text(const SortItem& item) {
  const bool nulls_first =
      item.nulls == SortNulls::kDefault ? !item.descending : item.nulls == SortNulls::kFirst;
  return std::string(item.descending ? " DESC" : " ASC") +
         (nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

// ORDER BY and LIMIT over a query whose columns are all there is to see.
Lowered Analyzer::order_and_limit(Lowered body, const Query& query, const Scope* outer) {
  if (failed()) {
    return {};
  }
  const std::string limit = limit_clause(query);
  if (query.order_by.empty() && !query.order_by_all) {
    if (!limit.empty()) {
      body.sql = "SELECT * FROM (" + body.sql + ") AS " + fresh("r") + limit;
    }
    return body;
  }
  const std::string relation = fresh("r");
  Scope scope;
  scope.outer = outer;
  std::vector<Value> items;
  for (std::size_t i = 0; i < body.columns.size(); ++i) {
    const OutputColumn& source = body.columns[i];
    scope.columns.push_back({source.qualifier, source.name, source.type, source.nullable,
                             relation + "." + column(i), false});
    Value value;
    value.sql = scope.columns.back().sql;
    value.type = source.type;
    value.name = source.name;
    value.pretty = source.name;
    items.push_back(std::move(value));
  }
  Bind context;
  context.scope = &scope;
  std::string keys;
  if (query.order_by_all) {
    SortItem all;
    all.descending = query.order_all_descending;
    all.nulls = query.order_all_nulls;
    for (std::size_t i = 0; i < items.size(); ++i) {
      keys += (i == 0 ? "" : ", ") + items[i].sql + order_text(all);
    }
  }
  for (const auto& item : query.order_by) {
    const auto key = bind_sort_item(item, context, items, false);
    if (!key) {
      return {};
    }
    keys +=
        (keys.empty() ? "" : ", ") + (key->is_output ? relation + "." : "") + key->sql + key->order;
  }
  std::string list;
  for (std::size_t i = 0; i < items.size(); ++i) {
    list += (i == 0 ? "" : ", ") + items[i].sql + " AS " + column(i);
  }
  body.sql =
      "SELECT " + list + " FROM (" + body.sql + ") AS " + relation + " ORDER BY " + keys + limit;
  body.ordered = true;
  return body;
}

SqlResult<LoweredQuery> Analyzer::run(const QueryRef& query) {
  file_ = query->file;
  const Lowered lowered = lower(*query, nullptr);
  if (error_) {
    return std::unexpected(*error_);
  }
  LoweredQuery out;
  const std::string relation = fresh("r");
  std::string items;
  std::vector<types::Field> fields;
  for (std::size_t i = 0; i < lowered.columns.size(); ++i) {
    const OutputColumn& source = lowered.columns[i];
    std::string value = relation + "." + column(i);
    if (is_null_type(source.type)) {
      value = "CAST(NULL AS INTEGER)";
    }
    items += (i == 0 ? "" : ", ") + value + " AS " + quoted(source.name);
    fields.push_back(types::make_field(source.name, source.type, source.nullable));
  }
  out.duckdb_sql = "SELECT " + items + " FROM (" + lowered.sql + ") AS " + relation;
  out.schema = DataType::structure(std::move(fields));
  out.ordered = lowered.ordered;
  if (lowered.ordered) {
    // The order of a subquery binds nobody: say it at the outermost level.
    out.duckdb_sql = "SELECT " + items + " FROM (SELECT *, row_number() OVER () AS \"n\" FROM (" +
                     lowered.sql + ") AS " + fresh("r") + ") AS " + relation + " ORDER BY " +
                     relation + ".\"n\"";
  }
  out.functions = functions_;
  return out;
}

SqlResult<FlowQuery> Analyzer::run_flow(const QueryRef& query) {
  flow_ = true;
  auto lowered = run(query);
  if (!lowered) {
    return std::unexpected(lowered.error());
  }
  FlowQuery out;
  out.sources = std::move(sources_);
  out.distinct_input = std::move(distinct_input_);
  out.query = std::move(*lowered);
  return out;
}

SqlResult<LoweredQuery> lower_query(const QueryRef& query, const Catalog& catalog,
                                    const SessionConf& conf) {
  return Analyzer(catalog, conf).run(query);
}

SqlResult<FlowQuery> lower_flow(const QueryRef& query, const Catalog& catalog,
                                const SessionConf& conf) {
  return Analyzer(catalog, conf).run_flow(query);
}

}  // namespace sluice::sparksql
