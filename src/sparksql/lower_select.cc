// One SELECT, level by level: FROM and WHERE; aggregation; the select list with windows; QUALIFY;
// DISTINCT; ORDER BY and LIMIT. Each level is a subquery of the next.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::string column(std::size_t index) {
  return "\"c" + std::to_string(index) + "\"";
}

}  // namespace

bool Analyzer::contains_aggregate(const Expr& expr) const {
  if (expr.kind == ExprKind::kCall && !expr.over && expr.names.size() == 1 &&
      is_aggregate_function(expr.names[0])) {
    return true;
  }
  const auto in = [&](const ExprRef& child) { return child && contains_aggregate(*child); };
  if (std::ranges::any_of(expr.args, in) || in(expr.operand)) {
    return true;
  }
  if (expr.over) {
    const auto in_sort = [&](const SortItem& item) { return in(item.expr); };
    return std::ranges::any_of(expr.over->partition_by, in) ||
           std::ranges::any_of(expr.over->order_by, in_sort);
  }
  return false;
}

bool Analyzer::is_aggregate_query(const Query& query) const {
  const Select& select = *query.select;
  if (select.group_by.kind != GroupBy::Kind::kNone || select.having) {
    return true;
  }
  const auto in = [&](const auto& item) { return contains_aggregate(*item.expr); };
  return std::ranges::any_of(select.items, in) || std::ranges::any_of(query.order_by, in);
}

void Analyzer::expand_star(const Expr& star, const Bind& bind, std::vector<Value>& out) {
  std::vector<Value> found;
  const auto& path = star.names;
  const auto take = [&](const ScopeColumn& source) {
    Value value;
    value.sql = source.sql;
    value.type = source.type;
    value.nullable = source.nullable;
    value.name = source.name;
    value.pretty = source.name;
    found.push_back(std::move(value));
  };
  for (const auto& source : bind.scope->columns) {
    const bool qualified =
        !path.empty() && source.qualifier.size() >= path.size() &&
        std::equal(path.begin(), path.end(),
                   source.qualifier.end() - static_cast<std::ptrdiff_t>(path.size()), same_name);
    if (path.empty() ? !source.hidden : qualified) {
      take(source);
    }
  }
  if (found.empty() && !path.empty()) {
    // r.*: the fields of a struct.
    const auto base = resolve(path, *bind.scope, star.at);
    if (failed()) {
      return;
    }
    if (!base || base->type.kind() != TypeKind::kStruct) {
      std::string columns;
      for (const auto& source : bind.scope->columns) {
        columns += (columns.empty() ? "`" : ", `") + source.name + "`";
      }
      fail(star.at, "CANNOT_RESOLVE_STAR_EXPAND", "42704",
           "Cannot resolve " + quote_name(path) + ".* given input columns " + columns +
               ". Please check that the specified table or struct exists and is accessible in the "
               "input columns.");
      return;
    }
    for (const auto& part : base->type.fields()) {
      Value value = field(*base, part.name, star.at);
      value.pretty = part.name;
      found.push_back(std::move(value));
    }
  }
  for (const auto& left_out : star.except) {
    const auto same = [&](const Value& value) { return same_name(value.name, left_out.back()); };
    if (left_out.size() > 1) {
      refuse(star.at, "EXCEPT of a qualified name or field");
      return;
    }
    if (std::erase_if(found, same) == 0) {
      fail(star.at, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
           "A column, variable, or function parameter with name " + quote_name(left_out) +
               " cannot be resolved.");
      return;
    }
  }
  out.insert(out.end(), std::make_move_iterator(found.begin()),
             std::make_move_iterator(found.end()));
}

