// Primary expressions: literals, names, calls, the functions with their own grammar, and what may
// follow any of them (.field, [index], ::type).
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {
namespace {

using types::DataType;
using types::TypeKind;

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::optional<std::int64_t> parse_long(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// Digits of a plain decimal literal with its scale, as java.math.BigDecimal has them.
struct DecimalText {
  std::string plain;
  int precision = 0;
  int scale = 0;
};

DecimalText decimal_text(const std::string& text) {
  const auto e = text.find_first_of("eE");
  std::string mantissa = text.substr(0, e);
  int exponent = 0;
  if (e != std::string::npos) {
    const std::string digits = text.substr(e + 1 + (text[e + 1] == '+' ? 1 : 0));
    exponent = static_cast<int>(parse_long(digits).value_or(1000));
    exponent = std::clamp(exponent, -1000, 1000);
  }
  const bool negative = mantissa.starts_with('-');
  if (negative) {
    mantissa.erase(0, 1);
  }
  const auto dot = mantissa.find('.');
  int scale = 0;
  if (dot != std::string::npos) {
    scale = static_cast<int>(mantissa.size() - dot - 1);
    mantissa.erase(dot, 1);
  }
  scale -= exponent;
  const auto first = mantissa.find_first_not_of('0');
  mantissa = first == std::string::npos ? "0" : mantissa.substr(first);
  if (scale < 0) {
    mantissa += mantissa == "0" ? "" : std::string(static_cast<std::size_t>(-scale), '0');
    scale = 0;
  }
  DecimalText out;
  out.scale = scale;
  out.precision = std::max(static_cast<int>(mantissa.size()), scale);
  if (static_cast<int>(mantissa.size()) <= scale) {
    mantissa.insert(0, static_cast<std::size_t>(scale) - mantissa.size() + 1, '0');
  }
  if (scale > 0) {
    mantissa.insert(mantissa.size() - static_cast<std::size_t>(scale), ".");
  }
  const bool zero = mantissa.find_first_not_of("0.") == std::string::npos;
  out.plain = (negative && !zero ? "-" : "") + mantissa;
  return out;
}

}  // namespace

ExprRef Parser::number(bool negative) {
  const Position at = position();
  const Place here = place();
  const Token token = take();
  auto expr = make(ExprKind::kLiteral, at);
  const std::string text = (negative ? "-" : "") + token.text;
  expr->text = text;
  const auto range_error = [&](const std::string& type, const std::string& low,
                               const std::string& high) {
    fail(make_error("INVALID_NUMERIC_LITERAL_RANGE", "22003",
                    "Numeric literal " + text + " is outside the valid range for " + type +
                        " with minimum value of " + low + " and maximum value of " + high +
                        ". Please adjust the value accordingly.",
                    Stage::kParse, here));
  };
  const auto decimal = [&] {
    const DecimalText value = decimal_text(text);
    if (value.precision > 38) {
      fail(make_error(
          "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003",
          "Decimal precision " + std::to_string(value.precision) + " exceeds max precision 38.",
          Stage::kParse, here));
      return;
    }
    expr->text = value.plain;
    expr->type = DataType::decimal(value.precision, value.scale);
  };
  const auto whole = parse_long(text);
  switch (token.kind) {
    case TokenKind::kInteger:
      if (!whole) {
        decimal();
      } else {
        const bool fits = *whole >= INT32_MIN && *whole <= INT32_MAX;
        expr->type = DataType::of(fits ? TypeKind::kInt : TypeKind::kLong);
        expr->text = std::to_string(*whole);
      }
      break;
    case TokenKind::kLong:
      expr->type = DataType::of(TypeKind::kLong);
      if (!whole) {
        range_error("bigint", "-9223372036854775808", "9223372036854775807");
      } else {
        expr->text = std::to_string(*whole);
      }
      break;
    case TokenKind::kShort:
      expr->type = DataType::of(TypeKind::kShort);
      if (!whole || *whole < -32768 || *whole > 32767) {
        range_error("smallint", "-32768", "32767");
      }
      break;
    case TokenKind::kByte:
      expr->type = DataType::of(TypeKind::kByte);
      if (!whole || *whole < -128 || *whole > 127) {
        range_error("tinyint", "-128", "127");
      }
      break;
    case TokenKind::kExponent:
    case TokenKind::kDouble:
    case TokenKind::kFloat: {
      const bool is_float = token.kind == TokenKind::kFloat;
      expr->type = DataType::of(is_float ? TypeKind::kFloat : TypeKind::kDouble);
      double value = 0;
      const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
      const bool too_large =
          result.ec != std::errc() || (is_float && std::abs(value) > 3.4028234663852886e38);
      if (too_large && text.find_first_of("123456789") != std::string::npos &&
          (is_float || text.find("e-") == std::string::npos)) {
        range_error(is_float ? "float" : "double",
                    is_float ? "-3.4028234663852886E+38" : "-1.7976931348623157E+308",
                    is_float ? "3.4028234663852886E+38" : "1.7976931348623157E+308");
      }
      break;
    }
    default:
      decimal();
  }
  return finish(std::move(expr));
}

ExprRef Parser::string_expression() {
  auto expr = make(ExprKind::kLiteral, position());
  expr->type = DataType::of(TypeKind::kString);
  expr->text = string_literal();
  return finish(std::move(expr));
}

// DATE '…', TIMESTAMP '…', X'…': the text is checked by the analyzer.
ExprRef Parser::typed_literal() {
  auto expr = make(ExprKind::kLiteral, position());
  const Place here = place();
  const std::string type = upper(take().text);
  if (type == "DATE") {
    expr->type = DataType::of(TypeKind::kDate);
  } else if (type == "TIMESTAMP" || type == "TIMESTAMP_LTZ") {
    expr->type = DataType::of(TypeKind::kTimestamp);
  } else if (type == "TIMESTAMP_NTZ") {
    expr->type = DataType::of(TypeKind::kTimestampNtz);
  } else if (type == "TIME") {
    fail(unsupported("literals of the type TIME", Stage::kParse, here));
  } else if (type == "X") {
    expr->type = DataType::of(TypeKind::kBinary);
  } else {
    fail(make_error("UNSUPPORTED_TYPED_LITERAL", "0A000",
                    "Literals of the type \"" + type +
                        "\" are not supported. Supported types are \"DATE\", \"TIMESTAMP_NTZ\", "
                        "\"TIMESTAMP_LTZ\", \"TIMESTAMP\", \"INTERVAL\", \"X\", \"TIME\".",
                    Stage::kParse, here));
  }
  expr->text = string_literal();
  if (type == "X") {
    const bool good =
        std::ranges::all_of(expr->text, [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (!good) {
      fail(make_error("INVALID_TYPED_LITERAL", "42604",
                      "The value of the typed literal \"X\" is invalid: '" + expr->text + "'.",
                      Stage::kParse, here));
    }
    if (expr->text.size() % 2 == 1) {
      expr->text.insert(0, "0");
    }
    expr->text = upper(expr->text);
  }
  return finish(std::move(expr));
}

// INTERVAL 1 DAY 2 HOURS, INTERVAL '1' DAY, INTERVAL '1 day', INTERVAL '1-2' YEAR TO MONTH.
ExprRef Parser::interval() {
  auto expr = make(ExprKind::kInterval, position());
  expect_word("INTERVAL");
  static constexpr auto kUnits = {
      "YEAR",        "YEARS",        "MONTH",       "MONTHS",       "WEEK",    "WEEKS",   "DAY",
      "DAYS",        "HOUR",         "HOURS",       "MINUTE",       "MINUTES", "SECOND",  "SECONDS",
      "MILLISECOND", "MILLISECONDS", "MICROSECOND", "MICROSECONDS", "QUARTER", "QUARTERS"};
  const auto is_unit = [&](std::size_t ahead) {
    return std::ranges::any_of(kUnits, [&](auto unit) { return is_word(unit, ahead); });
  };
  do {
    ExprRef value = unary();
    expr->args.push_back(std::move(value));
    if (!is_unit(0)) {
      expr->names.emplace_back();
      break;
    }
    expr->names.push_back(upper(take().text));
    if (is_word("TO") && is_unit(1)) {
      take();
      expr->names.back() += " TO " + upper(take().text);
      break;
    }
  } while ((peek().kind == TokenKind::kInteger || peek().kind == TokenKind::kDecimal ||
            peek().kind == TokenKind::kString || is_symbol("-")) &&
           is_unit(is_symbol("-") ? 2 : 1));
  return finish(std::move(expr));
}

ExprRef Parser::case_expression() {
  auto expr = make(ExprKind::kCase, position());
  expect_word("CASE");
  if (!is_word("WHEN")) {
    expr->operand = expression();
  }
  do {
    expect_word("WHEN");
    expr->args.push_back(expression());
    expect_word("THEN");
    expr->args.push_back(expression());
  } while (is_word("WHEN"));
  if (accept_word("ELSE")) {
    expr->args.push_back(expression());
  }
  expect_word("END");
  return finish(std::move(expr));
}

ExprRef Parser::cast_expression() {
  auto expr = make(ExprKind::kCast, position());
  expr->text = upper(take().text);
  expect_symbol("(");
  expr->args = {expression()};
  expect_word("AS");
  expr->type = data_type();
  expect_symbol(")");
  return finish(std::move(expr));
}

ExprRef Parser::extract_expression() {
  const Position at = position();
  take();
  expect_symbol("(");
  auto field = make(ExprKind::kLiteral, position());
  field->type = DataType::of(TypeKind::kString);
  field->text = identifier();
  expect_word("FROM");
  ExprRef source = expression();
  expect_symbol(")");
  return make_call("extract", {finish(std::move(field)), std::move(source)}, at, true);
}

// TRIM([BOTH|LEADING|TRAILING] [characters] FROM text).
ExprRef Parser::trim_expression() {
  const Position at = position();
  take();
  expect_symbol("(");
  const std::string side = is_any_word({"BOTH", "LEADING", "TRAILING"}) ? upper(take().text) : "";
  std::vector<ExprRef> args;
  if (!is_word("FROM")) {
    args.push_back(expression());
  }
  if (accept_word("FROM")) {
    args.insert(args.begin(), expression());
    expect_symbol(")");
    const std::string name = side == "LEADING" ? "ltrim" : side == "TRAILING" ? "rtrim" : "trim";
    // Named differently from trim(chars, text), whose arguments stand the other way round.
    return make_call("__" + name + (side.empty() ? "" : "_" + side), std::move(args), at, true);
  }
  if (!side.empty()) {
    syntax_error();
  }
  while (accept_symbol(",")) {
    args.push_back(expression());
  }
  expect_symbol(")");
  return make_call("trim", std::move(args), at);
}

// SUBSTRING(text FROM position [FOR length]) or the plain call.
ExprRef Parser::substring_expression() {
  const Position at = position();
  const std::string name = take().text;
  expect_symbol("(");
  std::vector<ExprRef> args;
  if (!is_symbol(")")) {
    args.push_back(expression());
    if (accept_word("FROM")) {
      args.push_back(expression());
      if (accept_word("FOR")) {
        args.push_back(expression());
      }
      expect_symbol(")");
      return make_call("substring", std::move(args), at);
    } else {
      while (accept_symbol(",")) {
        args.push_back(expression());
      }
    }
  }
  expect_symbol(")");
  return make_call(name, std::move(args), at);
}

ExprRef Parser::overlay_expression() {
  const Position at = position();
  const std::string name = take().text;
  expect_symbol("(");
  std::vector<ExprRef> args{expression()};
  const bool keyword = accept_word("PLACING");
  if (keyword) {
    args.push_back(expression());
    expect_word("FROM");
    args.push_back(expression());
    if (accept_word("FOR")) {
      args.push_back(expression());
    }
  }
  while (!keyword && accept_symbol(",")) {
    args.push_back(expression());
  }
  expect_symbol(")");
  return make_call(name, std::move(args), at);
}

ExprRef Parser::position_expression() {
  const Position at = position();
  const std::string name = take().text;
  expect_symbol("(");
  std::vector<ExprRef> args{value_expression()};
  if (accept_word("IN")) {
    args.push_back(value_expression());
  } else {
    while (accept_symbol(",")) {
      args.push_back(expression());
    }
  }
  expect_symbol(")");
  return make_call(name, std::move(args), at);
}

// DATEADD(DAY, 1, d), TIMESTAMPDIFF(HOUR, a, b) …: the first argument is a bare unit.
ExprRef Parser::date_unit_expression() {
  const Position at = position();
  const std::string name = take().text;
  expect_symbol("(");
  auto unit = make(ExprKind::kLiteral, position());
  unit->type = DataType::of(TypeKind::kString);
  unit->text = upper(take().text);
  std::vector<ExprRef> args{finish(std::move(unit))};
  while (accept_symbol(",")) {
    args.push_back(expression());
  }
  expect_symbol(")");
  return make_call(name, std::move(args), at, true);
}

ExprRef Parser::parenthesized() {
  const Position at = position();
  expect_symbol("(");
  if (is_any_word({"SELECT", "WITH", "FROM"}) ||
      (is_word("VALUES") && !is_symbol(")", 1) && !is_symbol(",", 1)) ||
      (is_word("TABLE") && starts_identifier(1))) {
    auto expr = make(ExprKind::kSubquery, at);
    expr->query = query();
    expect_symbol(")");
    return finish(std::move(expr));
  }
  std::vector<ExprRef> items;
  std::vector<std::string> aliases;
  bool named = false;
  do {
    items.push_back(expression());
    const bool has_alias = accept_word("AS");
    aliases.push_back(has_alias ? identifier() : "");
    named = named || has_alias;
  } while (accept_symbol(","));
  expect_symbol(")");
  if (items.size() == 1 && !named) {
    return items[0];
  }
  auto expr = make(ExprKind::kTuple, at);
  expr->args = std::move(items);
  expr->aliases = std::move(aliases);
  return finish(std::move(expr));
}

// `(a, b) -> body`, `a -> body`.
ExprRef Parser::lambda() {
  auto expr = make(ExprKind::kLambda, position());
  if (is_symbol("(")) {
    expr->names = identifier_list();
  } else {
    expr->names = {identifier()};
  }
  expect_symbol("->");
  expr->args = {expression()};
  return finish(std::move(expr));
}

ExprRef Parser::star(std::vector<std::string> qualifier, Position at) {
  auto expr = make(ExprKind::kStar, at);
  expr->names = std::move(qualifier);
  if (is_word("EXCEPT") && is_symbol("(", 1) &&
      !is_any_word({"SELECT", "WITH", "VALUES", "FROM"}, 2) && !is_symbol("(", 2)) {
    take();
    take();
    do {
      expr->except.push_back(name_path());
    } while (accept_symbol(","));
    expect_symbol(")");
  }
  return finish(std::move(expr));
}

ExprRef Parser::primary() {
  const Nesting nesting(*this);
  return postfix(primary_start());
}

ExprRef Parser::postfix(ExprRef base) {
  while (true) {
    const Position at = position();
    if (is_symbol("[")) {
      take();
      auto expr = make(ExprKind::kSubscript, at);
      expr->args = {std::move(base), value_expression()};
      expect_symbol("]");
      base = finish(std::move(expr));
    } else if (is_symbol("::")) {
      take();
      auto expr = make(ExprKind::kCast, at);
      expr->text = "CAST";
      expr->args = {std::move(base)};
      expr->type = data_type();
      base = finish(std::move(expr));
    } else if (is_symbol(".") && base && base->kind != ExprKind::kStar) {
      take();
      auto expr = make(ExprKind::kField, at);
      expr->text = identifier();
      expr->args = {std::move(base)};
      base = finish(std::move(expr));
    } else if (is_symbol(":") && (starts_identifier(1) || is_symbol("[", 1))) {
      take();
      auto expr = make(ExprKind::kVariantPath, at);
      expr->args = {std::move(base)};
      expr->text = is_symbol("[") ? "" : identifier();
      base = finish(std::move(expr));
    } else if (is_word("COLLATE")) {
      refuse("COLLATE");
      return base;
    } else {
      return base;
    }
  }
}

ExprRef Parser::primary_start() {
  const Token& token = peek();
  const Position at = position();
  if (token.kind >= TokenKind::kInteger && token.kind <= TokenKind::kBigDecimal) {
    return number(false);
  }
  if (token.kind == TokenKind::kString) {
    return string_expression();
  }
  if (is_symbol("*")) {
    take();
    return star({}, at);
  }
  if (is_symbol("(")) {
    // Look for `(a, b) ->`.
    std::size_t ahead = 1;
    const auto name = [&](std::size_t at) {
      return starts_identifier(at) || is_any_word({"LEFT", "RIGHT"}, at);
    };
    while (name(ahead) && is_symbol(",", ahead + 1)) {
      ahead += 2;
    }
    if (name(ahead) && is_symbol(")", ahead + 1) && is_symbol("->", ahead + 2)) {
      return lambda();
    }
    return parenthesized();
  }
  if (is_symbol(":") || is_symbol("?")) {
    refuse("parameter markers");
    return make(ExprKind::kLiteral, at);
  }
  return name_expression();
}

ExprRef Parser::name_expression() {
  const Position at = position();
  const bool called = is_symbol("(", 1);
  if (is_any_word({"NULL", "TRUE", "FALSE"}) && !called && !is_symbol(".", 1)) {
    auto expr = make(ExprKind::kLiteral, at);
    expr->text = upper(take().text);
    expr->type = DataType::of(expr->text == "NULL" ? TypeKind::kNull : TypeKind::kBoolean);
    return finish(std::move(expr));
  }
  if (is_word("CASE") && !is_symbol(".", 1)) {
    return case_expression();
  }
  if (is_word("INTERVAL") &&
      (peek(1).kind == TokenKind::kString || peek(1).kind == TokenKind::kInteger ||
       peek(1).kind == TokenKind::kDecimal || is_symbol("-", 1) ||
       (called && !is_symbol(")", 2)))) {
    return interval();
  }
  if (peek().kind == TokenKind::kWord && peek(1).kind == TokenKind::kString) {
    return typed_literal();
  }
  if (called && peek().kind == TokenKind::kWord) {
    if (is_any_word({"CAST", "TRY_CAST"})) {
      return cast_expression();
    }
    if (is_word("EXTRACT")) {
      return extract_expression();
    }
    if (is_word("TRIM")) {
      return trim_expression();
    }
    if (is_any_word({"SUBSTRING", "SUBSTR"})) {
      return substring_expression();
    }
    if (is_word("OVERLAY")) {
      return overlay_expression();
    }
    if (is_word("POSITION")) {
      return position_expression();
    }
    if (is_any_word(
            {"TIMESTAMPADD", "TIMESTAMPDIFF", "DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF"}) &&
        peek(2).kind == TokenKind::kWord && is_symbol(",", 3) &&
        is_any_word({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFYEAR", "HOUR", "MINUTE",
                     "SECOND", "MILLISECOND", "MICROSECOND"},
                    2)) {
      return date_unit_expression();
    }
    if (is_any_word({"LEFT", "RIGHT", "IDENTIFIER"})) {
      if (is_word("IDENTIFIER")) {
        refuse("IDENTIFIER(…)");
      }
      return call({take().text}, at);
    }
  }
  if (is_any_word({"CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_USER", "USER", "SESSION_USER",
                   "CURRENT_TIME"}) &&
      !called && !is_symbol(".", 1)) {
    return make_call(take().text, {}, at, true);
  }
  if (starts_identifier() && is_symbol("->", 1)) {
    return lambda();
  }
  if (!starts_identifier() && !is_any_word({"LEFT", "RIGHT", "FULL", "SEMI", "ANTI"})) {
    syntax_error();
    return make(ExprKind::kLiteral, at);
  }
  std::vector<std::string> path{take().text};
  while (is_symbol(".")) {
    if (is_symbol("*", 1)) {
      take();
      take();
      return star(std::move(path), at);
    }
    take();
    path.push_back(identifier());
  }
  if (is_symbol("(")) {
    return call(std::move(path), at);
  }
  auto expr = make(ExprKind::kColumn, at);
  expr->names = std::move(path);
  return finish(std::move(expr));
}

ExprRef Parser::call(std::vector<std::string> name, Position at) {
  auto expr = make(ExprKind::kCall, at);
  expr->names = std::move(name);
  expect_symbol("(");
  call_arguments(*expr);
  call_clauses(*expr);
  return finish(std::move(expr));
}

void Parser::call_arguments(Expr& call) {
  if (accept_symbol(")")) {
    return;
  }
  call.distinct = accept_word("DISTINCT");
  if (!call.distinct && is_word("ALL") && !is_symbol(",", 1) && !is_symbol(")", 1)) {
    take();
  }
  const bool is_struct = call.names.size() == 1 && upper(call.names[0]) == "STRUCT";
  do {
    std::string arg_name;
    if (starts_identifier() && is_symbol("=>", 1)) {
      arg_name = take().text;
      take();
    }
    if (is_any_word({"SELECT", "WITH"}) && arg_name.empty()) {
      refuse("a query as an argument");
    }
    call.args.push_back(expression());
    call.arg_names.push_back(std::move(arg_name));
    std::string alias;
    if (is_struct && accept_word("AS")) {
      alias = identifier();
    } else if (is_struct && starts_identifier()) {
      alias = take().text;
    }
    call.aliases.push_back(std::move(alias));
  } while (accept_symbol(","));
  if (call.args.size() == 1 && call.args[0]->kind == ExprKind::kStar &&
      call.args[0]->names.empty() && call.args[0]->except.empty()) {
    call.star_argument = true;
  }
  const auto null_treatment = [&] {
    if (accept_words({"IGNORE", "NULLS"})) {
      call.ignore_nulls = true;
    } else if (accept_words({"RESPECT", "NULLS"})) {
      call.ignore_nulls = false;
    }
  };
  null_treatment();
  expect_symbol(")");
}

void Parser::call_clauses(Expr& call) {
  if (is_word("WITHIN") && is_word("GROUP", 1) && is_symbol("(", 2)) {
    accept_words({"WITHIN", "GROUP"});
    expect_symbol("(");
    expect_word("ORDER");
    expect_word("BY");
    call.within_group = sort_items();
    expect_symbol(")");
  }
  if (is_word("FILTER") && is_symbol("(", 1)) {
    take();
    take();
    expect_word("WHERE");
    call.filter = expression();
    expect_symbol(")");
  }
  if (accept_words({"IGNORE", "NULLS"})) {
    call.ignore_nulls = true;
  } else if (accept_words({"RESPECT", "NULLS"})) {
    call.ignore_nulls = false;
  }
  if (accept_word("OVER")) {
    call.over = window_spec();
  }
}

}  // namespace sluice::sparksql
