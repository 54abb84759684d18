// FROM: tables, views (inlined), streams, table functions, VALUES, subqueries, joins.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::string column(std::size_t index) {
  return "\"c" + std::to_string(index) + "\"";
}

}  // namespace

FromLowered Analyzer::from_lowered(const Lowered& query, const FromItem& item) {
  FromLowered out;
  const std::string relation = fresh("r");
  out.sql = "(" + query.sql + ") AS " + relation;
  out.streaming = query.streaming;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    const OutputColumn& source = query.columns[i];
    out.columns.push_back(
        {{}, source.name, source.type, source.nullable, relation + "." + column(i), false});
  }
  apply_alias(out, item, {});
  return out;
}

void Analyzer::apply_alias(FromLowered& from, const FromItem& item, const TableName& default_name) {
  if (failed()) {
    return;
  }
  TableName qualifier = default_name;
  if (item.alias) {
    qualifier = {item.alias->name};
    const auto& names = item.alias->columns;
    if (!names.empty() && names.size() != from.columns.size()) {
      fail(item.at, "ASSIGNMENT_ARITY_MISMATCH", "42802",
           "The number of columns or variables assigned or aliased: " +
               std::to_string(names.size()) + " does not match the number of source expressions: " +
               std::to_string(from.columns.size()) + ".");
      return;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      from.columns[i].name = names[i];
    }
  }
  for (auto& source : from.columns) {
    source.qualifier = qualifier;
  }
}

FromLowered Analyzer::lower_from(const std::vector<FromRef>& from, const Scope* outer) {
  FromLowered out;
  for (const auto& item : from) {
    Scope left;
    left.columns = out.columns;
    left.outer = outer;
    FromLowered next = lower_relation(*item, outer, &left);
    if (failed()) {
      return {};
    }
    if (out.sql.empty()) {
      out = std::move(next);
      continue;
    }
    out.sql += " CROSS JOIN " + std::string(item->lateral ? "LATERAL " : "") + next.sql;
    out.columns.insert(out.columns.end(), next.columns.begin(), next.columns.end());
    if (out.streaming && next.streaming) {
      refuse(item->at, "a join of two streams");
      return {};
    }
    out.streaming = out.streaming || next.streaming;
  }
  return out;
}

FromLowered Analyzer::lower_relation(const FromItem& item, const Scope* outer, const Scope* left) {
  if (failed()) {
    return {};
  }
  switch (item.kind) {
    case FromItem::Kind::kTable:
      return lower_table(item);
    case FromItem::Kind::kValues:
      return lower_values(item, outer);
    case FromItem::Kind::kFunction:
      return lower_function_relation(item, item.lateral ? left : outer);
    case FromItem::Kind::kJoin:
      return lower_join(item, outer);
    case FromItem::Kind::kQuery: {
      const Lowered query = lower(*item.query, item.lateral ? left : outer);
      return failed() ? FromLowered{} : from_lowered(query, item);
    }
  }
  return {};
}

FromLowered Analyzer::lower_table(const FromItem& item) {
  if (item.table.size() == 1 && !item.stream) {
    for (std::size_t i = ctes_.size(); i-- > 0;) {
      if (ctes_[i].name != lower_case(item.table[0])) {
        continue;
      }
      const CteEntry& cte = ctes_[i];
      FromLowered out;
      const std::string relation = fresh("r");
      out.sql = cte.relation + " AS " + relation;
      out.streaming = cte.streaming;
      for (std::size_t c = 0; c < cte.columns.size(); ++c) {
        out.columns.push_back({{},
                               cte.columns[c].name,
                               cte.columns[c].type,
                               cte.columns[c].nullable,
                               relation + "." + column(c),
                               false});
      }
      apply_alias(out, item, {cte.name});
      return out;
    }
  }
  const auto relation = catalog_.find(item.table);
  if (!relation) {
    fail(item.at, "TABLE_OR_VIEW_NOT_FOUND", "42P01",
         "The table or view " + quote_name(item.table) +
             " cannot be found. Verify the spelling and correctness of the schema and catalog. If "
             "you did not qualify the name with a schema, verify the current_schema() output, or "
             "qualify the name with the correct schema and catalog. To tolerate the error on drop "
             "use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS." +
             (catalog_.names().empty()
                  ? ""
                  : " Did you mean one of " + suggestions(item.table.back(), catalog_.names()) +
                        "?"));
    return {};
  }
  if (relation->kind == sparksql::Relation::Kind::kView) {
    return lower_view(item, *relation);
  }
  return lower_catalog_table(item, *relation);
}

