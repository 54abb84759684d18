// Queries: WITH, set operations by precedence, SELECT and its clauses, ORDER BY … LIMIT.
#include <algorithm>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {
namespace {

QueryRef seal(std::shared_ptr<Query> query) {
  int height = query->height - 1;
  for (const auto& child : {query->left, query->right}) {
    if (child) {
      height = std::max(height, child->height);
    }
  }
  if (query->relation) {
    height = std::max(height, query->relation->height);
  }
  if (query->select) {
    for (const auto& item : query->select->from) {
      height = std::max(height, item ? item->height : 0);
    }
  }
  for (const auto& cte : query->ctes) {
    height = std::max(height, cte.query ? cte.query->height : 0);
  }
  query->height = height + 1;
  return query;
}

}  // namespace

QueryRef Parser::query() {
  const Nesting nesting(*this);
  std::vector<Cte> list = ctes();
  std::shared_ptr<Query> body = query_term(0);
  // A second ORDER BY, or a WITH, belongs to a query around this one.
  if ((!list.empty() && !body->ctes.empty()) || !body->order_by.empty() || body->limit ||
      body->offset || body->order_by_all) {
    auto outer = std::make_shared<Query>();
    outer->kind = Query::Kind::kNested;
    outer->at = body->at;
    outer->file = file_;
    outer->left = seal(std::move(body));
    body = std::move(outer);
  }
  if (!list.empty()) {
    body->ctes = std::move(list);
  }
  query_organization(*body);
  if (is_symbol("|>")) {
    refuse("pipe syntax (|>)");
  }
  QueryRef sealed = seal(std::move(body));
  if (sealed->height > kHeightMax) {
    refuse("a query deeper than " + std::to_string(kHeightMax) + " levels");
  }
  return sealed;
}

std::vector<Cte> Parser::ctes() {
  std::vector<Cte> list;
  if (!is_word("WITH") || is_symbol("(", 1)) {
    return list;
  }
  take();
  if (is_word("RECURSIVE") && starts_identifier(1)) {
    refuse("WITH RECURSIVE");
    return list;
  }
  do {
    Cte cte;
    cte.at = position();
    cte.name = strict_identifier();
    if (is_symbol("(")) {
      cte.columns = identifier_list();
    }
    accept_word("AS");
    expect_symbol("(");
    cte.query = query();
    expect_symbol(")");
    list.push_back(std::move(cte));
  } while (accept_symbol(","));
  return list;
}

// INTERSECT binds tighter than UNION and EXCEPT.
std::shared_ptr<Query> Parser::query_term(int precedence) {
  std::shared_ptr<Query> left = query_primary();
  while (true) {
    const bool intersect = is_word("INTERSECT");
    if (!intersect && !is_any_word({"UNION", "EXCEPT", "MINUS", "SETMINUS"})) {
      return left;
    }
    if ((intersect ? 2 : 1) <= precedence) {
      return left;
    }
    auto set = std::make_shared<Query>();
    set->kind = Query::Kind::kSetOperation;
    set->at = position();
    set->file = file_;
    set->set_operator = intersect          ? SetOperator::kIntersect
                        : is_word("UNION") ? SetOperator::kUnion
                                           : SetOperator::kExcept;
    take();
    set->all = accept_word("ALL");
    if (!set->all) {
      accept_word("DISTINCT");
    }
    set->left = seal(std::move(left));
    set->right = seal(query_term(intersect ? 2 : 1));
    left = std::move(set);
    left->height = std::max(left->left->height, left->right->height) + 1;
    if (left->height > kHeightMax) {
      refuse("a query deeper than " + std::to_string(kHeightMax) + " levels");
      return left;
    }
  }
}

std::shared_ptr<Query> Parser::query_primary() {
  const Nesting nesting(*this);
  auto query_node = std::make_shared<Query>();
  query_node->at = position();
  query_node->file = file_;
  if (is_symbol("(")) {
    take();
    query_node->kind = Query::Kind::kNested;
    query_node->left = query();
    expect_symbol(")");
    return query_node;
  }
  if (is_word("VALUES")) {
    query_node->kind = Query::Kind::kValues;
    query_node->relation = values_relation();
    return query_node;
  }
  if (is_word("TABLE") && starts_identifier(1)) {
    take();
    auto table = std::make_shared<FromItem>();
    table->at = position();
    table->table = name_path();
    query_node->kind = Query::Kind::kTable;
    query_node->relation = std::move(table);
    return query_node;
  }
  if (is_word("FROM")) {
    refuse("a query that starts with FROM");
    return query_node;
  }
  query_node->kind = Query::Kind::kSelect;
  query_node->select = select();
  return query_node;
}

