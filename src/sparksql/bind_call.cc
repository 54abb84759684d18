// Calls: look-up, arity, argument types, templates; windows and lambdas.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/call_binder.h"
#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

std::optional<DataType> named_type(std::string_view name) {
  static constexpr std::pair<std::string_view, TypeKind> kNames[] = {
      {"string", TypeKind::kString},       {"int", TypeKind::kInt},
      {"long", TypeKind::kLong},           {"double", TypeKind::kDouble},
      {"boolean", TypeKind::kBoolean},     {"date", TypeKind::kDate},
      {"timestamp", TypeKind::kTimestamp}, {"binary", TypeKind::kBinary},
      {"tinyint", TypeKind::kByte}};
  for (const auto& [text, kind] : kNames) {
    if (text == name) {
      return DataType::of(kind);
    }
  }
  return std::nullopt;
}

struct Param {
  std::string_view type;
  bool optional = false;
  bool repeated = false;
};

std::vector<Param> parse_params(std::string_view text) {
  std::vector<Param> out;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    std::string_view word = text.substr(0, blank);
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    Param param;
    if (word.ends_with('?') || word.ends_with('*')) {
      param.optional = word.ends_with('?');
      param.repeated = word.ends_with('*');
      word.remove_suffix(1);
    }
    param.type = word;
    out.push_back(param);
  }
  return out;
}

}  // namespace

Value Analyzer::bind_call(const Expr& expr, Bind& context) {
  if (expr.names.size() != 1) {
    return fail(expr.at, "UNRESOLVED_ROUTINE", "42883",
                "Cannot resolve routine " + quote_name(expr.names) +
                    " on search path [`system`.`builtin`, `system`.`session`, "
                    "`spark_catalog`.`default`].");
  }
  const FunctionRow* row = find_function(expr.names[0]);
  if (row == nullptr) {
    return fail(expr.at, "UNRESOLVED_ROUTINE", "42883",
                "Cannot resolve routine " + quote_name(expr.names) +
                    " on search path [`system`.`builtin`, `system`.`session`, "
                    "`spark_catalog`.`default`].");
  }
  if (row->kind == FunctionKind::kRefused) {
    return refuse(expr.at, "the function " + lower_case(expr.names[0]));
  }
  for (const auto& name : expr.arg_names) {
    if (!name.empty()) {
      return refuse(expr.at, "named arguments of " + lower_case(expr.names[0]));
    }
  }
  return CallBinder(*this, expr, context).bind(*row);
}

std::string CallBinder::name() const {
  return lower_case(expr_.names[0]);
}
std::string CallBinder::zone() const {
  return text_sql(conf().time_zone);
}

std::string CallBinder::pretty_args() const {
  std::string out;
  for (const auto& arg : args_) {
    out += (out.empty() ? "" : ", ") + arg.pretty;
  }
  return out;
}

Value CallBinder::wrong_arity(const std::string& expected) {
  return analyzer_.fail(expr_.at, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
                        "The `" + name() + "` requires " + expected +
                            " parameters but the actual number is " +
                            std::to_string(expr_.args.size()) + ".");
}

bool CallBinder::arity(std::size_t min, std::size_t max) {
  if (expr_.args.size() >= min && expr_.args.size() <= max) {
    return true;
  }
  wrong_arity(min == max ? std::to_string(min)
                         : "[" + std::to_string(min) + ", " + std::to_string(max) + "]");
  return false;
}

Value CallBinder::mismatch(std::size_t index, const std::string& wanted) {
  static constexpr const char* kOrdinals[] = {"first", "second", "third", "fourth", "fifth"};
  return analyzer_.fail(
      expr_.at, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
      "Cannot resolve \"" + name() + "(" + pretty_args() + ")\" due to data type mismatch: The " +
          kOrdinals[std::min<std::size_t>(index, 4)] + " parameter requires the \"" + wanted +
          "\" type, however \"" + args_[index].pretty + "\" has the type " +
          type_error_name(args_[index].type) + ".");
}

bool CallBinder::bind_arg(const ExprRef& arg) {
  args_.push_back(analyzer_.bind(arg, context_));
  return !args_.back().bad;
}

bool CallBinder::bind_args() {
  return std::ranges::all_of(expr_.args, [&](const auto& arg) {
    if (arg->kind == ExprKind::kStar && context_.scope != nullptr) {
      if (context_.aggregate != nullptr) {
        refuse("a star as an argument above GROUP BY");
        return false;
      }
      std::vector<Value> all;
      analyzer_.expand_star(*arg, context_, all);
      args_.insert(args_.end(), all.begin(), all.end());
      return !analyzer_.failed();
    }
    return bind_arg(arg);
  });
}

bool CallBinder::coerce_arg(std::size_t index, TypeKind kind) {
  const DataType wanted = DataType::of(kind);
  if (!can_coerce_argument(args_[index].type, wanted, ansi())) {
    if (is_atomic(args_[index].type)) {
      refuse(name() + " with an argument of the type " + args_[index].type.to_sql());
    } else {
      mismatch(index, wanted.to_sql());
    }
    return false;
  }
  args_[index] = analyzer_.coerce(args_[index], wanted, expr_.at);
  return !args_[index].bad;
}