FromLowered Analyzer::lower_catalog_table(const FromItem& item,
                                          const sparksql::Relation& relation) {
  FromLowered out;
  const std::string name = fresh("r");
  std::string from = relation.duckdb_relation;
  if (item.stream) {
    if (!flow_) {
      refuse(item.at, "STREAM outside a pipeline");
      return {};
    }
    if (!relation.streaming) {
      fail(item.at, "INCOMPATIBLE_BATCH_VIEW_READ", "42000",
           "View " + quote_name(item.table) +
               " is a batch view and must be referenced without STREAM.");
      return {};
    }
    StreamSource source;
    source.kind = StreamSource::Kind::kTable;
    source.table = relation.full_name.empty() ? item.table : relation.full_name;
    source.duckdb_relation = "__source" + std::to_string(sources_.size());
    source.schema = relation.schema;
    source.place = place(item.at);
    from = source.duckdb_relation;
    sources_.push_back(std::move(source));
    out.streaming = true;
  }
  out.sql = from + " AS " + name;
  for (const auto& part : relation.schema.fields()) {
    out.columns.push_back(
        {{}, part.name, *part.type, part.nullable, name + "." + quoted(part.name), false});
  }
  apply_alias(out, item, relation.full_name.empty() ? item.table : relation.full_name);
  return out;
}

FromLowered Analyzer::lower_view(const FromItem& item, const sparksql::Relation& relation) {
  const std::string key = quote_name(relation.full_name.empty() ? item.table : relation.full_name);
  if (holds(view_stack_, key)) {
    fail(
        item.at, "RECURSIVE_VIEW", "42K0H",
        "Recursive view " + key + " detected (cycle: " + view_stack_.front() + " -> " + key + ").");
    return {};
  }
  view_stack_.push_back(key);
  std::vector<CteEntry> hidden;
  hidden.swap(ctes_);
  std::string file = relation.view->file;
  file.swap(file_);
  Lowered query = lower(*relation.view, nullptr);
  file_.swap(file);
  ctes_.swap(hidden);
  view_stack_.pop_back();
  if (failed()) {
    return {};
  }
  if (!relation.view_columns.empty() && relation.view_columns.size() != query.columns.size()) {
    fail(item.at, "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", "21S01",
         "Cannot create view " + key + ", the reason is not enough data columns.");
    return {};
  }
  for (std::size_t i = 0; i < relation.view_columns.size(); ++i) {
    query.columns[i].name = relation.view_columns[i].name;
  }
  if (query.streaming && !item.stream) {
    fail(item.at, "INCOMPATIBLE_STREAMING_VIEW_READ", "42000",
         "View " + quote_name(item.table) +
             " is a streaming view and must be referenced using SparkSession#readStream.");
    return {};
  }
  if (!query.streaming && item.stream) {
    fail(item.at, "INCOMPATIBLE_BATCH_VIEW_READ", "42000",
         "View " + quote_name(item.table) +
             " is a batch view and must be referenced using "
             "SparkSession#read.");
    return {};
  }
  FromLowered out = from_lowered(query, item);
  if (!item.alias) {
    apply_alias(out, item, relation.full_name.empty() ? item.table : relation.full_name);
  }
  return out;
}

