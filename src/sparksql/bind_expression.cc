// Expressions: dispatch, literals, names, fields, and the match with GROUP BY expressions.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "duck/duck.h"
#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [](unsigned char a, unsigned char b) {
           return std::tolower(a) == std::tolower(b);
         });
}

std::string quoted(std::string_view identifier) {
  return duck::quote_identifier(identifier);
}

std::string text_sql(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) {
    return duck::quote_text(text);
  }
  std::string out = "(";
  std::size_t begin = 0;
  while (true) {
    const std::size_t nul = text.find('\0', begin);
    out += duck::quote_text(text.substr(begin, nul - begin));
    if (nul == std::string_view::npos) {
      return out + ")";
    }
    out += " || chr(0) || ";
    begin = nul + 1;
  }
}

std::string type_error_name(const DataType& type) {
  return "\"" + type.to_sql() + "\"";
}

Value Analyzer::bad() {
  Value value;
  value.bad = true;
  value.sql = "NULL";
  return value;
}

Value Analyzer::fail(const Position& at, std::string error_class, std::string state,
                     std::string message) {
  if (!error_) {
    error_ = make_error(std::move(error_class), std::move(state), std::move(message),
                        Stage::kAnalysis, place(at));
  }
  return bad();
}

Value Analyzer::refuse(const Position& at, std::string_view what) {
  if (!error_) {
    error_ = unsupported(what, Stage::kAnalysis, place(at));
  }
  return bad();
}

void Analyzer::need(NativeFunction function) {
  const bool known = std::ranges::any_of(
      functions_, [&](const auto& other) { return other.name == function.name; });
  if (!known) {
    functions_.push_back(std::move(function));
  }
}

Value Analyzer::bind(const Expr& expr, Bind& context) {
  if (failed()) {
    return bad();
  }
  constexpr std::size_t kSqlBytesMax = std::size_t{8} << 20;
  if (++depth_ > 4 * kHeightMax) {
    --depth_;
    return refuse(expr.at, "an expression this deep");
  }
  Value out;
  std::optional<Value> group;
  if (context.aggregate != nullptr) {
    group = match_group(expr, context);
  }
  out = group ? std::move(*group) : bind_kind(expr, context);
  --depth_;
  if (failed()) {
    return bad();
  }
  if (out.sql.size() > kSqlBytesMax) {
    return refuse(expr.at, "an expression this large");
  }
  return out;
}

Value Analyzer::bind_kind(const Expr& expr, Bind& context) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return bind_literal(expr);
    case ExprKind::kInterval:
      return refuse(expr.at, "intervals");
    case ExprKind::kColumn:
      return bind_column(expr, context);
    case ExprKind::kStar:
      return fail(expr.at, "INVALID_USAGE_OF_STAR_OR_REGEX", "42000",
                  "Invalid usage of '*' in expression.");
    case ExprKind::kField: {
      const Value base = bind(expr.args[0], context);
      if (base.bad) {
        return bad();
      }
      Value part = field(base, expr.text, expr.at);
      part.name.clear();
      return part;
    }
    case ExprKind::kSubscript:
      return bind_subscript(expr, context);
    case ExprKind::kUnary:
      return bind_unary(expr, context);
    case ExprKind::kBinary:
      return bind_binary(expr, context);
    case ExprKind::kIsNull: {
      Value value = bind(expr.args[0], context);
      value.sql = "(" + value.sql + (expr.negated ? " IS NOT NULL)" : " IS NULL)");
      value.pretty = "(" + value.pretty + (expr.negated ? " IS NOT NULL)" : " IS NULL)");
      value.type = DataType::of(TypeKind::kBoolean);
      value.nullable = false;
      value.literal.reset();
      value.is_null_literal = false;
      return value;
    }
    case ExprKind::kIsBoolean: {
      Value value = coerce(bind(expr.args[0], context), DataType::of(TypeKind::kBoolean), expr.at);
      const std::string what = expr.text == "UNKNOWN" ? "NULL" : expr.text;
      const std::string equal = "(" + value.pretty + " <=> " + lower_case(expr.text) + ")";
      const std::string op = expr.negated ? " IS NOT " : " IS ";
      value.sql = "(" + value.sql + op + what + ")";
      value.pretty = what == "NULL" ? "(" + value.pretty + op + "NULL)"
                     : expr.negated ? "(NOT " + equal + ")"
                                    : equal;
      value.nullable = false;
      value.literal.reset();
      value.is_null_literal = false;
      return value;
    }
    case ExprKind::kIsDistinct: {
      Value value =
          compare("<=>", bind(expr.args[0], context), bind(expr.args[1], context), expr.at);
      if (!expr.negated) {
        value.sql = "(NOT " + value.sql + ")";
        value.pretty = "(NOT " + value.pretty + ")";
      }
      return value;
    }
    case ExprKind::kBetween:
      return bind_between(expr, context);
    case ExprKind::kInList:
      return bind_in_list(expr, context);
    case ExprKind::kInQuery:
      return bind_in_query(expr, context);
    case ExprKind::kExists:
      return bind_exists(expr, context);
    case ExprKind::kSubquery:
      return bind_subquery(expr, context);
    case ExprKind::kLike:
      return bind_like(expr, context);
    case ExprKind::kLikeMany:
      return bind_like_many(expr, context);
    case ExprKind::kCase:
      return bind_case(expr, context);
    case ExprKind::kCast:
      return bind_cast(expr, context);
    case ExprKind::kCall:
      return bind_call(expr, context);
    case ExprKind::kLambda:
      return refuse(expr.at, "a lambda function here");
    case ExprKind::kTuple:
      return bind_tuple(expr, context);
    case ExprKind::kVariantPath:
      return refuse(expr.at, "paths into variants (a:b)");
  }
  return bad();
}