// The select list, stars expanded; `named` gets what later items and ORDER BY may refer to.
std::vector<Value> Analyzer::expand_items(const Select& select, Bind& bind_context,
                                          std::vector<NamedValue>& named) {
  std::vector<Value> items;
  std::vector<NamedValue> lateral;
  bind_context.last = &lateral;
  for (const auto& item : select.items) {
    if (failed()) {
      break;
    }
    if (item.expr->kind == ExprKind::kStar) {
      if (bind_context.aggregate != nullptr) {
        Bind below = bind_context;
        below.scope = bind_context.aggregate->input;
        std::vector<Value> stars;
        expand_star(*item.expr, below, stars);
        for (const auto& star : stars) {
          Expr name;
          name.kind = ExprKind::kColumn;
          name.at = item.at;
          name.names = {star.name};
          items.push_back(bind(name, bind_context));
        }
      } else {
        expand_star(*item.expr, bind_context, items);
      }
      continue;
    }
    Value value = bind(item.expr, bind_context);
    if (item.aliases.size() > 1) {
      refuse(item.at, "several aliases for one expression");
    }
    if (!item.aliases.empty()) {
      value.name = item.aliases[0];
      if (!value.random) {
        lateral.push_back({value.name, value});
      }
    } else if (value.unnameable) {
      refuse(item.at, "this expression without an alias");
    } else if (value.name.empty()) {
      value.name = value.pretty;
    }
    items.push_back(std::move(value));
  }
  bind_context.last = nullptr;
  for (const auto& value : items) {
    named.push_back({value.name, value});
  }
  return items;
}

Value Analyzer::bind_group_item(const ExprRef& expr, const Select& select, Bind& context) {
  ExprRef target = expr;
  if (expr->kind == ExprKind::kLiteral && expr->type.kind() == TypeKind::kInt) {
    const int position = std::atoi(expr->text.c_str());
    const bool star = std::ranges::any_of(
        select.items, [](const auto& item) { return item.expr->kind == ExprKind::kStar; });
    if (star) {
      std::vector<Value> all;
      for (const auto& item : select.items) {
        if (item.expr->kind == ExprKind::kStar) {
          expand_star(*item.expr, context, all);
        } else {
          all.push_back(bind(item.expr, context));
        }
      }
      if (position >= 1 && static_cast<std::size_t>(position) <= all.size()) {
        return all[static_cast<std::size_t>(position) - 1];
      }
    }
    if (position < 1 || static_cast<std::size_t>(position) > select.items.size()) {
      return fail(expr->at, "GROUP_BY_POS_OUT_OF_RANGE", "42805",
                  "GROUP BY position " + expr->text +
                      " is not in select list (valid range is [1, " +
                      std::to_string(select.items.size()) + "]).");
    }
    target = select.items[static_cast<std::size_t>(position) - 1].expr;
    if (contains_aggregate(*target)) {
      return fail(expr->at, "GROUP_BY_POS_AGGREGATE", "42903",
                  "GROUP BY " + expr->text +
                      " refers to an expression that contains an aggregate "
                      "function. Aggregate functions are not allowed in "
                      "GROUP BY.");
    }
  } else if (expr->kind == ExprKind::kColumn && expr->names.size() == 1 && context.scope &&
             !resolve(expr->names, *context.scope, expr->at) && !failed()) {
    for (const auto& item : select.items) {
      if (!item.aliases.empty() && same_name(item.aliases[0], expr->names[0])) {
        target = item.expr;
        break;
      }
    }
    if (contains_aggregate(*target)) {
      return fail(expr->at, "GROUP_BY_AGGREGATE", "42903",
                  "Aggregate functions are not allowed in GROUP BY, but found an aggregate.");
    }
  } else if (contains_aggregate(*expr)) {
    return fail(expr->at, "GROUP_BY_AGGREGATE", "42903",
                "Aggregate functions are not allowed in GROUP BY, but found an aggregate.");
  }
  if (failed()) {
    return bad();
  }
  context.clause = "GROUP BY";
  Value value = bind(target, context);
  if (!value.bad && contains_map(value.type)) {
    return fail(expr->at, "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822",
                "The expression \"" + value.pretty + "\" cannot be used as a grouping expression.");
  }
  return value;
}