FromLowered Analyzer::lower_source(const FromItem& item) {
  if (!item.stream) {
    refuse(item.at, "read_kinesis without STREAM");
    return {};
  }
  if (!flow_) {
    refuse(item.at, "STREAM read_kinesis outside a pipeline");
    return {};
  }
  StreamSource source;
  source.kind = StreamSource::Kind::kKinesis;
  source.place = place(item.at);
  source.duckdb_relation = "__source" + std::to_string(sources_.size());
  static constexpr std::string_view kKnown[] = {"streamname", "region", "initialposition",
                                                "endpointurl", "timestamp"};
  static constexpr std::string_view kSecret[] = {"awsaccesskey", "awssecretkey", "sessiontoken",
                                                 "awsaccesskeyid", "awssecretaccesskey"};
  for (std::size_t i = 0; i < item.args.size(); ++i) {
    const std::string name = lower_case(item.arg_names[i]);
    if (holds(kSecret, std::string_view(name))) {
      fail(item.at, "UNSUPPORTED_BY_SLUICE", "0A000",
           "read_kinesis: keys do not belong in a project's files (" + item.arg_names[i] +
               "); they come from the environment.");
      return {};
    }
    if (!holds(kKnown, std::string_view(name))) {
      refuse(item.args[i]->at, name.empty()
                                   ? "read_kinesis with arguments by position"
                                   : "the option " + item.arg_names[i] + " of read_kinesis");
      return {};
    }
    Bind context;
    const Value value = bind(item.args[i], context);
    if (value.bad) {
      return {};
    }
    if (!value.literal) {
      refuse(item.args[i]->at, "an option of read_kinesis that is no literal");
      return {};
    }
    source.options[name] = *value.literal;
  }
  if (!source.options.contains("streamname")) {
    fail(item.at, "REQUIRED_PARAMETER_NOT_FOUND", "4274K",
         "Cannot invoke routine `read_kinesis` because the parameter named `streamName` is "
         "required, "
         "but the routine call did not supply a value.");
    return {};
  }
  const auto text = [](const char* name) {
    return types::make_field(name, DataType::of(TypeKind::kString));
  };
  source.schema = DataType::structure(
      {text("partitionKey"), types::make_field("data", DataType::of(TypeKind::kBinary)),
       text("stream"), text("shardId"), text("sequenceNumber"),
       types::make_field("approximateArrivalTimestamp", DataType::of(TypeKind::kTimestamp))});
  FromLowered out;
  const std::string name = fresh("r");
  out.sql = source.duckdb_relation + " AS " + name;
  out.streaming = true;
  for (const auto& part : source.schema.fields()) {
    out.columns.push_back({{}, part.name, *part.type, true, name + "." + quoted(part.name), false});
  }
  apply_alias(out, item, {"read_kinesis"});
  sources_.push_back(std::move(source));
  return out;
}

// range([start,] end [, step]).
FromLowered Analyzer::lower_range(const FromItem& item) {
  Bind context;
  std::vector<std::string> args;
  for (const auto& arg : item.args) {
    const Value value = bind(arg, context);
    if (value.bad) {
      return {};
    }
    if (!value.literal || !value.type.is_integral()) {
      refuse(item.at, "range with anything but whole numbers");
      return {};
    }
    args.push_back("CAST(" + value.sql + " AS BIGINT)");
  }
  if (args.empty() || args.size() > 3) {
    refuse(item.at, "range with this many arguments");
    return {};
  }
  FromLowered out;
  const std::string name = fresh("r");
  std::string list;
  for (const auto& arg : args) {
    list += (list.empty() ? "" : ", ") + arg;
  }
  out.sql = "range(" + list + ") AS " + name + "(\"c0\")";
  out.columns.push_back({{}, "id", DataType::of(TypeKind::kLong), false, name + ".\"c0\"", false});
  apply_alias(out, item, {"range"});
  return out;
}

