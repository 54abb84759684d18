// Operators and predicates, by the precedence of Spark's grammar: NOT binds looser than a
// predicate, a predicate's operands are whole comparisons.
#include <array>
#include <string_view>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {

std::shared_ptr<Expr> Parser::make(ExprKind kind, Position at) const {
  auto expr = std::make_shared<Expr>();
  expr->kind = kind;
  expr->at = at;
  return expr;
}

ExprRef Parser::finish(std::shared_ptr<Expr> expr) {
  int height = 0;
  const auto look = [&](const ExprRef& child) {
    if (child && child->height > height) {
      height = child->height;
    }
  };
  for (const auto& arg : expr->args) {
    look(arg);
  }
  look(expr->operand);
  look(expr->filter);
  if (expr->over) {
    for (const auto& key : expr->over->partition_by) {
      look(key);
    }
    for (const auto& item : expr->over->order_by) {
      look(item.expr);
    }
  }
  if (expr->query && expr->query->height > height) {
    height = expr->query->height;
  }
  expr->height = height + 1;
  if (expr->height > kHeightMax) {
    refuse("an expression deeper than " + std::to_string(kHeightMax) + " levels");
  }
  return expr;
}

ExprRef Parser::make_call(std::string name, std::vector<ExprRef> args, Position at,
                          bool keyword_form) {
  auto call = make(ExprKind::kCall, at);
  call->names = {std::move(name)};
  call->args = std::move(args);
  call->keyword_form = keyword_form;
  return finish(std::move(call));
}

ExprRef Parser::make_binary(std::string op, ExprRef left, ExprRef right, Position at) {
  auto expr = make(ExprKind::kBinary, at);
  expr->text = std::move(op);
  expr->args = {std::move(left), std::move(right)};
  return finish(std::move(expr));
}

ExprRef Parser::expression() {
  const Nesting nesting(*this);
  return or_expression();
}

ExprRef Parser::or_expression() {
  ExprRef left = and_expression();
  while (is_word("OR")) {
    const Position at = position();
    take();
    left = make_binary("OR", std::move(left), and_expression(), at);
  }
  return left;
}

ExprRef Parser::and_expression() {
  ExprRef left = not_expression();
  while (is_word("AND")) {
    const Position at = position();
    take();
    left = make_binary("AND", std::move(left), not_expression(), at);
  }
  return left;
}

ExprRef Parser::not_expression() {
  const Nesting nesting(*this);
  const Position at = position();
  if (accept_word("NOT") || accept_symbol("!")) {
    auto expr = make(ExprKind::kUnary, at);
    expr->text = "NOT";
    expr->args = {not_expression()};
    return finish(std::move(expr));
  }
  if (is_word("EXISTS") && is_symbol("(", 1) &&
      (is_any_word({"SELECT", "WITH", "VALUES", "FROM", "TABLE"}, 2) || is_symbol("(", 2))) {
    take();
    take();
    auto expr = make(ExprKind::kExists, at);
    expr->query = query();
    expect_symbol(")");
    return finish(std::move(expr));
  }
  return predicate();
}

ExprRef Parser::predicate() {
  return predicate_tail(value_expression());
}

ExprRef Parser::predicate_tail(ExprRef left) {
  const Position at = position();
  if (is_word("IS")) {
    take();
    return is_tail(std::move(left), at);
  }
  const bool negated = is_word("NOT") || is_symbol("!");
  const std::size_t ahead = negated ? 1 : 0;
  if (!is_any_word({"BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"}, ahead)) {
    return left;
  }
  if (negated) {
    take();
  }
  if (accept_word("BETWEEN")) {
    auto expr = make(ExprKind::kBetween, at);
    expr->negated = negated;
    ExprRef low = value_expression();
    expect_word("AND");
    expr->args = {std::move(left), std::move(low), value_expression()};
    return finish(std::move(expr));
  }
  if (accept_word("IN")) {
    return in_tail(std::move(left), negated, at);
  }
  return like_tail(std::move(left), negated, at);
}

ExprRef Parser::in_tail(ExprRef left, bool negated, Position at) {
  expect_symbol("(");
  if (is_any_word({"SELECT", "WITH", "FROM", "TABLE"}) ||
      (is_word("VALUES") && !is_symbol(",", 1) && !is_symbol(")", 1))) {
    auto expr = make(ExprKind::kInQuery, at);
    expr->negated = negated;
    expr->args = {std::move(left)};
    expr->query = query();
    expect_symbol(")");
    return finish(std::move(expr));
  }
  auto expr = make(ExprKind::kInList, at);
  expr->negated = negated;
  expr->args = expression_list();
  expr->args.insert(expr->args.begin(), std::move(left));
  expect_symbol(")");
  return finish(std::move(expr));
}

ExprRef Parser::like_tail(ExprRef left, bool negated, Position at) {
  std::string op = is_word("LIKE") ? "LIKE" : is_word("ILIKE") ? "ILIKE" : "RLIKE";
  take();
  if (op != "RLIKE" && is_any_word({"ANY", "SOME", "ALL"})) {
    auto expr = make(ExprKind::kLikeMany, at);
    expr->text = op;
    expr->negated = negated;
    expr->quantifier_all = is_word("ALL");
    take();
    expect_symbol("(");
    expr->args = expression_list();
    expr->args.insert(expr->args.begin(), std::move(left));
    expect_symbol(")");
    return finish(std::move(expr));
  }
  auto expr = make(ExprKind::kLike, at);
  expr->text = op;
  expr->negated = negated;
  expr->args = {std::move(left), value_expression()};
  if (op != "RLIKE" && accept_word("ESCAPE")) {
    expr->escape = string_literal();
  }
  return finish(std::move(expr));
}