void Analyzer::bind_groups(const Select& select, const Scope& scope,
                           const std::vector<NamedWindow>&, AggregateLevel& level,
                           std::string& group_by_sql) {
  const auto index_of = [&](Value value) {
    for (std::size_t i = 0; i < level.groups.size(); ++i) {
      if (level.groups[i].sql == value.sql) {
        return i;
      }
    }
    level.groups.push_back(std::move(value));
    return level.groups.size() - 1;
  };
  Bind context;
  context.scope = &scope;
  if (select.group_by.kind == GroupBy::Kind::kAll) {
    if (resolve({"all"}, scope, select.group_by.at)) {
      refuse(select.group_by.at, "GROUP BY ALL beside a column called all");
      return;
    }
    for (const auto& item : select.items) {
      if (item.expr->kind == ExprKind::kStar) {
        std::vector<Value> all;
        expand_star(*item.expr, context, all);
        for (auto& value : all) {
          index_of(std::move(value));
        }
      } else if (!contains_aggregate(*item.expr)) {
        Value value = bind(item.expr, context);
        if (!value.foldable) {
          index_of(std::move(value));
        }
      }
    }
  }
  // The cross product of the elements' sets.
  std::vector<std::vector<std::size_t>> sets{{}};
  for (const auto& element : select.group_by.elements) {
    std::vector<std::vector<std::size_t>> next;
    level.grouping_sets = level.grouping_sets || !element.plain;
    std::vector<std::vector<std::size_t>> bound;
    for (const auto& set : element.sets) {
      std::vector<std::size_t> indexes;
      for (const auto& expr : set) {
        Value value = bind_group_item(expr, select, context);
        if (failed()) {
          return;
        }
        indexes.push_back(index_of(std::move(value)));
      }
      bound.push_back(std::move(indexes));
    }
    for (const auto& before : sets) {
      for (const auto& indexes : bound) {
        next.push_back(before);
        next.back().insert(next.back().end(), indexes.begin(), indexes.end());
      }
    }
    sets = std::move(next);
    if (sets.size() > 4096) {
      refuse(select.group_by.at, "more than 4096 grouping sets");
      return;
    }
  }
  if (level.groups.empty()) {
    return;
  }
  if (!level.grouping_sets) {
    for (std::size_t i = 0; i < level.groups.size(); ++i) {
      group_by_sql += (i == 0 ? " GROUP BY " : ", ") + std::to_string(i + 1);
    }
    return;
  }
  std::string text;
  for (auto& set : sets) {
    std::ranges::sort(set);
    set.erase(std::unique(set.begin(), set.end()), set.end());
    std::string list;
    for (const auto index : set) {
      list += (list.empty() ? "" : ", ") + level.groups[index].sql;
    }
    text += (text.empty() ? "(" : ", (") + list + ")";
  }
  for (const auto& group : level.groups) {
    if (group.foldable) {
      refuse(select.group_by.at, "a constant in grouping sets");
    }
  }
  group_by_sql = " GROUP BY GROUPING SETS (" + text + ")";
}

std::string Analyzer::aggregate_level_sql(const AggregateLevel& level, const std::string& from,
                                          const std::string& group_by) const {
  std::string list;
  for (std::size_t i = 0; i < level.groups.size(); ++i) {
    list += (list.empty() ? "" : ", ") + level.groups[i].sql + " AS \"g" + std::to_string(i) + "\"";
  }
  for (std::size_t i = 0; i < level.aggregates.size(); ++i) {
    list += (list.empty() ? "" : ", ") + level.aggregates[i] + " AS \"a" + std::to_string(i) + "\"";
  }
  if (level.aggregates.empty() && level.groups.empty()) {
    list = "count(*) AS \"a0\"";
  }
  return "SELECT " + list + from + group_by;
}

std::optional<Analyzer::SortKey> Analyzer::bind_sort_item(const SortItem& item, Bind& context,
                                                          const std::vector<Value>& items,
                                                          bool distinct) {
  SortKey key;
  key.order = order_text(item);
  if (item.expr->kind == ExprKind::kLiteral && item.expr->type.kind() == TypeKind::kInt) {
    const int position = std::atoi(item.expr->text.c_str());
    if (position < 1 || static_cast<std::size_t>(position) > items.size()) {
      fail(item.at, "ORDER_BY_POS_OUT_OF_RANGE", "42805",
           "ORDER BY position " + item.expr->text + " is not in select list (valid range is [1, " +
               std::to_string(items.size()) + "]).");
      return std::nullopt;
    }
    key.sql = column(static_cast<std::size_t>(position) - 1);
    key.is_output = true;
    return key;
  }
  if (item.expr->kind == ExprKind::kExists || item.expr->kind == ExprKind::kInQuery ||
      item.expr->kind == ExprKind::kSubquery) {
    refuse(item.at, "ORDER BY a subquery");
    return std::nullopt;
  }
  const Value value = bind(item.expr, context);
  if (value.bad) {
    return std::nullopt;
  }
  if (!is_orderable(value.type)) {
    fail(item.at, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
         "The `sortorder` does not support ordering on type " + type_error_name(value.type) + ".");
    return std::nullopt;
  }
  if (!is_atomic(value.type)) {
    refuse(item.at, "ordering by arrays or structs");
    return std::nullopt;
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].sql == value.sql) {
      key.sql = column(i);
      key.is_output = true;
      return key;
    }
  }
  if (distinct) {
    refuse(item.at, "ORDER BY with SELECT DISTINCT on something that is not selected");
    return std::nullopt;
  }
  key.sql = value.sql;
  return key;
}