FromLowered Analyzer::lower_function_relation(const FromItem& item, const Scope* outer) {
  const std::string name = lower_case(item.table.back());
  if (name == "read_kinesis" && item.table.size() == 1) {
    return lower_source(item);
  }
  if (name == "range" && item.table.size() == 1) {
    return lower_range(item);
  }
  Expr call;
  call.kind = ExprKind::kCall;
  call.at = item.at;
  call.names = item.table;
  call.args = item.args;
  call.arg_names = item.arg_names;
  Scope scope;
  scope.outer = outer;
  Bind context;
  context.scope = &scope;
  std::string sql;
  std::vector<OutputColumn> columns;
  if (item.stream || !generator_sql(call, context, sql, columns, false)) {
    if (!failed()) {
      const bool known = find_function(name) != nullptr;
      known ? refuse(item.at, "the table function " + name)
            : fail(item.at, "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883",
                   "Could not resolve " + quote_name(item.table) +
                       " to a table-valued function. Please make sure that it is defined as a "
                       "table-valued function and that all required parameters are provided "
                       "correctly.");
    }
    return {};
  }
  FromLowered out;
  const std::string relation = fresh("r");
  out.sql = "(" + sql + ") AS " + relation;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    out.columns.push_back({{},
                           columns[i].name,
                           columns[i].type,
                           columns[i].nullable,
                           relation + "." + column(i),
                           false});
  }
  apply_alias(out, item, {name});
  return out;
}

FromLowered Analyzer::lower_values(const FromItem& item, const Scope* outer) {
  const std::size_t width = item.rows.empty() ? 0 : item.rows[0].size();
  std::vector<std::vector<Value>> rows;
  Scope scope;
  scope.outer = nullptr;
  (void)outer;
  for (const auto& row : item.rows) {
    if (row.size() != width) {
      fail(item.at, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "42000",
           "Invalid inline table. Inline table expected " + std::to_string(width) +
               " columns but found " + std::to_string(row.size()) + " columns in a row.");
      if (error_) {
        error_->stage = Stage::kParse;
      }
      return {};
    }
    std::vector<Value> values;
    for (const auto& expr : row) {
      Bind context;
      context.scope = &scope;
      values.push_back(bind(expr, context));
      if (values.back().bad) {
        return {};
      }
      if (!values.back().foldable) {
        fail(expr->at, "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE", "42000",
             "Invalid inline table. Cannot evaluate the expression \"" + values.back().pretty +
                 "\" in inline table definition.");
        return {};
      }
    }
    rows.push_back(std::move(values));
  }
  std::vector<DataType> types;
  for (std::size_t c = 0; c < width; ++c) {
    std::vector<Value> cells;
    for (const auto& row : rows) {
      cells.push_back(row[c]);
    }
    const auto type = common_type(cells);
    if (!type) {
      fail(item.at, "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", "42000",
           "Invalid inline table. Found incompatible types in the column `col" +
               std::to_string(c + 1) + "` for inline table.");
      return {};
    }
    types.push_back(*type);
  }
  FromLowered out;
  const std::string relation = fresh("r");
  std::string text;
  std::string names;
  for (const auto& row : rows) {
    std::string cells;
    for (std::size_t c = 0; c < width; ++c) {
      cells += (c == 0 ? "" : ", ") + coerce(row[c], types[c], item.at).sql;
    }
    text += (text.empty() ? "(" : ", (") + cells + ")";
  }
  for (std::size_t c = 0; c < width; ++c) {
    names += (c == 0 ? "" : ", ") + column(c);
    const bool nullable =
        std::ranges::any_of(rows, [&](const auto& row) { return row[c].nullable; });
    out.columns.push_back(
        {{}, "col" + std::to_string(c + 1), types[c], nullable, relation + "." + column(c), false});
  }
  out.sql = "(VALUES " + text + ") AS " + relation + "(" + names + ")";
  apply_alias(out, item, {});
  return out;
}

