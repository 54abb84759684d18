// Relations of FROM: tables, streams, table functions, VALUES, subqueries and joins.
#include <algorithm>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {

FromRef Parser::relation() {
  const Nesting nesting(*this);
  FromRef left = relation_primary();
  while (!error_) {
    FromRef joined = join_tail(left);
    if (!joined) {
      return left;
    }
    left = std::move(joined);
  }
  return left;
}

std::optional<JoinKind> Parser::join_kind(bool& natural) {
  std::size_t ahead = 0;
  natural = is_word("NATURAL");
  ahead += natural ? 1 : 0;
  JoinKind kind = JoinKind::kInner;
  if (is_word("INNER", ahead)) {
    ++ahead;
  } else if (is_word("CROSS", ahead)) {
    kind = JoinKind::kCross;
    ++ahead;
  } else if (is_any_word({"LEFT", "RIGHT", "FULL"}, ahead)) {
    kind = is_word("LEFT", ahead)    ? JoinKind::kLeft
           : is_word("RIGHT", ahead) ? JoinKind::kRight
                                     : JoinKind::kFull;
    ++ahead;
    if (is_word("OUTER", ahead)) {
      ++ahead;
    } else if (kind == JoinKind::kLeft && is_any_word({"SEMI", "ANTI"}, ahead)) {
      kind = is_word("SEMI", ahead) ? JoinKind::kLeftSemi : JoinKind::kLeftAnti;
      ++ahead;
    }
  } else if (is_any_word({"SEMI", "ANTI"}, ahead)) {
    kind = is_word("SEMI", ahead) ? JoinKind::kLeftSemi : JoinKind::kLeftAnti;
    ++ahead;
  }
  if (!is_word("JOIN", ahead)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i <= ahead; ++i) {
    take();
  }
  return kind;
}

FromRef Parser::join_tail(FromRef left) {
  auto join = std::make_shared<FromItem>();
  join->kind = FromItem::Kind::kJoin;
  join->at = position();
  const auto kind = join_kind(join->natural);
  if (!kind) {
    return nullptr;
  }
  join->join = *kind;
  join->left = std::move(left);
  join->right = relation_primary();
  join_criteria(*join);
  const int height =
      std::max(join->left ? join->left->height : 0, join->right ? join->right->height : 0);
  join->height = height + 1;
  if (join->height > kHeightMax) {
    refuse("more than " + std::to_string(kHeightMax) + " joins");
  }
  return join;
}

void Parser::join_criteria(FromItem& join) {
  if (accept_word("ON")) {
    join.on = expression();
  } else if (is_word("USING") && is_symbol("(", 1)) {
    take();
    join.using_columns = identifier_list();
  }
}

std::optional<RelationAlias> Parser::relation_alias() {
  const bool as = accept_word("AS");
  if (!as && !starts_identifier()) {
    return std::nullopt;
  }
  if (!as && is_word("WINDOW") && is_word("AS", 2)) {
    return std::nullopt;
  }
  if (!as && is_any_word({"PIVOT", "UNPIVOT", "TABLESAMPLE", "WATERMARK"})) {
    return std::nullopt;
  }
  RelationAlias alias;
  alias.name = as ? identifier() : take().text;
  if (is_symbol("(")) {
    alias.columns = identifier_list();
  }
  return alias;
}

void Parser::refuse_relation_clauses() {
  if (is_any_word({"PIVOT", "UNPIVOT"})) {
    refuse("PIVOT and UNPIVOT");
  } else if (is_word("TABLESAMPLE")) {
    refuse("TABLESAMPLE");
  } else if (is_word("WATERMARK")) {
    refuse("WATERMARK");
  } else if ((is_any_word({"VERSION", "TIMESTAMP"}) && is_word("AS", 1) && is_word("OF", 2)) ||
             (is_word("FOR") && is_any_word({"SYSTEM_VERSION", "SYSTEM_TIME", "VERSION"}, 1))) {
    refuse("time travel");
  }
}