namespace {

std::string date_literal_pretty(const char* type, const std::string& text) {
  return std::string(type) + " '" + text + "'";
}

}  // namespace

Value Analyzer::bind_literal(const Expr& expr) {
  Value out;
  out.type = expr.type;
  out.foldable = true;
  out.nullable = false;
  out.literal = expr.text;
  out.pretty = expr.text;
  switch (expr.type.kind()) {
    case TypeKind::kNull:
      out.sql = "NULL";
      out.nullable = true;
      out.literal.reset();
      out.is_null_literal = true;
      break;
    case TypeKind::kBoolean:
      out.sql = expr.text;
      out.pretty = lower_case(expr.text);
      out.literal = out.pretty;
      break;
    case TypeKind::kString:
      out.sql = text_sql(expr.text);
      break;
    case TypeKind::kBinary:
      out.sql = "unhex(" + text_sql(expr.text) + ")";
      out.pretty = "X'" + expr.text + "'";
      break;
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: {
      bool can_throw = false;
      out.sql = *cast_from_string(text_sql(expr.text), expr.type, CastMode::kAnsi, can_throw);
      out.can_throw = true;
      out.pretty = date_literal_pretty(expr.type.kind() == TypeKind::kDate        ? "DATE"
                                       : expr.type.kind() == TypeKind::kTimestamp ? "TIMESTAMP"
                                                                                  : "TIMESTAMP_NTZ",
                                       expr.text);
      break;
    }
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      out.sql = "CAST('" + expr.text + "' AS " + expr.type.to_duckdb() + ")";
      const double value = std::strtod(expr.text.c_str(), nullptr);
      const bool simple = std::abs(value) < 1e7 && std::abs(value) >= 1e-3;
      if (simple || value == 0) {
        out.pretty = expr.type.kind() == TypeKind::kFloat
                         ? fmt::format("{}", static_cast<float>(value))
                         : fmt::format("{}", value);
        out.pretty += out.pretty.find('.') == std::string::npos ? ".0" : "";
      }
      break;
    }
    case TypeKind::kDecimal:
      out.sql = "CAST('" + expr.text + "' AS " + expr.type.to_duckdb() + ")";
      break;
    default:
      out.sql = "CAST(" + expr.text + " AS " + expr.type.to_duckdb() + ")";
  }
  return out;
}

std::optional<Value> Analyzer::try_bind(const Expr& expr, Bind& context) {
  auto saved = error_;
  const std::size_t functions = functions_.size();
  Value value = bind_kind(expr, context);
  if (error_) {
    error_ = std::move(saved);
    functions_.resize(functions);
    return std::nullopt;
  }
  return value;
}