void Parser::query_organization(Query& query) {
  if (accept_words({"ORDER", "BY"}) || accept_words({"SORT", "BY"})) {
    if (is_word("ALL") && !is_symbol(".", 1) && !is_symbol("(", 1)) {
      take();
      query.order_by_all = true;
      query.order_all_descending = is_word("DESC");
      if (is_any_word({"ASC", "DESC"})) {
        take();
      }
      if (accept_words({"NULLS", "FIRST"})) {
        query.order_all_nulls = SortNulls::kFirst;
      } else if (accept_words({"NULLS", "LAST"})) {
        query.order_all_nulls = SortNulls::kLast;
      }
    } else {
      query.order_by = sort_items();
    }
  } else if ((is_word("CLUSTER") || is_word("DISTRIBUTE")) && is_word("BY", 1)) {
    take();
    take();
    expression_list();  // says where rows are computed, not what they are
  }
  named_windows(query.windows);
  if (accept_word("LIMIT")) {
    if (!accept_word("ALL")) {
      query.limit = expression();
    }
  }
  if (accept_word("OFFSET")) {
    query.offset = expression();
  }
}

SelectRef Parser::select() {
  auto out = std::make_shared<Select>();
  out->at = position();
  expect_word("SELECT");
  out->distinct = accept_word("DISTINCT");
  if (!out->distinct && is_word("ALL") && !is_symbol(",", 1) && !is_word("FROM", 1)) {
    take();
  }
  do {
    out->items.push_back(select_item());
  } while (accept_symbol(","));
  select_body(*out);
  return out;
}

void Parser::select_body(Select& select) {
  if (accept_word("FROM")) {
    do {
      select.from.push_back(relation());
    } while (accept_symbol(","));
    while (is_word("LATERAL") && is_word("VIEW", 1)) {
      select.lateral_views.push_back(lateral_view());
    }
  }
  if (accept_word("WHERE")) {
    select.where = expression();
  }
  if (is_word("GROUP") && is_word("BY", 1)) {
    select.group_by = group_by();
  }
  if (accept_word("HAVING")) {
    select.having = expression();
  }
  if (accept_word("QUALIFY")) {
    select.qualify = expression();
  }
  named_windows(select.windows);
}

void Parser::named_windows(std::vector<NamedWindow>& windows) {
  if (is_word("WINDOW") && starts_identifier(1) && is_word("AS", 2)) {
    take();
    do {
      NamedWindow window;
      window.name = identifier();
      expect_word("AS");
      window.spec = window_spec();
      windows.push_back(std::move(window));
    } while (accept_symbol(","));
  }
}

SelectItem Parser::select_item() {
  SelectItem item;
  item.at = position();
  item.expr = expression();
  if (accept_word("AS")) {
    if (is_symbol("(")) {
      item.aliases = identifier_list();
    } else {
      item.aliases = {identifier()};
    }
  } else if (starts_identifier()) {
    item.aliases = {take().text};
  } else if (is_symbol("(") && item.expr && item.expr->kind == ExprKind::kCall) {
    item.aliases = identifier_list();
  }
  return item;
}

std::vector<ExprRef> Parser::grouping_set() {
  if (is_symbol("(")) {
    // `(a, b)` is a set; `(a + b) * 2` an expression.
    const std::size_t start = at_;
    take();
    std::vector<ExprRef> set;
    if (accept_symbol(")")) {
      return set;
    }
    set = expression_list();
    if (accept_symbol(")") &&
        (is_symbol(",") || is_symbol(")") || is_symbol(";") || at_end() || !is_symbol("."))) {
      if (peek().kind != TokenKind::kSymbol || is_symbol(",") || is_symbol(")") || is_symbol(";")) {
        return set;
      }
    }
    if (!error_) {
      at_ = start;
    }
  }
  return {expression()};
}