Value CallBinder::result(std::string sql, DataType type) const {
  Value out;
  out.sql = std::move(sql);
  out.type = std::move(type);
  out.foldable = true;
  out.nullable = false;
  for (const auto& arg : args_) {
    out.nullable = out.nullable || arg.nullable;
    out.foldable = out.foldable && arg.foldable;
    out.can_throw = out.can_throw || arg.can_throw;
    out.random = out.random || arg.random;
    out.has_window = out.has_window || arg.has_window;
    out.outer = out.outer || arg.outer;
  }
  return out;
}

bool CallBinder::check_clauses(bool aggregate) {
  if (aggregate) {
    return true;
  }
  if (expr_.over) {
    analyzer_.fail(expr_.at, "UNSUPPORTED_EXPR_FOR_WINDOW", "42P20",
                   "Expression \"" + name() + "\" not supported within a window function.");
    return false;
  }
  if (expr_.distinct || expr_.filter || !expr_.within_group.empty() || expr_.ignore_nulls) {
    analyzer_.fail(expr_.at, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "42000",
                   "The function `" + name() +
                       "` does not support DISTINCT, FILTER, WITHIN GROUP or IGNORE NULLS.");
    return false;
  }
  return true;
}

Value CallBinder::bind(const FunctionRow& row) {
  const bool aggregate = row.kind == FunctionKind::kAggregate || row.kind == FunctionKind::kWindow;
  if (!check_clauses(aggregate)) {
    return analyzer_.bad();
  }
  Value out;
  if (row.special != nullptr) {
    out = (this->*row.special)(row);
  } else {
    out = template_call(row);
  }
  if (out.bad || analyzer_.failed()) {
    return analyzer_.bad();
  }
  if (out.pretty.empty()) {
    out.pretty = name() + "(" + pretty_args() + ")";
  }
  return out;
}

Value CallBinder::template_call(const FunctionRow& row) {
  const std::vector<Param> params = parse_params(row.params);
  const auto needed = static_cast<std::size_t>(std::ranges::count_if(
      params, [](const Param& param) { return !param.optional && !param.repeated; }));
  const bool open = !params.empty() && params.back().repeated;
  if (!arity(needed, open ? 1000 : params.size()) || !bind_args()) {
    return analyzer_.bad();
  }
  const std::string pretty = name() + "(" + pretty_args() + ")";
  for (std::size_t i = 0; i < args_.size(); ++i) {
    const Param& param = params[std::min(i, params.size() - 1)];
    if (const auto type = named_type(param.type)) {
      if (!coerce_arg(i, type->kind())) {
        return analyzer_.bad();
      }
    } else if (param.type == "number") {
      if (is_string(args_[i].type) || is_null_type(args_[i].type)) {
        args_[i] = analyzer_.coerce(args_[i], DataType::of(TypeKind::kDouble), expr_.at);
      }
      if (!args_[i].type.is_numeric()) {
        return mismatch(i, "NUMERIC");
      }
    }
  }
  std::string sql;
  for (std::size_t i = 0; i < row.sql.size(); ++i) {
    if (row.sql[i] == '$' && i + 1 < row.sql.size() && row.sql[i + 1] == '*') {
      for (std::size_t a = 0; a < args_.size(); ++a) {
        sql += (a == 0 ? "" : ", ") + args_[a].sql;
      }
      ++i;
    } else if (row.sql[i] == '$' && i + 1 < row.sql.size() && row.sql[i + 1] == 'z') {
      sql += zone();
      ++i;
    } else if (row.sql[i] == '$' && i + 1 < row.sql.size()) {
      const auto index = static_cast<std::size_t>(row.sql[i + 1] - '1');
      ++i;
      if (index >= args_.size()) {
        return refuse("this form of " + name());
      }
      sql += args_[index].sql;
    } else {
      sql += row.sql[i];
    }
  }
  const auto type = named_type(row.result);
  Value out = result(std::move(sql), type ? *type
                                     : row.result == "array<string>"
                                         ? DataType::array(DataType::of(TypeKind::kString))
                                     : args_.empty() ? DataType()
                                                     : args_[0].type);
  out.can_throw = out.can_throw || row.can_throw;
  out.nullable = true;
  out.pretty = pretty;
  return out;
}

// The body of a lambda whose parameters have these types; `variables` gets their DuckDB names.
Value Analyzer::bind_lambda(const Expr& lambda, const std::vector<DataType>& types, Bind& context,
                            std::vector<std::string>& variables) {
  if (lambda.kind != ExprKind::kLambda) {
    return refuse(lambda.at, "anything but a lambda here");
  }
  if (lambda.names.size() > types.size()) {
    return fail(lambda.at, "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "42K0D",
                "Invalid lambda function call. A higher order function expects " +
                    std::to_string(lambda.names.size()) + " arguments, but got " +
                    std::to_string(types.size()) + ".");
  }
  const std::size_t before = context.lambda.size();
  for (std::size_t i = 0; i < types.size(); ++i) {
    variables.push_back(fresh("l"));
    if (i >= lambda.names.size()) {
      continue;
    }
    Value value;
    value.sql = variables.back();
    value.type = types[i];
    value.pretty = lambda.names[i];
    context.lambda.push_back({lambda.names[i], value});
  }
  Value body = bind(lambda.args[0], context);
  context.lambda.resize(before);
  return body;
}

const WindowSpec* Analyzer::named_window(const std::string& name, const Bind& context) {
  if (context.windows != nullptr) {
    for (const auto& window : *context.windows) {
      if (same_name(window.name, name)) {
        return window.spec.get();
      }
    }
  }
  return nullptr;
}

}  // namespace sluice::sparksql