// An expression above an aggregation that is one of its groups.
std::optional<Value> Analyzer::match_group(const Expr& expr, Bind& context) {
  AggregateLevel& level = *context.aggregate;
  if (level.groups.empty() || expr.kind == ExprKind::kLiteral || expr.kind == ExprKind::kSubquery ||
      expr.kind == ExprKind::kExists || expr.kind == ExprKind::kInQuery ||
      expr.kind == ExprKind::kStar) {
    return std::nullopt;
  }
  if (expr.kind == ExprKind::kColumn && context.first != nullptr && expr.names.size() == 1 &&
      std::ranges::any_of(*context.first, [&](const auto& named) {
        return same_name(named.name, expr.names[0]);
      })) {
    return std::nullopt;
  }
  Bind below;
  below.scope = level.input;
  below.lambda = context.lambda;
  const int counter = counter_;
  const auto value = try_bind(expr, below);
  counter_ = counter;
  if (!value) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < level.groups.size(); ++i) {
    if (level.groups[i].sql == value->sql) {
      Value out = *value;
      out.sql = level.relation + ".\"g" + std::to_string(i) + "\"";
      out.can_throw = false;
      out.nullable = value->nullable || level.grouping_sets;
      out.literal.reset();
      out.foldable = false;
      return out;
    }
  }
  return std::nullopt;
}

Value Analyzer::field(const Value& base, const std::string& name, const Position& at) {
  const DataType& type = base.type;
  if (type.kind() == TypeKind::kArray && type.element().kind() == TypeKind::kStruct) {
    Value element = base;
    const std::string variable = fresh("l");
    element.sql = variable;
    element.type = type.element();
    const Value part = field(element, name, at);
    if (part.bad) {
      return part;
    }
    Value out = base;
    out.sql = "list_transform(" + base.sql + ", lambda " + variable + ": " + part.sql + ")";
    out.type = DataType::array(part.type);
    out.pretty = base.pretty + "." + name;
    out.name = part.name;
    return out;
  }
  if (type.kind() == TypeKind::kMap) {
    return refuse(at, "map.key");
  }
  if (type.kind() != TypeKind::kStruct) {
    return fail(at, "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000",
                "Can't extract a value from \"" + base.pretty +
                    "\". Need a complex type [STRUCT, ARRAY, MAP] but got " +
                    type_error_name(type) + ".");
  }
  const types::Field* found = nullptr;
  for (const auto& candidate : type.fields()) {
    if (same_name(candidate.name, name)) {
      if (found != nullptr) {
        return fail(
            at, "AMBIGUOUS_REFERENCE_TO_FIELDS", "42000",
            "Ambiguous reference to the field `" + name + "`. It appears 2 times in the schema.");
      }
      found = &candidate;
    }
  }
  if (found == nullptr) {
    std::string fields;
    for (const auto& candidate : type.fields()) {
      fields += (fields.empty() ? "`" : ", `") + candidate.name + "`";
    }
    return fail(at, "FIELD_NOT_FOUND", "42704",
                "No such struct field `" + name + "` in " + fields + ".");
  }
  Value out = base;
  out.sql = "struct_extract(" + base.sql + ", " + text_sql(found->name) + ")";
  out.type = *found->type;
  out.nullable = base.nullable || found->nullable;
  out.pretty = base.pretty + "." + name;
  out.name = name;
  out.literal.reset();
  return out;
}

Value Analyzer::fields_of(Value base, const std::vector<std::string>& path, std::size_t from,
                          const Position& at) {
  for (std::size_t i = from; i < path.size() && !base.bad; ++i) {
    base = field(base, path[i], at);
  }
  return base;
}

std::optional<Value> Analyzer::resolve_named(const std::vector<std::string>& path,
                                             const std::vector<NamedValue>& names,
                                             const Position& at) {
  const NamedValue* found = nullptr;
  for (const auto& named : names) {
    if (!same_name(named.name, path[0])) {
      continue;
    }
    if (found != nullptr && found->value.sql != named.value.sql) {
      return refuse(at, "the name `" + path[0] + "` of two selected columns");
    }
    found = &named;
  }
  if (found == nullptr) {
    return std::nullopt;
  }
  Value value = found->value;
  value.pretty = path[0];
  value.name = path[0];
  return fields_of(std::move(value), path, 1, at);
}