Lowered Analyzer::lower_select(const Query& query, const Scope* outer) {
  const Select& select = *query.select;
  FromLowered from = lower_from(select.from, outer);
  for (const auto& view : select.lateral_views) {
    lower_lateral_view(view, from, outer);
  }
  if (failed()) {
    return {};
  }
  const Select* items_of = &select;
  Select rewritten;
  if (extract_generator(select, from, outer, rewritten)) {
    items_of = &rewritten;
  }
  if (failed()) {
    return {};
  }
  Scope scope;
  scope.columns = from.columns;
  scope.outer = outer;
  std::string from_sql = from.sql.empty() ? "" : " FROM " + from.sql;
  if (select.where) {
    Bind context;
    context.scope = &scope;
    context.clause = "WHERE";
    if (contains_aggregate(*select.where)) {
      fail(select.where->at, "INVALID_WHERE_CONDITION", "42903",
           "The WHERE condition contains invalid expressions: aggregate functions. Rewrite the "
           "query to avoid window functions, aggregate functions, and generator functions in the "
           "WHERE clause.");
      return {};
    }
    const Value condition = bind(select.where, context);
    if (condition.bad) {
      return {};
    }
    const Value boolean = condition_value(condition, select.where->at, "WHERE");
    from_sql += " WHERE " + boolean.sql;
  }
  AggregateLevel level;
  std::string group_by;
  const bool aggregated = is_aggregate_query(query);
  Bind context;
  context.scope = &scope;
  std::vector<NamedWindow> windows = select.windows;
  windows.insert(windows.end(), query.windows.begin(), query.windows.end());
  context.windows = &windows;
  context.window_allowed = true;
  if (aggregated) {
    if (from.streaming) {
      fail(select.at, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
           "Invalid streaming output mode: append. This output mode is not supported for streaming "
           "aggregations without watermark on streaming DataFrames/DataSets.");
      return {};
    }
    level.input = &scope;
    level.relation = fresh("r");
    bind_groups(*items_of, scope, windows, level, group_by);
    context.aggregate = &level;
  }
  if (failed()) {
    return {};
  }
  streaming_from_ = from.streaming;
  std::vector<NamedValue> named;
  const std::vector<Value> items = expand_items(*items_of, context, named);
  streaming_from_ = false;
  if (failed()) {
    return {};
  }
  Bind above = context;
  above.first = aggregated ? &named : nullptr;
  above.last = aggregated ? nullptr : &named;
  std::string having;
  if (select.having) {
    above.window_allowed = false;
    const Value condition = bind(select.having, above);
    above.window_allowed = true;
    if (condition.bad) {
      return {};
    }
    having = " WHERE " + condition_value(condition, select.having->at, "HAVING").sql;
  }
  std::string qualify;
  if (select.qualify) {
    const Value condition = bind(select.qualify, above);
    if (condition.bad) {
      return {};
    }
    qualify = condition_value(condition, select.qualify->at, "QUALIFY").sql;
  }
  Bind sorting = context;
  sorting.first = &named;
  std::vector<SortKey> keys;
  for (const auto& item : query.order_by) {
    if (from.streaming) {
      break;
    }
    const auto key = bind_sort_item(item, sorting, items, select.distinct);
    if (!key) {
      return {};
    }
    keys.push_back(*key);
  }
  const bool sorted = !query.order_by.empty() || query.order_by_all;
  if (sorted && from.streaming) {
    fail(query.at, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
         "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated "
         "DataFrame/Dataset in Complete output mode.");
    return {};
  }
  if (query.order_by_all) {
    SortItem all;
    all.descending = query.order_all_descending;
    all.nulls = query.order_all_nulls;
    for (std::size_t i = 0; i < items.size(); ++i) {
      keys.push_back({column(i), order_text(all), true});
    }
  }
  Lowered out;
  out.streaming = from.streaming;
  std::string list;
  std::string outputs;
  for (std::size_t i = 0; i < items.size(); ++i) {
    list += (i == 0 ? "" : ", ") + items[i].sql + " AS " + column(i);
    outputs += (i == 0 ? "" : ", ") + column(i);
    out.columns.push_back({items[i].name, items[i].type, items[i].nullable, {}});
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].is_output) {
      const std::string name = "\"k" + std::to_string(i) + "\"";
      list += ", " + keys[i].sql + " AS " + name;
      keys[i].sql = name;
    }
  }
  if (!qualify.empty()) {
    list += ", " + qualify + " AS \"q\"";
  }
  if (aggregated) {
    from_sql = " FROM (" + aggregate_level_sql(level, from_sql, group_by) + ") AS " +
               level.relation + having;
  }
  out.sql = "SELECT " + list + from_sql;
  if (!qualify.empty()) {
    out.sql = "SELECT * EXCLUDE (\"q\") FROM (" + out.sql + ") AS " + fresh("r") + " WHERE \"q\"";
  }
  if (select.distinct) {
    for (const auto& item : items) {
      if (contains_map(item.type)) {
        fail(select.at, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000",
             "The feature is not supported: Cannot have MAP type columns in DataFrame which calls "
             "set operations (INTERSECT, EXCEPT, etc.).");
        return {};
      }
    }
    if (from.streaming) {
      cut_at_distinct(out, select.at);
    } else {
      out.sql = "SELECT DISTINCT " + outputs + " FROM (" + out.sql + ") AS " + fresh("r");
    }
  }
  const std::string limit = limit_clause(query);
  if (!limit.empty() && from.streaming) {
    refuse(query.at, "LIMIT over a stream");
    return {};
  }
  if (!keys.empty()) {
    std::string order;
    for (const auto& key : keys) {
      order += (order.empty() ? "" : ", ") + key.sql + key.order;
    }
    out.sql =
        "SELECT " + outputs + " FROM (" + out.sql + ") AS " + fresh("r") + " ORDER BY " + order;
    out.ordered = true;
  }
  if (!limit.empty()) {
    out.sql =
        keys.empty() ? "SELECT * FROM (" + out.sql + ") AS " + fresh("r") + limit : out.sql + limit;
  }
  return out;
}

