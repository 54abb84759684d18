// Token handling of the parser, and the doors that start it.
#include "sparksql/parser.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "sparksql/error.h"

namespace sluice::sparksql {
namespace {

bool equals_upper(std::string_view text, std::string_view upper) {
  return text.size() == upper.size() &&
         std::equal(text.begin(), text.end(), upper.begin(), [](char a, char b) {
           return std::toupper(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
         });
}

// Words that end what stands before them: never read as an alias, nor as a column unless quoted.
constexpr std::array<std::string_view, 40> kStops = {
    "SELECT",  "FROM",    "WHERE", "GROUP",    "HAVING",    "ORDER",      "LIMIT", "OFFSET",
    "UNION",   "EXCEPT",  "MINUS", "SETMINUS", "INTERSECT", "JOIN",       "INNER", "LEFT",
    "RIGHT",   "FULL",    "CROSS", "SEMI",     "ANTI",      "NATURAL",    "ON",    "USING",
    "LATERAL", "QUALIFY", "PIVOT", "SORT",     "CLUSTER",   "DISTRIBUTE", "AS",    "AND",
    "OR",      "NOT",     "IN",    "IS",       "WHEN",      "THEN",       "ELSE",  "END"};

bool is_stop(std::string_view word) {
  return std::ranges::any_of(kStops, [&](auto stop) { return equals_upper(word, stop); });
}

}  // namespace

Nesting::Nesting(Parser& parser) : parser_(parser) {
  if (++parser_.nesting_ > kHeightMax) {
    parser_.refuse("nesting deeper than " + std::to_string(kHeightMax) + " levels");
  }
}

Nesting::~Nesting() {
  --parser_.nesting_;
}

const Token& Parser::peek(std::size_t ahead) const {
  return error_ ? tokens_.back() : tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token Parser::take() {
  Token token = peek();
  if (!error_ && at_ + 1 < tokens_.size()) {
    ++at_;
  }
  return token;
}

bool Parser::is_word(std::string_view word, std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kWord && equals_upper(token.text, word);
}

bool Parser::is_symbol(std::string_view symbol, std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kSymbol && token.text == symbol;
}

bool Parser::is_any_word(std::initializer_list<std::string_view> words, std::size_t ahead) const {
  return std::ranges::any_of(words, [&](auto word) { return is_word(word, ahead); });
}

bool Parser::accept_word(std::string_view word) {
  if (!is_word(word)) {
    return false;
  }
  take();
  return true;
}

bool Parser::accept_words(std::initializer_list<std::string_view> words) {
  std::size_t ahead = 0;
  for (const auto word : words) {
    if (!is_word(word, ahead++)) {
      return false;
    }
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    take();
  }
  return true;
}

bool Parser::accept_symbol(std::string_view symbol) {
  if (!is_symbol(symbol)) {
    return false;
  }
  take();
  return true;
}

void Parser::expect_word(std::string_view word) {
  if (!accept_word(word)) {
    syntax_error();
  }
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!accept_symbol(symbol)) {
    syntax_error();
  }
}

bool Parser::accept_close_angle() {
  if (!is_symbol(">") && !is_symbol(">>") && !is_symbol(">>>")) {
    return false;
  }
  if (++closed_ == peek().text.size()) {
    closed_ = 0;
    take();
  }
  return true;
}

void Parser::fail(SqlError error) {
  if (!error_) {
    error_ = std::move(error);
  }
}

void Parser::syntax_error() {
  if (error_) {
    return;
  }
  const Token& token = peek();
  const std::string near =
      token.kind == TokenKind::kEnd
          ? "end of input"
          : "'" + std::string(text_.substr(token.begin, token.end - token.begin)) + "'";
  fail(make_error("PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near " + near + ".",
                  Stage::kParse, place()));
}

void Parser::refuse(std::string_view what) {
  fail(unsupported(what, Stage::kParse, place()));
}

bool Parser::starts_identifier(std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kQuoted ||
         (token.kind == TokenKind::kWord && !is_stop(token.text));
}

// Any word: in places where nothing but a name can stand.
std::string Parser::identifier() {
  if (peek().kind != TokenKind::kQuoted && peek().kind != TokenKind::kWord) {
    syntax_error();
    return {};
  }
  return take().text;
}

std::string Parser::strict_identifier() {
  if (!starts_identifier()) {
    syntax_error();
    return {};
  }
  return take().text;
}

std::vector<std::string> Parser::name_path() {
  std::vector<std::string> path{strict_identifier()};
  while (accept_symbol(".")) {
    path.push_back(identifier());
  }
  return path;
}

std::vector<std::string> Parser::identifier_list() {
  std::vector<std::string> names;
  expect_symbol("(");
  do {
    names.push_back(identifier());
  } while (accept_symbol(","));
  expect_symbol(")");
  return names;
}

std::string Parser::string_literal() {
  if (peek().kind != TokenKind::kString) {
    syntax_error();
    return {};
  }
  std::string text;
  while (peek().kind == TokenKind::kString) {
    text += take().text;
  }
  return text;
}

void Parser::expect_end() {
  if (!at_end()) {
    syntax_error();
  }
}

bool Parser::skip_semicolons() {
  while (accept_symbol(";")) {
  }
  return !at_end();
}

void Parser::recover() {
  error_.reset();
  nesting_ = 0;
  closed_ = 0;
  while (!at_end() && !is_symbol(";")) {
    take();
  }
}

std::vector<SqlResult<Statement>> parse_statements_leniently(std::string_view text,
                                                             const std::string& file) {
  std::vector<SqlResult<Statement>> out;
  const auto tokens = tokenize(text, file);
  if (!tokens) {
    out.emplace_back(std::unexpected(tokens.error()));
    return out;
  }
  Parser parser(*tokens, text, file);
  while (parser.skip_semicolons()) {
    auto statement = parser.statement();
    if (parser.error()) {
      out.emplace_back(std::unexpected(*parser.error()));
      parser.recover();
    } else {
      out.emplace_back(std::move(*statement));
    }
  }
  return out;
}

SqlResult<std::vector<Statement>> parse_statements(std::string_view text, const std::string& file) {
  std::vector<Statement> out;
  for (auto& statement : parse_statements_leniently(text, file)) {
    if (!statement) {
      return std::unexpected(statement.error());
    }
    out.push_back(std::move(*statement));
  }
  return out;
}

}  // namespace sluice::sparksql