std::optional<Value> Analyzer::resolve(const std::vector<std::string>& path, const Scope& scope,
                                       const Position& at) {
  // The longest qualifier first: catalog.schema.table.column, …, column.
  for (std::size_t qualifier = std::min<std::size_t>(path.size() - 1, 3) + 1; qualifier-- > 0;) {
    std::vector<const ScopeColumn*> found;
    for (const auto& column : scope.columns) {
      const bool fits =
          same_name(column.name, path[qualifier]) && column.qualifier.size() >= qualifier &&
          !(qualifier == 0 && column.hidden) &&
          std::equal(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(qualifier),
                     column.qualifier.end() - static_cast<std::ptrdiff_t>(qualifier), same_name);
      const bool known =
          std::ranges::any_of(found, [&](const auto* other) { return other->sql == column.sql; });
      if (fits && !known) {
        found.push_back(&column);
      }
    }
    if (found.size() > 1) {
      std::string candidates;
      for (const auto* column : found) {
        auto name = column->qualifier;
        name.push_back(column->name);
        candidates += (candidates.empty() ? "" : ", ") + quote_name(name);
      }
      return fail(
          at, "AMBIGUOUS_REFERENCE", "42704",
          "Reference " + quote_name(path) + " is ambiguous, could be: [" + candidates + "].");
    }
    if (found.size() == 1) {
      Value value;
      value.sql = found[0]->sql;
      value.type = found[0]->type;
      value.nullable = found[0]->nullable;
      value.pretty = path[qualifier];  // as written, as Spark has it
      value.name = path[qualifier];
      return fields_of(std::move(value), path, qualifier + 1, at);
    }
  }
  return std::nullopt;
}

Value Analyzer::unresolved(const std::vector<std::string>& path, const Bind& context,
                           const Position& at) {
  if (same_name(path[0], "grouping__id")) {
    return refuse(at, "grouping__id (use grouping_id())");
  }
  std::vector<std::string> names;
  if (context.scope != nullptr) {
    for (const auto& column : context.scope->columns) {
      auto name = column.qualifier;
      name.push_back(column.name);
      std::string text = quote_name(name);
      if (!holds(names, text)) {
        names.push_back(std::move(text));
      }
    }
  }
  const std::string text = "A column, variable, or function parameter with name " +
                           quote_name(path) + " cannot be resolved.";
  if (names.empty()) {
    return fail(at, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text);
  }
  return fail(at, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703",
              text + " Did you mean one of the following? " +
                  suggestions(path.back(), std::move(names)) + ".");
}

Value Analyzer::bind_column(const Expr& expr, Bind& context) {
  const auto& path = expr.names;
  for (auto it = context.lambda.rbegin(); it != context.lambda.rend(); ++it) {
    if (same_name(it->name, path[0])) {
      Value value = it->value;
      value.pretty = "namedlambdavariable()";
      value.name = path[0];
      return fields_of(std::move(value), path, 1, expr.at);
    }
  }
  if (context.first != nullptr) {
    if (auto value = resolve_named(path, *context.first, expr.at)) {
      return *value;
    }
  }
  if (context.scope != nullptr) {
    if (auto value = resolve(path, *context.scope, expr.at)) {
      if (context.aggregate == nullptr || failed()) {
        return *value;
      }
      // Above an aggregation: a group, or a field of one.
      for (std::size_t length = path.size(); length-- > 1;) {
        Expr prefix = expr;
        prefix.names.resize(length);
        if (auto group = match_group(prefix, context)) {
          return fields_of(std::move(*group), path, length, expr.at);
        }
      }
      if (context.last != nullptr) {
        if (auto named = resolve_named(path, *context.last, expr.at)) {
          return *named;
        }
      }
      if (context.aggregate->groups.empty()) {
        return fail(expr.at, "MISSING_GROUP_BY", "42803",
                    "The query does not include a GROUP BY clause. Add GROUP BY or turn it into "
                    "the window functions using OVER clauses.");
      }
      return fail(expr.at, "MISSING_AGGREGATION", "42803",
                  "The non-aggregating expression \"" + value->pretty +
                      "\" is based on columns which are not participating in the GROUP BY "
                      "clause. Add the columns or the expression to the GROUP BY, aggregate the "
                      "expression, or use \"any_value(" +
                      value->pretty +
                      ")\" if you do not care which of the values within a group is returned.");
    }
  }
  if (context.last != nullptr && !failed()) {
    if (auto value = resolve_named(path, *context.last, expr.at)) {
      return *value;
    }
  }
  for (const Scope* outer = context.scope != nullptr ? context.scope->outer : nullptr;
       outer != nullptr && !failed(); outer = outer->outer) {
    if (auto value = resolve(path, *outer, expr.at)) {
      value->outer = true;
      ++outer_references_;
      return *value;
    }
  }
  return unresolved(path, context, expr.at);
}

