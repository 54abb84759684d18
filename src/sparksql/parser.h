// Recursive descent over the tokens; operators by precedence. The first error sticks: after it the
// parser sees nothing but the end of the text, so that every loop ends. Split over parse_*.cc.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparksql/ast.h"
#include "sparksql/lexer.h"

namespace sluice::sparksql {

class Parser {
 public:
  // `tokens` end in kEnd; `text` is what they were cut from. Both outlive the parser.
  Parser(const std::vector<Token>& tokens, std::string_view text, std::string file)
      : tokens_(tokens), text_(text), file_(std::move(file)) {}

  const std::optional<SqlError>& error() const { return error_; }
  bool at_end() const { return peek().kind == TokenKind::kEnd; }

  std::optional<Statement> statement();  // up to `;` or the end
  bool skip_semicolons();                // true: there is another statement
  void recover();                        // after an error: behind the next `;`
  QueryRef query();
  ExprRef expression();
  types::DataType data_type();
  std::vector<types::Field> column_list();  // a INT, b: STRING NOT NULL COMMENT 's'
  void expect_end();

 private:
  friend class Nesting;

  // ---- tokens (parser.cc)
  const Token& peek(std::size_t ahead = 0) const;
  Token take();
  bool is_word(std::string_view word, std::size_t ahead = 0) const;  // keyword, upper case
  bool is_symbol(std::string_view symbol, std::size_t ahead = 0) const;
  bool is_any_word(std::initializer_list<std::string_view> words, std::size_t ahead = 0) const;
  bool accept_word(std::string_view word);
  bool accept_words(std::initializer_list<std::string_view> words);  // all of them or none
  bool accept_symbol(std::string_view symbol);
  void expect_word(std::string_view word);
  void expect_symbol(std::string_view symbol);
  bool accept_close_angle();  // one `>` of `>>`
  void fail(SqlError error);
  void syntax_error();
  void refuse(std::string_view what);
  Position position() const { return {peek().line, peek().column}; }
  Place place() const { return {file_, peek().line, peek().column}; }
  bool starts_identifier(std::size_t ahead = 0) const;
  std::string identifier();
  std::string strict_identifier();
  std::vector<std::string> name_path();
  std::vector<std::string> identifier_list();  // in parentheses
  std::string string_literal();

  // ---- expressions (parse_expression.cc, parse_primary.cc)
  ExprRef or_expression();
  ExprRef and_expression();
  ExprRef not_expression();
  ExprRef predicate();
  ExprRef predicate_tail(ExprRef left);
  ExprRef in_tail(ExprRef left, bool negated, Position at);
  ExprRef like_tail(ExprRef left, bool negated, Position at);
  ExprRef is_tail(ExprRef left, Position at);
  ExprRef value_expression(int precedence = 0);
  ExprRef unary();
  ExprRef primary();
  ExprRef primary_start();
  ExprRef postfix(ExprRef base);
  ExprRef number(bool negative);
  ExprRef string_expression();
  ExprRef typed_literal();
  ExprRef interval();
  ExprRef case_expression();
  ExprRef cast_expression();
  ExprRef extract_expression();
  ExprRef trim_expression();
  ExprRef substring_expression();
  ExprRef overlay_expression();
  ExprRef position_expression();
  ExprRef date_unit_expression();
  ExprRef parenthesized();
  ExprRef star(std::vector<std::string> qualifier, Position at);
  ExprRef name_expression();
  ExprRef lambda();
  ExprRef call(std::vector<std::string> name, Position at);
  void call_arguments(Expr& call);
  void call_clauses(Expr& call);
  std::shared_ptr<const WindowSpec> window_spec();
  WindowFrame window_frame();
  FrameBound frame_bound();
  std::vector<SortItem> sort_items();
  SortItem sort_item();
  std::vector<ExprRef> expression_list();
  ExprRef finish(std::shared_ptr<Expr> expr);
  std::shared_ptr<Expr> make(ExprKind kind, Position at) const;
  ExprRef make_call(std::string name, std::vector<ExprRef> args, Position at,
                    bool keyword_form = false);
  ExprRef make_binary(std::string op, ExprRef left, ExprRef right, Position at);

  // ---- queries (parse_query.cc, parse_relation.cc)
  std::vector<Cte> ctes();
  std::shared_ptr<Query> query_term(int precedence);
  std::shared_ptr<Query> query_primary();
  std::shared_ptr<Query> from_statement();
  void query_organization(Query& query);
  SelectRef select();
  void select_body(Select& select);
  void named_windows(std::vector<NamedWindow>& windows);
  SelectItem select_item();
  GroupBy group_by();
  GroupBy::Element grouping_element();
  std::vector<ExprRef> grouping_set();
  LateralView lateral_view();
  FromRef relation();
  FromRef relation_primary();
  FromRef table_or_function();
  FromRef values_relation();
  FromRef join_tail(FromRef left);
  std::optional<JoinKind> join_kind(bool& natural);
  void join_criteria(FromItem& join);
  std::optional<RelationAlias> relation_alias();
  void refuse_relation_clauses();

  // ---- types and statements (parse_type.cc, parse_statement.cc)
  types::DataType struct_type();
  types::DataType decimal_type();
  types::DataType named_type(const std::string& name);
  int type_number();
  types::Field type_field();
  Statement statement_body();
  void create(Statement& out);
  void create_table_like(Statement& out);
  void create_view(Statement& out, bool temporary);
  void create_flow(Statement& out);
  void table_clauses(Statement& out);
  void view_clauses(Statement& out);
  void properties(Statement& out);
  void set_statement(Statement& out);
  std::vector<ColumnDefinition> table_columns();
  std::string property_key();

  const std::vector<Token>& tokens_;
  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  std::size_t closed_ = 0;  // how many `>` of a `>>` or `>>>` are taken
  int nesting_ = 0;
  std::optional<SqlError> error_;
};

// Counts the levels of recursion; over kHeightMax the text is refused.
class Nesting {
 public:
  explicit Nesting(Parser& parser);
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting();

 private:
  Parser& parser_;
};

// 'a INT, b STRUCT<x: STRING>', or one type such as 'STRUCT<…>' or 'ARRAY<INT>', as from_json
// takes.
SqlResult<types::DataType> parse_schema_ddl(std::string_view text, const Place& place);
SqlResult<types::DataType> parse_data_type(std::string_view text, const Place& place);

}  // namespace sluice::sparksql