// The condition of USING (…) or NATURAL, and what `*` shows of it.
std::string Analyzer::join_using(const FromItem& item, const std::vector<std::string>& names,
                                 FromLowered& left, FromLowered& right,
                                 std::vector<ScopeColumn>& columns) {
  std::string on;
  std::vector<ScopeColumn> keys;
  const auto find = [&](FromLowered& side, const std::string& name) -> ScopeColumn* {
    ScopeColumn* found = nullptr;
    for (auto& source : side.columns) {
      if (!source.hidden && same_name(source.name, name)) {
        if (found != nullptr) {
          fail(
              item.at, "AMBIGUOUS_REFERENCE", "42704",
              "Reference `" + name + "` is ambiguous, could be: [`" + name + "`, `" + name + "`].");
          return nullptr;
        }
        found = &source;
      }
    }
    if (found == nullptr) {
      fail(item.at, "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703",
           "USING column `" + name + "` cannot be resolved on one side of the join.");
    }
    return found;
  };
  for (const auto& name : names) {
    ScopeColumn* a = find(left, name);
    ScopeColumn* b = a != nullptr ? find(right, name) : nullptr;
    if (a == nullptr || b == nullptr) {
      return {};
    }
    const auto value = [](const ScopeColumn& source) {
      Value out;
      out.sql = source.sql;
      out.type = source.type;
      out.pretty = source.name;
      return out;
    };
    const Value equal = compare("=", value(*a), value(*b), item.at);
    on += (on.empty() ? "" : " AND ") + equal.sql;
    ScopeColumn key = item.join == JoinKind::kRight ? *b : *a;
    if (item.join == JoinKind::kFull) {
      const auto type = wider_type(a->type, b->type, ansi());
      key.qualifier.clear();
      key.type = type.value_or(a->type);
      key.sql = "coalesce(" + coerce(value(*a), key.type, item.at).sql + ", " +
                coerce(value(*b), key.type, item.at).sql + ")";
      a->hidden = true;
    }
    keys.push_back(key);
    (item.join == JoinKind::kRight ? a : b)->hidden = true;
  }
  // The keys stand first.
  columns = keys;
  const auto rest = [&](const FromLowered& side) {
    for (const auto& source : side.columns) {
      const bool is_key =
          std::ranges::any_of(keys, [&](const auto& key) { return key.sql == source.sql; });
      if (!is_key) {
        columns.push_back(source);
      }
    }
  };
  rest(left);
  if (item.join != JoinKind::kLeftSemi && item.join != JoinKind::kLeftAnti) {
    rest(right);
  }
  return on;
}

FromLowered Analyzer::lower_join(const FromItem& item, const Scope* outer) {
  FromLowered left = lower_relation(*item.left, outer, nullptr);
  Scope left_scope;
  left_scope.columns = left.columns;
  left_scope.outer = outer;
  FromLowered right = lower_relation(*item.right, outer, &left_scope);
  if (failed()) {
    return {};
  }
  if (left.streaming && right.streaming) {
    refuse(item.at, "a join of two streams");
    return {};
  }
  if ((right.streaming && item.join != JoinKind::kInner && item.join != JoinKind::kCross) ||
      (left.streaming && (item.join == JoinKind::kRight || item.join == JoinKind::kFull))) {
    refuse(item.at, "this outer join of a stream");
    return {};
  }
  FromLowered out;
  out.streaming = left.streaming || right.streaming;
  std::vector<std::string> names = item.using_columns;
  if (item.natural) {
    for (const auto& source : left.columns) {
      const bool common = std::ranges::any_of(right.columns, [&](const auto& other) {
        return !other.hidden && same_name(other.name, source.name);
      });
      if (common && !source.hidden) {
        names.push_back(source.name);
      }
    }
  }
  const bool one_sided = item.join == JoinKind::kLeftSemi || item.join == JoinKind::kLeftAnti;
  std::string on;
  if (!names.empty()) {
    on = join_using(item, names, left, right, out.columns);
  } else {
    out.columns = left.columns;
    if (!one_sided) {
      out.columns.insert(out.columns.end(), right.columns.begin(), right.columns.end());
    }
  }
  if (item.on) {
    Scope scope;
    scope.columns = left.columns;
    scope.columns.insert(scope.columns.end(), right.columns.begin(), right.columns.end());
    scope.outer = outer;
    Bind context;
    context.scope = &scope;
    context.clause = "JOIN";
    const Value condition = bind(item.on, context);
    if (condition.bad) {
      return {};
    }
    on = condition_value(condition, item.on->at, "JOIN").sql;
  }
  if (failed()) {
    return {};
  }
  for (auto& source : out.columns) {
    source.nullable = source.nullable || item.join == JoinKind::kFull ||
                      item.join == JoinKind::kLeft || item.join == JoinKind::kRight;
  }
  const std::string lateral = item.right->lateral ? "LATERAL " : "";
  static constexpr const char* kWords[] = {" JOIN ",       " CROSS JOIN ", " LEFT JOIN ",
                                           " RIGHT JOIN ", " FULL JOIN ",  " SEMI JOIN ",
                                           " ANTI JOIN "};
  const bool cross = on.empty() && (item.join == JoinKind::kInner || item.join == JoinKind::kCross);
  const std::string word = cross                           ? " CROSS JOIN "
                           : item.join == JoinKind::kCross ? " JOIN "
                                                           : kWords[static_cast<int>(item.join)];
  const bool nested = item.right->kind == FromItem::Kind::kJoin;
  out.sql = left.sql + word + lateral + (nested ? "(" + right.sql + ")" : right.sql);
  if (!cross) {
    out.sql += " ON " + (on.empty() ? "TRUE" : on);
  }
  return out;
}

