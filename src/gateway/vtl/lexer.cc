#include "gateway/vtl/lexer.h"

#include <algorithm>

namespace sluice::gateway::vtl {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_newline(char c) {
  return c == '\n' || c == '\r';
}

// What a skipped token leaves: its '$' and '#', and backslashes that stand before a '$'.
std::string left_over(std::string_view image) {
  std::string out;
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (image[i] == '#' || image[i] == '$') out += image[i];
    if (image[i] != '\\') continue;
    std::size_t j = i;
    while (j < image.size() && image[j] == '\\')
      ++j;
    if (j < image.size() && image[j] == '$') {
      ++j;
      out += image.substr(i, j - i);
      i = j;
    }
  }
  return out;
}

}  // namespace

std::string Token::literal() const {
  if (kind == Tok::kMultiComment) return "";
  if (!has_special || special_is_comment) return image;
  return special + image;
}

bool Lexer::in(std::initializer_list<State> states) const {
  return std::find(states.begin(), states.end(), state_) != states.end();
}

void Lexer::push() {
  stack_.push_back({state_, left_, right_});
  left_ = 0;
}

bool Lexer::pop() {
  if (stack_.empty()) {
    left_ = 0;
    state_ = State::kDefault;
    return false;
  }
  const Saved s = stack_.back();
  stack_.pop_back();
  left_ = s.left;
  right_ = s.right;
  state_ = s.state;
  return true;
}

// Drops to the state below the one that has the open parenthesis.
void Lexer::close_paren() {
  if (in_comment_) return;
  for (;;) {
    if (left_ > 0) {
      if (left_ == right_ + 1) {
        pop();
      } else {
        ++right_;
      }
      return;
    }
    if (!pop()) return;
  }
}

bool Lexer::left_paren_follows() const {
  for (std::size_t i = at_; i < text_.size(); ++i) {
    if (text_[i] == '(') return true;
    if (!is_blank(text_[i]) && !is_newline(text_[i])) return false;
  }
  return false;
}

// `from` + blanks + one line end, or just `from` where no line end follows.
std::size_t Lexer::blank_line_end(std::size_t from) const {
  std::size_t i = from;
  while (is_blank(look(i)))
    ++i;
  if (at(i, "\r\n")) return i + 2;
  if (is_newline(look(i))) return i + 1;
  return from;
}

std::size_t Lexer::word_length(std::size_t from) const {
  const auto word = [&](std::size_t i, bool at_sign) -> std::size_t {
    if (!is_alpha(look(i)) && look(i) != '_' && !(at_sign && look(i) == '@')) return 0;
    std::size_t n = 1;
    while (is_alpha(look(i + n)) || is_digit(look(i + n)) || look(i + n) == '_' ||
           look(i + n) == '@') {
      ++n;
    }
    return n;
  };
  if (look(from) != '{') return word(from, true);
  const std::size_t n = word(from + 1, false);
  return n != 0 && look(from + 1 + n) == '}' ? n + 2 : 0;
}

std::size_t Lexer::string_length() const {
  const char quote = look(0);
  if (quote != '"' && quote != '\'') return 0;
  std::size_t closed = 0;
  for (std::size_t i = 1; at_ + i < text_.size(); ++i) {
    if (look(i) != quote) continue;
    closed = i + 1;
    if (look(i + 1) != quote) return closed;
    ++i;  // a doubled quote: goes on, if the text does
  }
  return closed;
}

std::size_t Lexer::integer_length() const {
  std::size_t i = look(0) == '-' ? 1 : 0;
  const std::size_t digits = i;
  while (is_digit(look(i)))
    ++i;
  if (i == digits) return 0;
  return at(i, "..") ? i + 2 : i;
}

std::size_t Lexer::float_length() const {
  std::size_t i = look(0) == '-' ? 1 : 0;
  const std::size_t start = i;
  while (is_digit(look(i)))
    ++i;
  const std::size_t whole = i - start;
  bool point = false;
  if (look(i) == '.') {
    std::size_t fraction = i + 1;
    while (is_digit(look(fraction)))
      ++fraction;
    if (whole > 0 || fraction > i + 1) {
      point = true;
      i = fraction;
    }
  }
  if (whole == 0 && !point) return 0;
  if (look(i) == 'e' || look(i) == 'E') {
    std::size_t exponent = i + 1;
    if (look(exponent) == '+' || look(exponent) == '-') ++exponent;
    if (is_digit(look(exponent))) {
      while (is_digit(look(exponent)))
        ++exponent;
      return exponent;
    }
  }
  return point ? i : 0;
}