Value Analyzer::bind_subscript(const Expr& expr, Bind& context) {
  const Value base = bind(expr.args[0], context);
  Value index = bind(expr.args[1], context);
  if (base.bad || index.bad) {
    return bad();
  }
  Value out = base;
  out.pretty = base.pretty + "[" + index.pretty + "]";
  out.literal.reset();
  out.foldable = base.foldable && index.foldable;
  out.nullable = true;
  if (base.type.kind() == TypeKind::kArray) {
    if (!index.type.is_integral()) {
      return index.type.kind() == TypeKind::kNull || is_string(index.type)
                 ? refuse(expr.at, "an array index that is no integer")
                 : fail(expr.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
                        "The index of an array must be an integer.");
    }
    const std::string at = "CAST(" + index.sql + " AS BIGINT)";
    if (ansi()) {
      // $1[$2] with Spark's error; list_extract alone gives NULL beyond the ends.
      out.sql = "CASE WHEN " + at + " < 0 OR " + at + " >= len(" + base.sql +
                ") THEN error('[INVALID_ARRAY_INDEX] The index ' || " + at +
                " || ' is out of bounds. The array has ' || len(" + base.sql +
                ") || ' elements. SQLSTATE: 22003') ELSE list_extract(" + base.sql + ", " + at +
                " + 1) END";
      out.can_throw = true;
    } else {
      out.sql = "CASE WHEN " + at + " >= 0 THEN list_extract(" + base.sql + ", " + at + " + 1) END";
    }
    out.type = base.type.element();
    return out;
  }
  if (base.type.kind() == TypeKind::kMap) {
    const auto type = comparison_type(base.type.key(), index.type, ansi());
    if (!type || !type->same_as(base.type.key())) {
      return refuse(expr.at, "a key of another type than the map's");
    }
    index = coerce(index, base.type.key(), expr.at);
    out.sql = "list_extract(map_extract(" + base.sql + ", " + index.sql + "), 1)";
    out.type = base.type.value();
    return out;
  }
  if (base.type.kind() == TypeKind::kStruct && index.literal && is_string(index.type)) {
    return field(base, *index.literal, expr.at);
  }
  return fail(expr.at, "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000",
              "Can't extract a value from \"" + base.pretty +
                  "\". Need a complex type [STRUCT, ARRAY, MAP] but got " +
                  type_error_name(base.type) + ".");
}

std::optional<DataType> Analyzer::common_type(const std::vector<Value>& values) const {
  std::optional<DataType> type = DataType();
  // Strings last, so that the order of the others does not matter (findWiderCommonType).
  for (const bool strings : {true, false}) {
    for (const auto& value : values) {
      if (is_string(value.type) == strings && type) {
        type = wider_type(*type, value.type, conf_.ansi);
      }
    }
  }
  return type;
}

std::vector<Value> Analyzer::coerce_all(std::vector<Value> values, const DataType& type,
                                        const Position& at) {
  for (auto& value : values) {
    value = coerce(value, type, at);
  }
  return values;
}

Value Analyzer::bind_tuple(const Expr& expr, Bind& context) {
  Value out;
  out.foldable = true;
  out.nullable = false;
  std::vector<types::Field> fields;
  std::string parts;
  std::string pretty;
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    const Value value = bind(expr.args[i], context);
    if (value.bad) {
      return bad();
    }
    const std::string& alias = i < expr.aliases.size() ? expr.aliases[i] : std::string();
    const std::string name = !alias.empty()        ? alias
                             : !value.name.empty() ? value.name
                                                   : "col" + std::to_string(i + 1);
    for (const auto& field : fields) {
      if (same_name(field.name, name)) {
        return refuse(expr.at, "a struct with two fields of one name");
      }
    }
    fields.push_back(types::make_field(name, value.type, value.nullable));
    parts += (i == 0 ? "" : ", ") + quoted(name) + " := " + value.sql;
    pretty += (i == 0 ? "" : ", ") + name + ", " + value.pretty;
    out.foldable = out.foldable && value.foldable;
    out.can_throw = out.can_throw || value.can_throw;
    out.random = out.random || value.random;
    out.has_window = out.has_window || value.has_window;
    out.outer = out.outer || value.outer;
  }
  out.sql = "struct_pack(" + parts + ")";
  out.type = DataType::structure(std::move(fields));
  out.pretty = "named_struct(" + pretty + ")";
  return out;
}

}  // namespace sluice::sparksql