ExprRef Parser::is_tail(ExprRef left, Position at) {
  const bool negated = accept_word("NOT") || accept_symbol("!");
  ExprKind kind = ExprKind::kIsNull;
  std::string text;
  std::vector<ExprRef> args{std::move(left)};
  if (is_any_word({"TRUE", "FALSE", "UNKNOWN"})) {
    kind = ExprKind::kIsBoolean;
    text = is_word("TRUE") ? "TRUE" : is_word("FALSE") ? "FALSE" : "UNKNOWN";
    take();
  } else if (accept_word("DISTINCT")) {
    kind = ExprKind::kIsDistinct;
    expect_word("FROM");
    args.push_back(value_expression());
  } else {
    expect_word("NULL");
  }
  auto expr = make(kind, at);
  expr->negated = negated;
  expr->text = std::move(text);
  expr->args = std::move(args);
  return finish(std::move(expr));
}

namespace {

struct Operator {
  std::string_view written;
  std::string_view name;
  int precedence;
};

// Higher binds tighter.
constexpr std::array<Operator, 24> kOperators = {{
    {"*", "*", 7},   {"/", "/", 7},   {"%", "%", 7},   {"+", "+", 6},     {"-", "-", 6},
    {"||", "||", 6}, {"<<", "<<", 5}, {">>", ">>", 5}, {">>>", ">>>", 5}, {"&", "&", 4},
    {"^", "^", 3},   {"|", "|", 2},   {"=", "=", 1},   {"==", "=", 1},    {"<=>", "<=>", 1},
    {"<>", "<>", 1}, {"!=", "<>", 1}, {"<", "<", 1},   {"<=", "<=", 1},   {"!>", "<=", 1},
    {">", ">", 1},   {">=", ">=", 1}, {"!<", ">=", 1}, {"DIV", "DIV", 7},
}};

}  // namespace

ExprRef Parser::value_expression(int precedence) {
  ExprRef left = unary();
  while (true) {
    const Operator* found = nullptr;
    for (const auto& op : kOperators) {
      if (op.precedence > precedence &&
          (op.written == "DIV" ? is_word("DIV") : is_symbol(op.written))) {
        found = &op;
        break;
      }
    }
    if (found == nullptr) {
      return left;
    }
    const Position at = position();
    take();
    left = make_binary(std::string(found->name), std::move(left),
                       value_expression(found->precedence), at);
  }
}

ExprRef Parser::unary() {
  const Nesting nesting(*this);
  const Position at = position();
  if (is_symbol("-") && peek(1).kind >= TokenKind::kInteger &&
      peek(1).kind <= TokenKind::kBigDecimal) {
    take();
    return postfix(number(true));
  }
  for (const std::string_view op : {"-", "+", "~"}) {
    if (is_symbol(op)) {
      take();
      auto expr = make(ExprKind::kUnary, at);
      expr->text = op;
      expr->args = {unary()};
      return finish(std::move(expr));
    }
  }
  return primary();
}

std::vector<ExprRef> Parser::expression_list() {
  std::vector<ExprRef> list;
  do {
    list.push_back(expression());
  } while (accept_symbol(","));
  return list;
}

SortItem Parser::sort_item() {
  SortItem item;
  item.at = position();
  item.expr = expression();
  item.descending = is_word("DESC");
  if (is_any_word({"ASC", "DESC"})) {
    take();
  }
  if (accept_words({"NULLS", "FIRST"})) {
    item.nulls = SortNulls::kFirst;
  } else if (accept_words({"NULLS", "LAST"})) {
    item.nulls = SortNulls::kLast;
  }
  return item;
}

std::vector<SortItem> Parser::sort_items() {
  std::vector<SortItem> items;
  do {
    items.push_back(sort_item());
  } while (accept_symbol(","));
  return items;
}

std::shared_ptr<const WindowSpec> Parser::window_spec() {
  auto spec = std::make_shared<WindowSpec>();
  spec->at = position();
  if (!is_symbol("(")) {
    spec->reference = identifier();
    return spec;
  }
  take();
  if (starts_identifier() &&
      !is_any_word({"PARTITION", "ORDER", "ROWS", "RANGE", "DISTRIBUTE", "SORT", "CLUSTER"})) {
    spec->reference = identifier();
  }
  if (accept_words({"PARTITION", "BY"}) || accept_words({"DISTRIBUTE", "BY"})) {
    spec->partition_by = expression_list();
  }
  if (accept_words({"ORDER", "BY"}) || accept_words({"SORT", "BY"})) {
    spec->order_by = sort_items();
  }
  if (is_any_word({"ROWS", "RANGE"})) {
    spec->frame = window_frame();
  }
  expect_symbol(")");
  return spec;
}

WindowFrame Parser::window_frame() {
  WindowFrame frame;
  frame.rows = is_word("ROWS");
  take();
  if (accept_word("BETWEEN")) {
    frame.start = frame_bound();
    expect_word("AND");
    frame.end = frame_bound();
  } else {
    frame.start = frame_bound();
  }
  return frame;
}

FrameBound Parser::frame_bound() {
  FrameBound bound;
  if (accept_words({"CURRENT", "ROW"})) {
    return bound;
  }
  if (accept_word("UNBOUNDED")) {
    bound.kind = is_word("PRECEDING") ? FrameBound::Kind::kUnboundedPreceding
                                      : FrameBound::Kind::kUnboundedFollowing;
  } else {
    bound.offset = expression();
    bound.kind = is_word("PRECEDING") ? FrameBound::Kind::kPreceding : FrameBound::Kind::kFollowing;
  }
  if (!accept_word("PRECEDING")) {
    expect_word("FOLLOWING");
  }
  return bound;
}

}  // namespace sluice::sparksql