void Lexer::match_brackets(Match& m) const {
  const char c = look(0);
  if (in({State::kReference, State::kRefModifier}) && c == '[') m.offer(Tok::kIndexLeft, 1);
  if (state_ == State::kRefIndex && c == ']') m.offer(Tok::kIndexRight, 1);
  if (in({State::kDirective, State::kRefMod2})) {
    if (c == '[') m.offer(Tok::kLeftBracket, 1);
    if (c == ']') m.offer(Tok::kRightBracket, 1);
    if (c == ',') m.offer(Tok::kComma, 1);
    if (at(0, "..")) m.offer(Tok::kDoubleDot, 2);
    if (c == ':') m.offer(Tok::kColon, 1);
    if (c == '{') m.offer(Tok::kLeftCurly, 1);
    if (c == '}') m.offer(Tok::kRightCurly, 1);
  }
  if (in({State::kDirective, State::kRefModifier}) && c == '(') m.offer(Tok::kLeftParen, 1);
  if (state_ == State::kDirective && c == ')') m.offer(Tok::kRightParen, blank_line_end(1));
  if (state_ == State::kRefMod2 && c == ')') m.offer(Tok::kMethodRightParen, 1);
}

void Lexer::match_more(Match& m) const {
  std::size_t slashes = 0;
  while (look(slashes) == '\\')
    ++slashes;
  if (look(slashes) == '$') {
    m.offer(Tok::kDollar, slashes + 1);
    std::size_t i = slashes + 1;
    while (look(i) == '\\')
      ++i;
    if (look(i) == '!') m.offer(Tok::kDollarBang, i + 1);
  }
  if (look(0) != '#') return;
  if (at(0, "#[[")) m.offer(Tok::kTextBlockStart, 3);
  if (at(0, "#**") && at_ + 3 < text_.size() && look(3) != '#')
    m.offer(Tok::kFormalCommentStart, 4);
  if (at(0, "#*")) m.offer(Tok::kMultiCommentStart, 2);
  m.offer(Tok::kHash, 1);
}

void Lexer::match_default(Match& m) const {
  if (state_ == State::kDefault && look(0) == '\\') {
    std::size_t slashes = 0;
    while (look(slashes) == '\\')
      ++slashes;
    if (slashes % 2 == 1 && look(slashes) == '#') {
      const std::size_t word = word_length(slashes + 1);
      if (word != 0) m.offer(Tok::kEscapeDirective, slashes + 1 + word);
    }
  }
  if (!in({State::kDefault, State::kReference, State::kRefModifier, State::kRefMod2})) return;
  std::size_t i = 0;
  while (is_blank(look(i)))
    ++i;
  if (at(i, "#set")) {
    i += 4;
  } else if (at(i, "#{set}")) {
    i += 6;
  } else {
    return;
  }
  while (look(i) == ' ')
    ++i;
  if (look(i) == '(') m.offer(Tok::kSetDirective, i + 1);
}

void Lexer::match_comment(Match& m) const {
  if (in({State::kDefault, State::kPreDirective, State::kDirective, State::kReference}) &&
      at(0, "##")) {
    m.offer(Tok::kLineCommentStart, 2);
  }
  if (state_ == State::kDefault) {
    if (at(0, "\\\\")) m.offer(Tok::kDoubleEscape, 2);
    if (look(0) == '\\') m.offer(Tok::kEscape, 1);
    const std::size_t end = text_.find_first_of("$#\\", at_);
    const std::size_t n = (end == std::string_view::npos ? text_.size() : end) - at_;
    if (n > 0) m.offer(Tok::kText, n);
  }
  if (state_ == State::kLineComment) {
    if (at(0, "\r\n")) m.offer(Tok::kLineComment, 2);
    if (is_newline(look(0))) m.offer(Tok::kLineComment, 1);
  }
  if (state_ == State::kFormalComment && at(0, "*#")) m.offer(Tok::kFormalComment, 2);
  if (state_ == State::kMultiComment && at(0, "*#")) m.offer(Tok::kMultiComment, 2);
  if (state_ == State::kTextBlock) {
    if (at(0, "]]#")) m.offer(Tok::kTextBlock, 3);
    m.offer(Tok::kMore, 1);
  }
  if (in({State::kLineComment, State::kFormalComment, State::kMultiComment}))
    m.offer(Tok::kSkip, 1);
}

