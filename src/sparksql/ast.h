// The parsed text: expressions, relations, queries. Immutable once parsed and shared freely (views,
// named windows, aliases); no names are resolved and no types known here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sparksql/sparksql.h"
#include "types/data_type.h"

namespace sluice::sparksql {

struct Expr;
struct FromItem;
struct Select;
using ExprRef = std::shared_ptr<const Expr>;
using FromRef = std::shared_ptr<const FromItem>;
using SelectRef = std::shared_ptr<const Select>;

struct Position {
  int line = 1;
  int column = 1;
};

// The tallest tree of expressions or queries that is taken: parsing and analysis recurse over it.
constexpr int kHeightMax = 300;

enum class ExprKind {
  kLiteral,      // type, text (decoded)
  kInterval,     // args: values; names: units
  kColumn,       // names: the dotted path
  kStar,         // names: qualifier; except: left-out paths
  kField,        // args[0].text
  kSubscript,    // args[0][args[1]]
  kUnary,        // text: - + ~ NOT
  kBinary,       // text: + - * / % DIV || & | ^ << >> >>> = <=> <> < <= > >= AND OR
  kIsNull,       // args[0] IS [NOT] NULL
  kIsBoolean,    // args[0] IS [NOT] TRUE|FALSE|UNKNOWN (text)
  kIsDistinct,   // args[0] IS [NOT] DISTINCT FROM args[1]
  kBetween,      // args: value, low, high
  kInList,       // args: value, then the list
  kInQuery,      // args[0] IN query
  kExists,       // EXISTS query
  kSubquery,     // (query)
  kLike,         // text: LIKE ILIKE RLIKE; args: value, pattern; escape
  kLikeMany,     // text: LIKE ILIKE; quantifier ANY or ALL; args: value, then patterns
  kCase,         // operand?; args: when, then, …, else? (odd number: with else)
  kCast,         // args[0] AS type; text: CAST TRY_CAST
  kCall,         // names: function's name; args; arg_names; the clauses below
  kLambda,       // names: parameters; args[0]: body
  kTuple,        // (a, b)
  kVariantPath,  // args[0]:text
};

enum class SortNulls { kDefault, kFirst, kLast };

struct SortItem {
  ExprRef expr;
  bool descending = false;
  SortNulls nulls = SortNulls::kDefault;
  Position at;
};

struct FrameBound {
  enum class Kind { kUnboundedPreceding, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing };
  Kind kind = Kind::kCurrentRow;
  ExprRef offset;
};

struct WindowFrame {
  bool rows = false;  // else RANGE
  FrameBound start;
  FrameBound end;
};

struct WindowSpec {
  std::string reference;  // OVER w, or (w)
  std::vector<ExprRef> partition_by;
  std::vector<SortItem> order_by;
  std::optional<WindowFrame> frame;
  Position at;
};

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Position at;
  std::string text;
  std::vector<std::string> names;
  std::vector<ExprRef> args;
  std::vector<std::string> arg_names;  // of a call: empty, or one a piece ("" = by position)
  // Names the parser saw inside a struct(…) or a select-like list: `x AS y`; as arg_names.
  std::vector<std::string> aliases;
  std::vector<std::vector<std::string>> except;
  types::DataType type;
  bool negated = false;
  bool quantifier_all = false;
  ExprRef operand;  // of CASE
  std::optional<std::string> escape;
  QueryRef query;
  // Clauses of a call.
  bool distinct = false;
  bool star_argument = false;  // count(*)
  bool keyword_form = false;   // EXTRACT(… FROM …), CURRENT_DATE …: printed differently
  std::optional<bool> ignore_nulls;
  ExprRef filter;
  std::vector<SortItem> within_group;
  std::shared_ptr<const WindowSpec> over;
  int height = 1;
};

struct SelectItem {
  ExprRef expr;
  std::vector<std::string> aliases;  // one, or several of a generator
  Position at;
};

struct LateralView {
  bool outer = false;
  ExprRef call;
  std::string table;
  std::vector<std::string> columns;
};

struct GroupBy {
  enum class Kind { kNone, kPlain, kAll };
  Kind kind = Kind::kNone;
  // Every element is a list of grouping sets; a plain expression is one set of one. The whole is
  // their cross product.
  struct Element {
    std::vector<std::vector<ExprRef>> sets;
    bool plain = true;
  };
  std::vector<Element> elements;
  Position at;
};

struct NamedWindow {
  std::string name;
  std::shared_ptr<const WindowSpec> spec;
};

struct Select {
  Position at;
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<FromRef> from;
  std::vector<LateralView> lateral_views;
  ExprRef where;
  GroupBy group_by;
  ExprRef having;
  ExprRef qualify;
  std::vector<NamedWindow> windows;
};

enum class JoinKind { kInner, kCross, kLeft, kRight, kFull, kLeftSemi, kLeftAnti };

struct RelationAlias {
  std::string name;
  std::vector<std::string> columns;
};

// A relation in FROM.
struct FromItem {
  enum class Kind { kTable, kQuery, kFunction, kValues, kJoin };
  Kind kind = Kind::kTable;
  Position at;
  bool stream = false;
  bool lateral = false;
  TableName table;            // kTable; kFunction: its name
  std::vector<ExprRef> args;  // kFunction
  std::vector<std::string> arg_names;
  std::vector<std::vector<ExprRef>> rows;  // kValues
  QueryRef query;                          // kQuery
  std::optional<RelationAlias> alias;
  JoinKind join = JoinKind::kInner;  // kJoin
  bool natural = false;
  FromRef left;
  FromRef right;
  ExprRef on;
  std::vector<std::string> using_columns;
  int height = 1;
};

struct Cte {
  std::string name;
  std::vector<std::string> columns;
  QueryRef query;
  Position at;
};

enum class SetOperator { kUnion, kIntersect, kExcept };

struct Query {
  enum class Kind { kSelect, kValues, kTable, kNested, kSetOperation };
  Kind kind = Kind::kSelect;
  Position at;
  std::string file;
  std::vector<Cte> ctes;
  SelectRef select;
  FromRef relation;  // kValues, kTable
  QueryRef left;     // kNested, kSetOperation
  QueryRef right;
  SetOperator set_operator = SetOperator::kUnion;
  bool all = false;
  bool by_name = false;
  std::vector<SortItem> order_by;  // also SORT BY, which here is the same
  bool order_by_all = false;
  bool order_all_descending = false;
  SortNulls order_all_nulls = SortNulls::kDefault;
  std::vector<NamedWindow> windows;
  ExprRef limit;
  ExprRef offset;
  int height = 1;
};

}  // namespace sluice::sparksql