FromRef Parser::relation_primary() {
  const Nesting nesting(*this);
  const bool lateral = is_word("LATERAL") && !is_word("VIEW", 1);
  if (lateral) {
    take();
  }
  auto out = std::make_shared<FromItem>();
  out->at = position();
  out->lateral = lateral;
  if (is_word("VALUES")) {
    return values_relation();
  }
  if (!is_symbol("(")) {
    FromRef item = table_or_function();
    if (!lateral) {
      return item;
    }
    auto copy = std::make_shared<FromItem>(*item);
    copy->lateral = true;
    return copy;
  }
  // `(SELECT …)`, or a relation in parentheses: look behind all opening ones.
  std::size_t ahead = 0;
  while (is_symbol("(", ahead)) {
    ++ahead;
  }
  if (is_any_word({"SELECT", "WITH", "VALUES", "TABLE", "FROM"}, ahead)) {
    const std::size_t start = at_;
    take();
    if (ahead == 1) {
      out->kind = FromItem::Kind::kQuery;
      out->query = query();
      expect_symbol(")");
      out->height = (out->query ? out->query->height : 0) + 1;
      refuse_relation_clauses();
      out->alias = relation_alias();
      refuse_relation_clauses();
      return out;
    }
    // `((SELECT …) UNION …)` or `((SELECT …) JOIN …)`: try the query first.
    out->query = query();
    if (!error_ && is_symbol(")")) {
      take();
      out->kind = FromItem::Kind::kQuery;
      out->height = out->query->height + 1;
      out->alias = relation_alias();
      return out;
    }
    const bool refused = error_ && error_->error_class != "PARSE_SYNTAX_ERROR";
    if (refused) {
      return out;
    }
    error_.reset();
    at_ = start;
  }
  take();
  FromRef inner = relation();
  expect_symbol(")");
  refuse_relation_clauses();
  if (const auto alias = relation_alias()) {
    refuse("an alias for a join in parentheses");
  }
  return inner;
}

FromRef Parser::table_or_function() {
  auto out = std::make_shared<FromItem>();
  out->at = position();
  if (is_word("STREAM") && (starts_identifier(1) || is_symbol("(", 1)) && !is_any_word({"AS"}, 1)) {
    // STREAM x, STREAM(x), STREAM f(…), STREAM(f(…)).
    take();
    const bool parenthesis = accept_symbol("(");
    FromRef inner = table_or_function();
    auto copy = std::make_shared<FromItem>(*inner);
    copy->stream = true;
    if (parenthesis) {
      expect_symbol(")");
    }
    refuse_relation_clauses();
    if (is_word("WITH") && is_symbol("(", 1)) {
      refuse("options of a stream (WITH)");
    }
    if (auto alias = relation_alias()) {
      copy->alias = std::move(alias);
    }
    refuse_relation_clauses();
    return copy;
  }
  out->table = name_path();
  if (is_symbol("(")) {
    take();
    out->kind = FromItem::Kind::kFunction;
    if (!accept_symbol(")")) {
      do {
        std::string name;
        if (starts_identifier() && is_symbol("=>", 1)) {
          name = take().text;
          take();
        }
        out->args.push_back(expression());
        out->arg_names.push_back(std::move(name));
      } while (accept_symbol(","));
      expect_symbol(")");
    }
  }
  refuse_relation_clauses();
  out->alias = relation_alias();
  refuse_relation_clauses();
  return out;
}

FromRef Parser::values_relation() {
  auto out = std::make_shared<FromItem>();
  out->at = position();
  out->kind = FromItem::Kind::kValues;
  expect_word("VALUES");
  do {
    ExprRef row = expression();
    if (!row) {
      break;
    }
    if (row->kind == ExprKind::kTuple) {
      out->rows.push_back(row->args);
    } else {
      out->rows.push_back({row});
    }
  } while (accept_symbol(",") && !error_);
  out->alias = relation_alias();
  return out;
}

}  // namespace sluice::sparksql
