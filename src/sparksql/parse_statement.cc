// Statements: those of a declarative pipeline (CREATE STREAMING TABLE, …), SET, and queries.
#include <algorithm>
#include <cctype>

#include "sparksql/error.h"
#include "sparksql/parser.h"

namespace sluice::sparksql {

std::optional<Statement> Parser::statement() {
  const std::size_t first = at_;
  const Position start = position();
  Statement out = statement_body();
  if (!error_ && !at_end() && !is_symbol(";")) {
    syntax_error();
  }
  if (error_) {
    return std::nullopt;
  }
  out.place = {file_, start.line, start.column};
  const std::size_t begin = tokens_[first].begin;
  const std::size_t end = at_ > first ? tokens_[at_ - 1].end : begin;
  out.text = text_.substr(begin, end - begin);
  return out;
}

Statement Parser::statement_body() {
  Statement out;
  if (is_word("CREATE")) {
    create(out);
    return out;
  }
  if (is_word("SET")) {
    set_statement(out);
    return out;
  }
  if (is_word("USE")) {
    take();
    if (is_word("CATALOG")) {
      syntax_error();
    }
    if (!accept_word("SCHEMA")) {
      if (!accept_word("NAMESPACE")) {
        accept_word("DATABASE");
      }
    }
    out.kind = StatementKind::kUseSchema;
    out.name = name_path();
    return out;
  }
  if (is_any_word({"SELECT", "WITH", "VALUES", "FROM", "TABLE"}) || is_symbol("(")) {
    out.kind = StatementKind::kQuery;
    out.query = query();
    return out;
  }
  if (is_any_word({"DESCRIBE", "DESC",   "SHOW",    "EXPLAIN", "INSERT",   "DROP",    "ALTER",
                   "TRUNCATE", "DELETE", "UPDATE",  "MERGE",   "CACHE",    "UNCACHE", "REFRESH",
                   "ANALYZE",  "RESET",  "DECLARE", "EXECUTE", "CALL",     "COMMENT", "LOAD",
                   "REPAIR",   "CLEAR",  "ADD",     "LIST",    "OPTIMIZE", "VACUUM"})) {
    out.kind = StatementKind::kOther;
    while (!at_end() && !is_symbol(";")) {
      take();
    }
    return out;
  }
  syntax_error();
  return out;
}

void Parser::set_statement(Statement& out) {
  take();
  if (accept_word("CATALOG")) {
    out.kind = StatementKind::kSetCatalog;
    out.name = {peek().kind == TokenKind::kString ? string_literal() : identifier()};
    return;
  }
  out.kind = StatementKind::kSet;
  std::string key;
  if (is_word("TIME") && is_word("ZONE", 1)) {
    take();
    take();
    if (peek().kind != TokenKind::kString) {
      refuse("SET TIME ZONE without a text");
      return;
    }
    out.properties["spark.sql.session.timeZone"] = string_literal();
    return;
  }
  // The value is the rest of the statement, as written.
  while (!at_end() && !is_symbol("=") && !is_symbol(";")) {
    key += take().text;
  }
  if (key.empty() || !accept_symbol("=")) {
    out.kind = StatementKind::kOther;  // SET, SET key: show
    return;
  }
  const std::size_t begin = peek().begin;
  std::size_t end = begin;
  std::string value;
  const bool one_string = peek().kind == TokenKind::kString;
  while (!at_end() && !is_symbol(";")) {
    end = peek().end;
    value = take().text;
  }
  const bool quoted = one_string && text_.substr(begin, end - begin).size() >= 2 && at_ > 0 &&
                      tokens_[at_ - 1].begin == begin;
  out.properties[key] = quoted ? value : std::string(text_.substr(begin, end - begin));
}

void Parser::create(Statement& out) {
  take();
  out.or_replace = accept_words({"OR", "REPLACE"});
  if (is_word("STREAMING") && is_word("TABLE", 1) && !out.or_replace) {
    take();
    take();
    out.kind = StatementKind::kCreateStreamingTable;
    create_table_like(out);
  } else if (is_word("MATERIALIZED") && is_word("VIEW", 1) && !out.or_replace) {
    take();
    take();
    out.kind = StatementKind::kCreateMaterializedView;
    create_table_like(out);
    if (!error_ && !out.query) {
      syntax_error();
    }
  } else if (is_word("FLOW") && !out.or_replace) {
    take();
    create_flow(out);
  } else if (is_any_word({"TEMPORARY", "TEMP"}) && is_word("VIEW", 1)) {
    take();
    take();
    create_view(out, true);
  } else if (accept_word("VIEW")) {
    create_view(out, false);
  } else if (is_any_word({"TABLE", "EXTERNAL", "FUNCTION", "TEMPORARY", "TEMP", "SCHEMA",
                          "DATABASE", "NAMESPACE", "GLOBAL"})) {
    out.kind = StatementKind::kOther;
    while (!at_end() && !is_symbol(";")) {
      take();
    }
  } else {
    syntax_error();
  }
}

void Parser::create_table_like(Statement& out) {
  out.if_not_exists = accept_words({"IF", "NOT", "EXISTS"});
  out.name = name_path();
  if (is_symbol("(")) {
    out.columns = table_columns();
  }
  table_clauses(out);
  if (accept_word("AS")) {
    out.query = query();
  }
}

std::vector<ColumnDefinition> Parser::table_columns() {
  std::vector<ColumnDefinition> columns;
  expect_symbol("(");
  do {
    if (is_any_word({"CONSTRAINT", "CHECK", "PRIMARY", "UNIQUE", "FOREIGN"})) {
      fail(make_error("", "",
                      "Pipeline datasets do not currently support column constraints. Please "
                      "remove any CHECK, UNIQUE, PK, and FK constraints specified on the pipeline "
                      "dataset.",
                      Stage::kParse, place()));
      return columns;
    }
    const types::Field field = type_field();
    ColumnDefinition column;
    column.name = field.name;
    column.type = field.type ? std::optional(*field.type) : std::nullopt;
    column.not_null = !field.nullable;
    column.comment = field.comment;
    columns.push_back(std::move(column));
  } while (accept_symbol(","));
  expect_symbol(")");
  return columns;
}

void Parser::table_clauses(Statement& out) {
  while (!error_) {
    if (accept_word("USING")) {
      std::string format = identifier();
      std::ranges::transform(format, format.begin(),
                             [](unsigned char c) { return std::tolower(c); });
      if (!error_ && format != "delta") {
        refuse("USING " + format + " (tables here are Delta tables)");
      }
      out.properties["using"] = format;
    } else if (is_word("PARTITIONED") && is_word("BY", 1)) {
      take();
      take();
      out.partitioned_by = identifier_list();
    } else if (is_word("CLUSTER") && is_word("BY", 1)) {
      refuse("CLUSTER BY (Spark makes a partitioned table of it; write PARTITIONED BY)");
    } else if (accept_word("COMMENT")) {
      out.comment = string_literal();
    } else if (accept_word("TBLPROPERTIES")) {
      properties(out);
    } else if (is_word("LOCATION")) {
      fail(make_error("", "",
                      "Specifying location is not supported for CREATE STREAMING TABLE statements. "
                      "The storage location for a pipeline dataset is managed by the pipeline "
                      "itself.",
                      Stage::kParse, place()));
    } else if (is_word("OPTIONS")) {
      refuse("OPTIONS");
    } else {
      return;
    }
  }
}

std::string Parser::property_key() {
  if (peek().kind == TokenKind::kString) {
    return string_literal();
  }
  std::string key = identifier();
  while (accept_symbol(".")) {
    key += "." + identifier();
  }
  return key;
}

void Parser::properties(Statement& out) {
  expect_symbol("(");
  do {
    const std::string key = property_key();
    accept_symbol("=");
    if (peek().kind == TokenKind::kString) {
      out.properties[key] = string_literal();
    } else {
      const bool negative = accept_symbol("-");
      out.properties[key] = (negative ? "-" : "") + take().text;
    }
  } while (accept_symbol(",") && !error_);
  expect_symbol(")");
}

void Parser::view_clauses(Statement& out) {
  while (!error_) {
    if (accept_word("COMMENT")) {
      out.comment = string_literal();
    } else if (accept_word("TBLPROPERTIES")) {
      properties(out);
    } else {
      return;
    }
  }
}

void Parser::create_view(Statement& out, bool temporary) {
  out.kind = temporary ? StatementKind::kCreateTemporaryView : StatementKind::kCreateView;
  out.if_not_exists = accept_words({"IF", "NOT", "EXISTS"});
  const Place here = place();
  out.name = name_path();
  if (temporary && out.name.size() > 1 && !error_) {
    fail(make_error("INVALID_TEMP_OBJ_QUALIFIER", "42602",
                    "Temporary VIEW " + quote_name({out.name.back()}) +
                        " cannot be qualified with " +
                        quote_name({out.name.begin(), out.name.end() - 1}) +
                        ". Temporary objects can only be qualified with SYSTEM.SESSION.",
                    Stage::kParse, here));
  }
  if (accept_symbol("(")) {
    do {
      ColumnDefinition column;
      column.name = identifier();
      if (accept_word("COMMENT")) {
        column.comment = string_literal();
      }
      out.columns.push_back(std::move(column));
    } while (accept_symbol(","));
    expect_symbol(")");
  }
  view_clauses(out);
  if (is_word("USING") && temporary) {
    refuse("CREATE TEMPORARY VIEW … USING");
  }
  expect_word("AS");
  out.query = query();
}

void Parser::create_flow(Statement& out) {
  out.kind = StatementKind::kCreateFlow;
  const Place here = place();
  out.name = name_path();
  if (out.name.size() > 1 && !error_) {
    fail(make_error("MULTIPART_FLOW_NAME_NOT_SUPPORTED", "0A000",
                    "Flow with multipart name " + quote_name(out.name) + " is not supported.",
                    Stage::kParse, here));
  }
  if (accept_word("COMMENT")) {
    out.comment = string_literal();
  }
  expect_word("AS");
  if (is_word("AUTO")) {
    refuse("AUTO CDC");
  }
  expect_word("INSERT");
  expect_word("INTO");
  accept_word("TABLE");
  out.target = name_path();
  out.by_name = accept_words({"BY", "NAME"});
  if (!out.by_name && !error_) {
    fail(make_error("", "", "Only INSERT INTO by name flows supported.", Stage::kParse, place()));
  }
  out.query = query();
}

}  // namespace sluice::sparksql