void Lexer::match_literal(Match& m) const {
  if (in({State::kDirective, State::kRefMod2, State::kRefIndex})) {
    std::size_t n = 0;
    while (is_blank(look(n)) || is_newline(look(n)))
      ++n;
    if (n > 0) m.offer(Tok::kWhitespace, n);
    const std::size_t string = string_length();
    if (string > 0) m.offer(Tok::kString, string);
  }
  if (in({State::kReference, State::kDirective, State::kRefModifier, State::kRefMod2,
          State::kRefIndex})) {
    if (at(0, "true")) m.offer(Tok::kTrue, 4);
    if (at(0, "false")) m.offer(Tok::kFalse, 5);
  }
}

void Lexer::match_operator(Match& m) const {
  if (state_ != State::kDirective) return;
  struct Op {
    std::string_view text;
    Tok kind;
  };
  static constexpr Op kOps[] = {
      {"-", Tok::kMinus},         {"+", Tok::kPlus},          {"*", Tok::kMultiply},
      {"/", Tok::kDivide},        {"%", Tok::kModulus},       {"&&", Tok::kAnd},
      {"and", Tok::kAnd},         {"||", Tok::kOr},           {"or", Tok::kOr},
      {"<", Tok::kLess},          {"lt", Tok::kLess},         {"<=", Tok::kLessEqual},
      {"le", Tok::kLessEqual},    {">", Tok::kGreater},       {"gt", Tok::kGreater},
      {">=", Tok::kGreaterEqual}, {"ge", Tok::kGreaterEqual}, {"==", Tok::kEqual},
      {"eq", Tok::kEqual},        {"!=", Tok::kNotEqual},     {"ne", Tok::kNotEqual},
      {"!", Tok::kNot},           {"not", Tok::kNot},         {"=", Tok::kAssign},
  };
  for (const Op& op : kOps) {
    if (at(0, op.text)) m.offer(op.kind, op.text.size());
  }
}

void Lexer::match_keyword(Match& m) const {
  if (state_ == State::kPreDirective) {
    if (at(0, "end")) m.offer(Tok::kEnd, blank_line_end(3));
    if (at(0, "{end}")) m.offer(Tok::kEnd, blank_line_end(5));
    if (at(0, "if")) m.offer(Tok::kIf, 2);
    if (at(0, "{if}")) m.offer(Tok::kIf, 4);
    if (at(0, "elseif")) m.offer(Tok::kElseIf, 6);
    if (at(0, "{elseif}")) m.offer(Tok::kElseIf, 8);
    if (at(0, "else")) m.offer(Tok::kElse, blank_line_end(4));
    if (at(0, "{else}")) m.offer(Tok::kElse, blank_line_end(6));
  }
  if (in({State::kPreDirective, State::kDirective, State::kRefMod2, State::kRefIndex})) {
    const std::size_t integer = integer_length();
    if (integer > 0) m.offer(Tok::kInteger, integer);
    const std::size_t real = float_length();
    if (real > 0) m.offer(Tok::kFloat, real);
  }
  if (in({State::kPreDirective, State::kDirective})) {
    const std::size_t n = word_length(0);
    if (n > 0) m.offer(look(0) == '{' ? Tok::kBracketedWord : Tok::kWord, n);
  }
}

void Lexer::match_reference(Match& m) const {
  const char c = look(0);
  if (in({State::kReference, State::kRefModifier, State::kRefMod2})) {
    if (is_alpha(c) || c == '_') {
      std::size_t n = 1;
      while (is_alpha(look(n)) || is_digit(look(n)) || look(n) == '-' || look(n) == '_')
        ++n;
      m.offer(Tok::kIdentifier, n);
    }
    if (c == '.' && is_alpha(look(1))) m.offer(Tok::kDot, 2);
  }
  if (in({State::kReference, State::kRefModifier})) {
    if (c == '{') m.offer(Tok::kLeftBrace, 1);
    if (c == '}') m.offer(Tok::kRightBrace, 1);
    m.offer(Tok::kReferenceEnd, 1);
  }
  if (state_ == State::kPreDirective) m.offer(Tok::kDirectiveEnd, 1);
  if (in({State::kDefault, State::kReference})) {
    if (at(0, "$[") || at(0, "$.")) m.offer(Tok::kEmptyIndex, 2);
    if (at(0, "$![")) m.offer(Tok::kEmptyIndex, 3);
    if (at(0, "$\\![")) m.offer(Tok::kEmptyIndex, 4);
  }
}

