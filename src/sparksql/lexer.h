// Text → tokens as Spark's lexer cuts them (SqlBaseLexer.g4): identifiers may start with a digit,
// strings take ' and ", comments nest, numbers carry type suffixes. Called by the parser only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sparksql/sparksql.h"

namespace sluice::sparksql {

enum class TokenKind {
  kWord,        // identifier or keyword, as written
  kQuoted,      // `identifier`, unquoted
  kString,      // decoded
  kInteger,     // 12
  kLong,        // 12L; the text is without suffix
  kShort,       // 12S
  kByte,        // 12Y
  kDecimal,     // 1.5
  kExponent,    // 1e3: a double
  kDouble,      // 1.5D
  kFloat,       // 1.5F
  kBigDecimal,  // 1.5BD
  kSymbol,      // operators and punctuation
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::size_t begin = 0;  // byte offsets in the whole text
  std::size_t end = 0;
  int line = 1;
  int column = 1;  // in characters, from 1
};

// The last token is kEnd. Texts over 16 MiB are refused.
SqlResult<std::vector<Token>> tokenize(std::string_view text, const std::string& file);

// A SQL string's contents with its escapes resolved, as Spark's unescapeSQLString does.
std::string unescape_sql(std::string_view body);

}  // namespace sluice::sparksql
