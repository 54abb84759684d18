// What can be said of a query before any name is resolved: the relations it reads.
#include <algorithm>

#include "sparksql/analyzer.h"
#include "sparksql/ast.h"
#include "sparksql/sparksql.h"

namespace sluice::sparksql {
namespace {

class Walker {
 public:
  void query(const Query& node) {
    const std::size_t before = ctes_.size();
    for (const auto& cte : node.ctes) {
      query(*cte.query);
      ctes_.push_back(lower_case(cte.name));
    }
    if (node.left) {
      query(*node.left);
    }
    if (node.right) {
      query(*node.right);
    }
    if (node.relation) {
      from(*node.relation);
    }
    if (node.select) {
      select(*node.select);
    }
    for (const auto& item : node.order_by) {
      expr(item.expr);
    }
    ctes_.resize(before);
  }

  std::vector<TableName> tables;
  bool stream = false;

 private:
  void select(const Select& node) {
    for (const auto& item : node.items) {
      expr(item.expr);
    }
    for (const auto& item : node.from) {
      from(*item);
    }
    for (const auto& view : node.lateral_views) {
      expr(view.call);
    }
    expr(node.where);
    expr(node.having);
    expr(node.qualify);
    for (const auto& element : node.group_by.elements) {
      for (const auto& set : element.sets) {
        for (const auto& item : set) {
          expr(item);
        }
      }
    }
  }

  void from(const FromItem& node) {
    stream = stream || node.stream;
    if (node.kind == FromItem::Kind::kTable) {
      const bool cte =
          node.table.size() == 1 && !node.stream && holds(ctes_, lower_case(node.table[0]));
      if (!cte && !holds(tables, node.table)) {
        tables.push_back(node.table);
      }
    }
    if (node.query) {
      query(*node.query);
    }
    if (node.left) {
      from(*node.left);
    }
    if (node.right) {
      from(*node.right);
    }
    expr(node.on);
    for (const auto& arg : node.args) {
      expr(arg);
    }
  }

  void expr(const ExprRef& node) {
    if (!node) {
      return;
    }
    for (const auto& arg : node->args) {
      expr(arg);
    }
    expr(node->operand);
    expr(node->filter);
    if (node->query) {
      query(*node->query);
    }
    if (node->over) {
      for (const auto& key : node->over->partition_by) {
        expr(key);
      }
      for (const auto& item : node->over->order_by) {
        expr(item.expr);
      }
    }
  }

  std::vector<std::string> ctes_;
};

}  // namespace

std::vector<TableName> tables_read(const Query& query) {
  Walker walker;
  walker.query(query);
  return walker.tables;
}

bool reads_stream(const Query& query) {
  Walker walker;
  walker.query(query);
  return walker.stream;
}

}  // namespace sluice::sparksql