Value Analyzer::condition_value(const Value& condition, const Position& at, const char* clause) {
  if (condition.type.kind() == TypeKind::kBoolean || is_null_type(condition.type)) {
    return coerce(condition, DataType::of(TypeKind::kBoolean), at);
  }
  if (is_string(condition.type)) {
    return refuse(at, "a text as a condition");
  }
  return fail(at, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09",
              std::string("The condition of ") + clause + " is not a boolean: \"" +
                  condition.pretty + "\" has the type " + type_error_name(condition.type) + ".");
}

// SELECT DISTINCT over a stream: what was lowered so far is the input of the runner's state, what
// follows reads the relation where the runner puts the new rows.
void Analyzer::cut_at_distinct(Lowered& out, const Position& at) {
  if (!flow_ || distinct_input_) {
    refuse(at, flow_ ? "a second SELECT DISTINCT over a stream" : "SELECT DISTINCT over a stream");
    return;
  }
  LoweredQuery input;
  const std::string relation = fresh("r");
  std::string items;
  std::string read;
  std::vector<types::Field> fields;
  for (std::size_t i = 0; i < out.columns.size(); ++i) {
    const OutputColumn& source = out.columns[i];
    for (const auto& other : fields) {
      if (same_name(other.name, source.name)) {
        refuse(at, "SELECT DISTINCT over a stream with two columns of one name");
        return;
      }
    }
    fields.push_back(types::make_field(source.name, source.type, source.nullable));
    items += (i == 0 ? "" : ", ") + relation + "." + column(i) + " AS " + quoted(source.name);
    read += (i == 0 ? "" : ", ") + relation + "." + quoted(source.name) + " AS " + column(i);
  }
  input.duckdb_sql = "SELECT " + items + " FROM (" + out.sql + ") AS " + relation;
  input.schema = DataType::structure(std::move(fields));
  input.functions = functions_;
  functions_.clear();
  distinct_input_ = std::move(input);
  out.sql =
      "SELECT " + read + " FROM " + std::string(FlowQuery::kDistinctRelation) + " AS " + relation;
}

}  // namespace sluice::sparksql