// A generator as a subquery that yields its rows; false when `call` is none.
bool Analyzer::generator_sql(const Expr& call, const Bind& bind_context, std::string& sql,
                             std::vector<OutputColumn>& columns, bool outer) {
  const std::string name = call.names.size() == 1 ? lower_case(call.names[0]) : "";
  const bool is_outer = outer || name.ends_with("_outer");
  const std::string base = name.ends_with("_outer") ? name.substr(0, name.size() - 6) : name;
  if (base != "explode" && base != "posexplode" && base != "inline") {
    return false;
  }
  if (call.args.size() != 1) {
    fail(call.at, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
         "The `" + name + "` requires 1 parameters but the actual number is " +
             std::to_string(call.args.size()) + ".");
    return true;
  }
  Bind context = bind_context;
  const Value value = bind(call.args[0], context);
  if (value.bad) {
    return true;
  }
  const bool array = value.type.kind() == TypeKind::kArray;
  const bool map = value.type.kind() == TypeKind::kMap;
  const bool structs = array && value.type.element().kind() == TypeKind::kStruct;
  if ((base == "inline" && !structs) || (base != "inline" && !array && !map)) {
    fail(call.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
         "Cannot resolve \"" + name + "(" + value.pretty +
             ")\" due to data type mismatch: The first parameter requires the (\"ARRAY\" or "
             "\"MAP\") type, however \"" +
             value.pretty + "\" has the type " + type_error_name(value.type) + ".");
    return true;
  }
  // Rows (position, item); an empty or NULL value gives one row of NULLs when OUTER.
  const std::string list = map ? "map_entries(" + value.sql + ")" : value.sql;
  const std::string source = fresh("r");
  std::string from = "(SELECT unnest(" + list + ") AS \"e\", generate_subscripts(" + list +
                     ", 1) AS \"p\") AS " + source;
  const std::string element = source + ".\"e\"";
  std::vector<std::string> items;
  if (base == "posexplode") {
    items.push_back("CAST(" + source + ".\"p\" - 1 AS INTEGER)");
    columns.push_back({"pos", DataType::of(TypeKind::kInt), is_outer, {}});
  }
  if (map) {
    items.push_back("struct_extract(" + element + ", 'key')");
    items.push_back("struct_extract(" + element + ", 'value')");
    columns.push_back({"key", value.type.key(), is_outer, {}});
    columns.push_back({"value", value.type.value(), true, {}});
  } else if (base == "inline") {
    for (const auto& part : value.type.element().fields()) {
      items.push_back("struct_extract(" + element + ", " + text_sql(part.name) + ")");
      columns.push_back({part.name, *part.type, true, {}});
    }
  } else {
    items.push_back(element);
    columns.push_back({"col", value.type.element(), true, {}});
  }
  std::string list_sql;
  for (std::size_t i = 0; i < items.size(); ++i) {
    list_sql += (i == 0 ? "" : ", ") + items[i] + " AS " + column(i);
  }
  if (is_outer) {
    from = "(SELECT 1) AS " + fresh("r") + " LEFT JOIN " + from + " ON TRUE";
  }
  sql = "SELECT " + list_sql + " FROM " + from;
  return true;
}

