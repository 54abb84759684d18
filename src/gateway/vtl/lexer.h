// Velocity 1.7's lexer. Its grammar depends on a stack of lexical states that tokens push and pop;
// the odd corners of the language (what ends a reference, which blanks a directive eats, "$foo{")
// all come from there, so the states are the same ones here. Tokens are made on demand: the parser
// may switch the state between two of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway::vtl {

enum class Tok : std::uint8_t {
  kNone,
  kEof,
  kIndexLeft,
  kIndexRight,
  kLeftBracket,
  kRightBracket,
  kComma,
  kDoubleDot,
  kColon,
  kLeftCurly,
  kRightCurly,
  kLeftParen,
  kRightParen,
  kMethodRightParen,
  kEscapeDirective,
  kSetDirective,
  kDollar,
  kDollarBang,
  kTextBlockStart,
  kFormalCommentStart,
  kMultiCommentStart,
  kHash,
  kLineCommentStart,
  kDoubleEscape,
  kEscape,
  kText,
  kLineComment,
  kFormalComment,
  kMultiComment,
  kTextBlock,
  kSkip,
  kMore,
  kWhitespace,
  kString,
  kTrue,
  kFalse,
  kMinus,
  kPlus,
  kMultiply,
  kDivide,
  kModulus,
  kAnd,
  kOr,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kNot,
  kAssign,
  kEnd,
  kIf,
  kElseIf,
  kElse,
  kInteger,
  kFloat,
  kWord,
  kBracketedWord,
  kIdentifier,
  kDot,
  kLeftBrace,   // of ${
  kRightBrace,  // of }
  kReferenceEnd,
  kDirectiveEnd,
  kEmptyIndex,
};

struct Token {
  Tok kind = Tok::kNone;
  std::string image;
  std::string special;  // what tokens skipped before this one leave to be printed
  bool has_special = false;
  bool special_is_comment = false;
  std::uint32_t at = 0;  // byte offset in the text

  // As Velocity prints a token that turned out to be text.
  std::string literal() const;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // False: no token fits at error_at().
  bool next(Token& out);
  std::uint32_t error_at() const { return static_cast<std::uint32_t>(at_); }

  // The parser's hands on the states, where the grammar has them.
  void enter_directive() { state_ = State::kDirective; }
  void leave_directive() { pop(); }
  void end_set() { in_set_ = false; }
  // Is the next character, blanks aside, a '('?
  bool left_paren_follows() const;

 private:
  enum class State : std::uint8_t {
    kDefault,
    kPreDirective,
    kDirective,
    kReference,
    kRefModifier,
    kRefMod2,
    kRefIndex,
    kLineComment,
    kFormalComment,
    kMultiComment,
    kTextBlock,
  };
  struct Saved {
    State state;
    int left;
    int right;
  };
  struct Match {
    Tok kind = Tok::kNone;
    std::size_t length = 0;
    void offer(Tok k, std::size_t n) {
      if (n > length) {
        kind = k;
        length = n;
      }
    }
  };

  char look(std::size_t i) const { return at_ + i < text_.size() ? text_[at_ + i] : '\0'; }
  bool at(std::size_t i, std::string_view word) const {
    return at_ + i <= text_.size() && text_.substr(at_ + i).starts_with(word);
  }
  bool in(std::initializer_list<State> states) const;

  void push();
  bool pop();
  void close_paren();

  Match match() const;
  void match_brackets(Match& m) const;
  void match_more(Match& m) const;
  void match_default(Match& m) const;
  void match_comment(Match& m) const;
  void match_literal(Match& m) const;
  void match_operator(Match& m) const;
  void match_keyword(Match& m) const;
  void match_reference(Match& m) const;
  std::size_t string_length() const;
  std::size_t integer_length() const;
  std::size_t float_length() const;
  std::size_t word_length(std::size_t from) const;
  std::size_t blank_line_end(std::size_t from) const;
  // True: the token is done.
  bool act(Match m, Token& out);
  void act_more(Tok kind);
  void act_token(Tok kind);

  std::string_view text_;
  std::size_t at_ = 0;
  State state_ = State::kDefault;
  std::vector<Saved> stack_;
  int left_ = 0;
  int right_ = 0;
  bool in_comment_ = false;
  bool in_set_ = false;
};

}  // namespace sluice::gateway::vtl