// The longest match; of equals the first in the grammar's order.
Lexer::Match Lexer::match() const {
  Match m;
  match_brackets(m);
  match_default(m);
  match_more(m);
  match_comment(m);
  match_literal(m);
  match_operator(m);
  match_keyword(m);
  match_reference(m);
  return m;
}

void Lexer::act_more(Tok kind) {
  if (in_comment_) return;
  switch (kind) {
    case Tok::kDollar:
    case Tok::kDollarBang:
      if (state_ == State::kReference) pop();
      push();
      state_ = State::kReference;
      return;
    case Tok::kTextBlockStart:
      in_comment_ = true;
      push();
      state_ = State::kTextBlock;
      return;
    case Tok::kFormalCommentStart:
      --at_;
      in_comment_ = true;
      push();
      state_ = State::kFormalComment;
      return;
    case Tok::kMultiCommentStart:
      in_comment_ = true;
      push();
      state_ = State::kMultiComment;
      return;
    case Tok::kHash:
      if (state_ == State::kReference || state_ == State::kRefModifier) pop();
      push();
      state_ = State::kPreDirective;
      return;
    default:
      return;
  }
}

void Lexer::act_token(Tok kind) {
  switch (kind) {
    case Tok::kIndexLeft:
      push();
      state_ = State::kRefIndex;
      return;
    case Tok::kIndexRight:
    case Tok::kEnd:
    case Tok::kElse:
    case Tok::kRightBrace:
      pop();
      return;
    case Tok::kLeftParen:
      if (!in_comment_) ++left_;
      if (state_ == State::kRefModifier) state_ = State::kRefMod2;
      return;
    case Tok::kRightParen:
      close_paren();
      return;
    case Tok::kMethodRightParen:
      state_ = State::kReference;
      return;
    case Tok::kSetDirective:
      if (in_comment_) return;
      push();
      in_set_ = true;
      state_ = State::kDirective;
      ++left_;
      return;
    case Tok::kLineCommentStart:
      if (in_comment_) return;
      if (state_ == State::kReference) pop();
      in_comment_ = true;
      push();
      state_ = State::kLineComment;
      return;
    case Tok::kLineComment:
    case Tok::kFormalComment:
    case Tok::kMultiComment:
    case Tok::kTextBlock:
      in_comment_ = false;
      pop();
      return;
    case Tok::kString:
      if (state_ == State::kDirective && !in_set_ && left_ == 0) pop();
      return;
    case Tok::kIf:
    case Tok::kElseIf:
      state_ = State::kDirective;
      return;
    case Tok::kInteger:
      if (left_ == 0 && !in_set_ && state_ != State::kRefMod2 && state_ != State::kRefIndex) pop();
      return;
    case Tok::kFloat:
      if (left_ == 0 && !in_set_ && state_ != State::kRefMod2) pop();
      return;
    case Tok::kDot:
      state_ = State::kRefModifier;
      return;
    default:
      return;
  }
}

bool Lexer::next(Token& out) {
  out = Token();
  std::size_t begin = at_;
  bool partial = false;  // inside a token whose first part is read
  for (;;) {
    if (at_ >= text_.size()) {
      if (partial) return false;
      out.kind = Tok::kEof;
      out.at = static_cast<std::uint32_t>(at_);
      return true;
    }
    const Match m = match();
    if (m.kind == Tok::kNone) return false;
    at_ += m.length;
    switch (m.kind) {
      case Tok::kDollar:
      case Tok::kDollarBang:
      case Tok::kTextBlockStart:
      case Tok::kFormalCommentStart:
      case Tok::kMultiCommentStart:
      case Tok::kHash:
        act_more(m.kind);
        partial = true;
        continue;
      case Tok::kMore:
        partial = true;
        continue;
      case Tok::kSkip:
        begin = at_;
        partial = false;
        continue;
      case Tok::kReferenceEnd:
      case Tok::kDirectiveEnd: {
        const std::string_view image = text_.substr(begin, at_ - begin);
        out.special_is_comment = !out.has_special && image.starts_with("##");
        out.has_special = true;
        out.special += left_over(image);
        --at_;
        pop();
        begin = at_;
        partial = false;
        continue;
      }
      default:
        break;
    }
    out.kind = m.kind;
    out.at = static_cast<std::uint32_t>(begin);
    if (m.kind == Tok::kDot) --at_;
    if (m.kind == Tok::kInteger && m.length > 2 && text_[at_ - 1] == '.') at_ -= 2;
    out.image = std::string(text_.substr(begin, at_ - begin));
    act_token(m.kind);
    return true;
  }
}

}  // namespace sluice::gateway::vtl