GroupBy::Element Parser::grouping_element() {
  GroupBy::Element element;
  const bool rollup = is_word("ROLLUP");
  const bool cube = is_word("CUBE");
  if ((rollup || cube) && is_symbol("(", 1)) {
    take();
    take();
    std::vector<std::vector<ExprRef>> parts;
    do {
      parts.push_back(grouping_set());
    } while (accept_symbol(","));
    expect_symbol(")");
    element.plain = false;
    if (std::ranges::any_of(parts, [](const auto& part) { return part.empty(); })) {
      refuse("an empty set inside ROLLUP or CUBE");
      return element;
    }
    if (parts.size() > 12) {
      refuse("more than 12 expressions in ROLLUP or CUBE");
      return element;
    }
    const std::size_t count = rollup ? parts.size() + 1 : std::size_t{1} << parts.size();
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<ExprRef> set;
      for (std::size_t j = 0; j < parts.size(); ++j) {
        const bool in = rollup ? j + i < parts.size() : ((i >> j) & 1U) == 0;
        if (in) {
          set.insert(set.end(), parts[j].begin(), parts[j].end());
        }
      }
      element.sets.push_back(std::move(set));
    }
    return element;
  }
  if (is_word("GROUPING") && is_word("SETS", 1)) {
    take();
    take();
    element.plain = false;
    expect_symbol("(");
    do {
      if (is_any_word({"ROLLUP", "CUBE", "GROUPING"}) &&
          (is_symbol("(", 1) || is_word("SETS", 1))) {
        for (auto& set : grouping_element().sets) {
          element.sets.push_back(std::move(set));
        }
      } else {
        element.sets.push_back(grouping_set());
      }
    } while (accept_symbol(","));
    expect_symbol(")");
    return element;
  }
  element.sets = {grouping_set()};
  return element;
}

GroupBy Parser::group_by() {
  GroupBy out;
  out.at = position();
  take();
  take();
  if (is_word("ALL") && !is_symbol(",", 1) && !is_symbol(".", 1) && !is_symbol("(", 1)) {
    take();
    out.kind = GroupBy::Kind::kAll;
    return out;
  }
  out.kind = GroupBy::Kind::kPlain;
  do {
    out.elements.push_back(grouping_element());
  } while (accept_symbol(","));
  const auto all_plain = [&] {
    std::vector<ExprRef> list;
    for (const auto& element : out.elements) {
      for (const auto& set : element.sets) {
        list.insert(list.end(), set.begin(), set.end());
      }
    }
    return list;
  };
  // The older forms: GROUP BY a, b WITH ROLLUP; GROUP BY a, b GROUPING SETS (…).
  if (is_word("WITH") && is_any_word({"ROLLUP", "CUBE"}, 1)) {
    take();
    const bool rollup = is_word("ROLLUP");
    take();
    const std::vector<ExprRef> list = all_plain();
    if (list.size() > 12) {
      refuse("more than 12 expressions in ROLLUP or CUBE");
      return out;
    }
    GroupBy::Element element;
    element.plain = false;
    const std::size_t count = rollup ? list.size() + 1 : std::size_t{1} << list.size();
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<ExprRef> set;
      for (std::size_t j = 0; j < list.size(); ++j) {
        if (rollup ? j + i < list.size() : ((i >> j) & 1U) == 0) {
          set.push_back(list[j]);
        }
      }
      element.sets.push_back(std::move(set));
    }
    out.elements = {std::move(element)};
  } else if (is_word("GROUPING") && is_word("SETS", 1)) {
    refuse("GROUP BY … GROUPING SETS (write GROUP BY GROUPING SETS)");
  }
  return out;
}

LateralView Parser::lateral_view() {
  LateralView view;
  accept_words({"LATERAL", "VIEW"});
  view.outer = accept_word("OUTER");
  const Position at = position();
  view.call = call({strict_identifier()}, at);
  if (starts_identifier()) {
    view.table = take().text;
  }
  if (accept_word("AS") || (starts_identifier() && view.columns.empty())) {
    do {
      view.columns.push_back(identifier());
    } while (accept_symbol(","));
  }
  return view;
}

}  // namespace sluice::sparksql