void Analyzer::lower_lateral_view(const LateralView& view, FromLowered& from, const Scope* outer) {
  if (failed()) {
    return;
  }
  Scope scope;
  scope.columns = from.columns;
  scope.outer = outer;
  Bind context;
  context.scope = &scope;
  std::string sql;
  std::vector<OutputColumn> columns;
  if (!generator_sql(*view.call, context, sql, columns, view.outer)) {
    refuse(view.call->at, "LATERAL VIEW " + view.call->names.back());
    return;
  }
  if (failed()) {
    return;
  }
  if (!view.columns.empty() && view.columns.size() != columns.size()) {
    fail(view.call->at, "UDTF_ALIAS_NUMBER_MISMATCH", "42802",
         "The number of aliases supplied in the AS clause does not match the number of columns "
         "output by the UDTF.");
    return;
  }
  const std::string relation = fresh("r");
  from.sql += " CROSS JOIN LATERAL (" + sql + ") AS " + relation;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    from.columns.push_back({view.table.empty() ? TableName{} : TableName{view.table},
                            view.columns.empty() ? columns[i].name : view.columns[i],
                            columns[i].type, columns[i].nullable, relation + "." + column(i),
                            false});
  }
}

// SELECT …, explode(x), …: the generator becomes a lateral relation, its item the relation's
// columns.
bool Analyzer::extract_generator(const Select& select, FromLowered& from, const Scope* outer,
                                 Select& rewritten) {
  static constexpr std::string_view kNames[] = {
      "explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer"};
  const auto is_generator = [&](const SelectItem& item) {
    return item.expr->kind == ExprKind::kCall && item.expr->names.size() == 1 && !item.expr->over &&
           holds(kNames, std::string_view(lower_case(item.expr->names[0])));
  };
  const auto count = std::ranges::count_if(select.items, is_generator);
  if (count == 0) {
    return false;
  }
  if (count > 1) {
    fail(select.at, "UNSUPPORTED_GENERATOR.MULTI_GENERATOR", "42K0E",
         "The generator is not supported: only one generator allowed per SELECT clause.");
    return false;
  }
  const auto found = std::ranges::find_if(select.items, is_generator);
  Scope scope;
  scope.columns = from.columns;
  scope.outer = outer;
  Bind context;
  context.scope = &scope;
  std::string sql;
  std::vector<OutputColumn> columns;
  generator_sql(*found->expr, context, sql, columns, false);
  if (failed()) {
    return false;
  }
  if (!found->aliases.empty() && found->aliases.size() != columns.size()) {
    fail(found->at, "UDTF_ALIAS_NUMBER_MISMATCH", "42802",
         "The number of aliases supplied in the AS clause does not match the number of columns "
         "output by the UDTF.");
    return false;
  }
  const std::string relation = fresh("r");
  from.sql += (from.sql.empty() ? "(" : " CROSS JOIN LATERAL (") + sql + ") AS " + relation;
  rewritten = select;
  rewritten.items.clear();
  const std::string hidden = fresh("__generator");
  for (const auto& item : select.items) {
    if (&item != &*found) {
      rewritten.items.push_back(item);
      continue;
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string name = found->aliases.empty() ? columns[i].name : found->aliases[i];
      from.columns.push_back(
          {{hidden}, name, columns[i].type, columns[i].nullable, relation + "." + column(i), true});
      auto reference = std::make_shared<Expr>();
      reference->kind = ExprKind::kColumn;
      reference->at = item.at;
      reference->names = {hidden, name};
      SelectItem replaced;
      replaced.at = item.at;
      replaced.expr = std::move(reference);
      replaced.aliases = {name};
      rewritten.items.push_back(std::move(replaced));
    }
  }
  return true;
}

}  // namespace sluice::sparksql
