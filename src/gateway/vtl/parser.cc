#include "gateway/vtl/parser.h"

#include <charconv>
#include <optional>
#include <unordered_set>

#include "gateway/value/decimal.h"
#include "gateway/value/utf.h"
#include "gateway/vtl/lexer.h"

namespace sluice::gateway::vtl {
namespace {

constexpr int kParseDepthMax = 100;

// Directives beside #if and #set. #evaluate is switched off on AWS, so it is a word like any other.
bool is_directive(std::string_view name) {
  static const std::unordered_set<std::string_view> names = {
      "foreach", "include", "parse", "macro", "literal", "break", "define", "stop"};
  return names.contains(name);
}

bool is_block_directive(std::string_view name) {
  return name == "foreach" || name == "macro" || name == "literal" || name == "define";
}

class Parser {
 public:
  Parser(Program& program, std::string_view text, std::uint32_t base, int depth)
      : program_(program), lexer_(text), base_(base), depth_(depth) {}

  std::optional<Node> run();
  std::uint32_t error_at() const { return error_at_; }
  const std::string& error() const { return error_; }

 private:
  struct Depth {
    explicit Depth(int& depth) : depth_(depth) { ++depth_; }
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    int& depth_;
  };

  // Tokens are read no further ahead than the grammar looks.
  const Token& peek(std::size_t ahead = 0);
  Tok kind(std::size_t ahead = 0) { return peek(ahead).kind; }
  Token take();
  bool accept(Tok k);
  bool expect(Tok k, const char* what);
  bool fail(std::string message);
  bool fail_at(std::uint32_t at, std::string message);
  void blanks() { accept(Tok::kWhitespace); }
  bool too_deep() { return depth_ > kParseDepthMax && !fail("nested too deeply"); }
  std::string images(std::size_t from, std::size_t to) const;
  std::string literals(std::size_t from, std::size_t to) const;

  bool statements(Node& block);
  bool statement(Node& block);
  bool text_statement(Node& block);
  bool is_reference_start();
  bool if_statement(Node& out);
  bool condition(Node& out);
  bool set_statement(Node& out);
  bool directive(Node& block);
  bool directive_arguments(std::string_view name, std::vector<Node>& arguments,
                           std::vector<bool>& words);
  bool directive_argument(Node& out, bool& word);
  bool foreach_node(Node& block, std::uint32_t at, std::vector<Node> arguments, Node body);
  bool escape(Node& block);
  std::string escaped_directive(const std::string& image) const;

  bool reference(Node& out);
  bool accesses(std::vector<Access>& out);
  bool indexes(std::vector<Access>& out);
  bool method_arguments(Access& access);
  bool name_reference(Reference& ref, std::size_t first, std::size_t last);

  bool expression(Node& out) { return or_expression(out); }
  bool or_expression(Node& out);
  bool and_expression(Node& out);
  bool equality(Node& out);
  bool relation(Node& out);
  bool sum(Node& out);
  bool product(Node& out);
  bool unary(Node& out);
  bool primary(Node& out);
  bool simple_value(Node& out, bool& found);
  bool parameter(Node& out);
  bool list_or_range(Node& out);
  bool range_end(Node& out);
  bool map(Node& out);
  bool string(Node& out, const Token& token);
  void number(Node& out, const Token& token);
  static Node binary(NodeType type, Node left, Node right, std::uint32_t at);

  void add_text(Node& block, std::string_view text, std::uint32_t at);
  Node constant(Value v, std::uint32_t at) const {
    Node n;
    n.type = NodeType::kConstant;
    n.constant = v;
    n.at = at;
    return n;
  }

  Program& program_;
  Lexer lexer_;
  std::uint32_t base_;  // where this text starts in the template
  int depth_;
  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  std::unordered_set<std::string> macros_;
  std::string error_;
  std::uint32_t error_at_ = 0;
};

const Token& Parser::peek(std::size_t ahead) {
  while (tokens_.size() <= position_ + ahead) {
    Token t;
    if (!tokens_.empty() && tokens_.back().kind == Tok::kEof) {
      t = tokens_.back();
    } else if (!lexer_.next(t)) {
      t = Token();
      t.at = lexer_.error_at();
      if (error_.empty()) {
        error_ = "unexpected character or end of the template";
        error_at_ = base_ + t.at;
      }
    }
    tokens_.push_back(std::move(t));
  }
  return tokens_[position_ + ahead];
}

Token Parser::take() {
  peek();
  return tokens_[position_++];
}

bool Parser::accept(Tok k) {
  if (kind() != k) return false;
  ++position_;
  return true;
}

bool Parser::fail_at(std::uint32_t at, std::string message) {
  if (error_.empty()) {
    error_ = std::move(message);
    error_at_ = at;
  }
  return false;
}

bool Parser::fail(std::string message) {
  return fail_at(base_ + peek().at, std::move(message));
}

bool Parser::expect(Tok k, const char* what) {
  if (accept(k)) return true;
  const Token& t = peek();
  return fail("expected " + std::string(what) + ", found " +
              (t.kind == Tok::kEof ? "the end of the template" : "'" + t.image + "'"));
}

std::string Parser::images(std::size_t from, std::size_t to) const {
  std::string out;
  for (std::size_t i = from; i < to; ++i)
    out += tokens_[i].image;
  return out;
}

std::string Parser::literals(std::size_t from, std::size_t to) const {
  std::string out;
  for (std::size_t i = from; i < to; ++i)
    out += tokens_[i].literal();
  return out;
}

void Parser::add_text(Node& block, std::string_view text, std::uint32_t at) {
  if (text.empty()) return;
  if (!block.children.empty() && block.children.back().type == NodeType::kText) {
    Node& last = block.children.back();
    last.constant = Value::of(program_.keep(std::string(last.constant.text()) + std::string(text)));
    return;
  }
  Node n;
  n.type = NodeType::kText;
  n.at = base_ + at;
  n.constant = Value::of(program_.keep(std::string(text)));
  block.children.push_back(std::move(n));
}

std::optional<Node> Parser::run() {
  Node root;
  root.type = NodeType::kBlock;
  root.at = base_;
  if (!statements(root)) return std::nullopt;
  if (kind() != Tok::kEof) {
    fail("unexpected '" + peek().image + "'");
    return std::nullopt;
  }
  if (!error_.empty()) return std::nullopt;
  return root;
}

bool Parser::statements(Node& block) {
  const Depth depth(depth_);
  if (too_deep()) return false;
  for (;;) {
    switch (kind()) {
      case Tok::kEof:
      case Tok::kEnd:
      case Tok::kElse:
      case Tok::kElseIf:
      case Tok::kNone:
        return error_.empty();
      default:
        break;
    }
    if (!statement(block)) return false;
  }
}

bool Parser::is_reference_start() {
  return kind() == Tok::kIdentifier || (kind() == Tok::kLeftBrace && kind(1) == Tok::kIdentifier);
}

bool Parser::statement(Node& block) {
  switch (kind()) {
    case Tok::kIf: {
      Node n;
      if (!if_statement(n)) return false;
      block.children.push_back(std::move(n));
      return true;
    }
    case Tok::kSetDirective: {
      Node n;
      if (!set_statement(n)) return false;
      block.children.push_back(std::move(n));
      return true;
    }
    case Tok::kWord:
    case Tok::kBracketedWord:
      return directive(block);
    default:
      break;
  }
  if (is_reference_start()) {
    Node n;
    if (!reference(n)) return false;
    block.children.push_back(std::move(n));
    return true;
  }
  return text_statement(block);
}

bool Parser::text_statement(Node& block) {
  switch (kind()) {
    case Tok::kLineCommentStart: {
      const Token t = take();
      add_text(block, std::string_view(t.image).substr(0, t.image.find("##")), t.at);
      accept(Tok::kLineComment);
      return true;
    }
    case Tok::kMultiComment:
    case Tok::kFormalComment: {
      const Token t = take();
      const std::size_t start = t.image.find("#*");
      if (start != std::string::npos)
        add_text(block, std::string_view(t.image).substr(0, start), t.at);
      return true;
    }
    case Tok::kTextBlock: {
      const Token t = take();
      add_text(block, std::string_view(t.image).substr(3, t.image.size() - 6), t.at);
      return true;
    }
    case Tok::kEscapeDirective: {
      const Token t = take();
      // As Velocity: #literal, too, shows it without its backslash.
      Token& kept = tokens_[position_ - 1];
      kept.image = escaped_directive(t.image);
      add_text(block, kept.image, t.at);
      return true;
    }
    case Tok::kDoubleEscape:
      return escape(block);
    case Tok::kText:
    case Tok::kDot:
    case Tok::kRightParen:
    case Tok::kLeftParen:
    case Tok::kInteger:
    case Tok::kFloat:
    case Tok::kString:
    case Tok::kEscape:
    case Tok::kLeftBrace:
    case Tok::kRightBrace:
    case Tok::kEmptyIndex: {
      const Token t = take();
      add_text(block, t.literal(), t.at);
      return true;
    }
    default:
      return fail("unexpected '" + peek().image + "'");
  }
}

// \#if prints #if, \\#if a backslash and the directive; what is no directive keeps its backslashes.
std::string Parser::escaped_directive(const std::string& image) const {
  const std::size_t last = image.rfind('\\');
  const std::string directive = image.substr(last + 1);
  std::string name = directive.substr(1);
  if (name.front() == '{') name = name.substr(1, name.size() - 2);
  if (is_directive(name) || macros_.contains(name) || name == "if" || name == "end" ||
      name == "set" || name == "else" || name == "elseif") {
    return image.substr(0, last / 2) + directive;
  }
  return image;
}

bool Parser::escape(Node& block) {
  std::size_t count = 0;
  std::uint32_t at = peek().at;
  while (accept(Tok::kDoubleEscape))
    ++count;
  const Token& next = peek();
  const std::string name = next.image.empty() ? "" : next.image.substr(1);
  const bool control = next.kind == Tok::kIf || next.kind == Tok::kElse ||
                       next.kind == Tok::kElseIf || next.kind == Tok::kEnd || is_directive(name) ||
                       macros_.contains(name);
  add_text(block, std::string(control ? count : 2 * count, '\\'), at);
  return true;
}

bool Parser::condition(Node& out) {
  blanks();
  if (!expect(Tok::kLeftParen, "'('")) return false;
  Node group;
  group.type = NodeType::kGroup;
  group.at = base_ + peek().at;
  group.children.emplace_back();
  if (!expression(group.children.back())) return false;
  if (!expect(Tok::kRightParen, "')'")) return false;
  out = std::move(group);
  return true;
}

bool Parser::if_statement(Node& out) {
  out.type = NodeType::kIf;
  out.at = base_ + take().at;
  const auto block = [&] {
    Node n;
    n.type = NodeType::kBlock;
    const bool good = statements(n);
    out.children.push_back(std::move(n));
    return good;
  };
  do {
    out.children.emplace_back();
    if (!condition(out.children.back())) return false;
    if (!block()) return false;
  } while (accept(Tok::kElseIf));
  if (accept(Tok::kElse) && !block()) return false;
  return expect(Tok::kEnd, "#end");
}

bool Parser::set_statement(Node& out) {
  out.type = NodeType::kSet;
  out.at = base_ + take().at;
  out.children.resize(2);
  blanks();
  if (!is_reference_start()) return fail("#set takes a reference on its left side");
  if (!reference(out.children[0])) return false;
  blanks();
  if (!expect(Tok::kAssign, "'='")) return false;
  if (!expression(out.children[1])) return false;
  if (!expect(Tok::kRightParen, "')'")) return false;
  lexer_.end_set();
  return true;
}

bool Parser::directive_argument(Node& out, bool& word) {
  word = false;
  if (is_reference_start()) return reference(out);
  if (kind() == Tok::kWord) {
    const Token t = take();
    word = true;
    out = constant(Value::of(program_.keep(t.image)), base_ + t.at);
    return true;
  }
  bool found = false;
  if (!simple_value(out, found)) return false;
  return found || fail("unexpected '" + peek().image + "' in the arguments of a directive");
}

bool Parser::directive_arguments(std::string_view name, std::vector<Node>& arguments,
                                 std::vector<bool>& words) {
  blanks();
  if (!expect(Tok::kLeftParen, "'('")) return false;
  for (;;) {
    blanks();
    if (accept(Tok::kRightParen)) return true;
    if (accept(Tok::kComma)) blanks();
    Node n;
    bool word = false;
    if (!directive_argument(n, word)) return false;
    const std::size_t at = arguments.size();
    if (word && is_directive(name) && !(name == "macro" && at == 0) &&
        !(name == "foreach" && at == 1)) {
      return fail_at(n.at, "a word where a value is expected, in #" + std::string(name));
    }
    if (!word && name == "macro" && at == 0) {
      return fail_at(n.at, "the first argument of #macro is its name");
    }
    arguments.push_back(std::move(n));
    words.push_back(word);
  }
}

bool Parser::foreach_node(Node& block, std::uint32_t at, std::vector<Node> arguments, Node body) {
  if (arguments.size() < 2) return fail_at(at, "#foreach is written #foreach($item in $list)");
  // As Velocity: what stands in the place of 'in' is not looked at; without a list nothing is run
  // over.
  if (arguments.size() == 2) return true;
  Node n;
  n.type = NodeType::kForeach;
  n.at = at;
  n.slot = arguments[0].type == NodeType::kReference ? arguments[0].reference->slot
                                                     : program_.slot("'no reference'");
  n.children.push_back(std::move(arguments[2]));
  n.children.push_back(std::move(body));
  block.children.push_back(std::move(n));
  return true;
}

bool Parser::directive(Node& block) {
  const std::size_t first = position_;
  const Token t = take();
  const std::uint32_t at = base_ + t.at;
  // As Velocity cuts it: where a '$' stands before the '#', this is no directive's name.
  const bool bracketed = t.kind == Tok::kBracketedWord;
  const std::string name = bracketed ? t.image.substr(2, t.image.size() - 3) : t.image.substr(1);
  lexer_.enter_directive();
  if (!lexer_.left_paren_follows()) {
    if (name == "macro") return fail_at(at, "#macro takes a name");
    lexer_.leave_directive();
    if (name == "stop" || name == "break") {
      Node n;
      n.type = name == "stop" ? NodeType::kStop : NodeType::kBreak;
      n.at = at;
      block.children.push_back(std::move(n));
      return true;
    }
    if (is_directive(name)) return fail_at(at, "#" + name + " takes arguments");
    add_text(block, name.starts_with('@') ? "#" + name : t.image, t.at);
    return true;
  }
  std::vector<Node> arguments;
  std::vector<bool> words;
  if (!directive_arguments(name, arguments, words)) return false;
  const bool block_call = name.starts_with('@');
  if (!block_call && !is_block_directive(name)) {
    if (name == "stop" || name == "break") {
      Node n;
      n.type = name == "stop" ? NodeType::kStop : NodeType::kBreak;
      n.at = at;
      if (arguments.size() > 1) return fail_at(at, "#" + name + " takes one argument at most");
      n.children = std::move(arguments);
      block.children.push_back(std::move(n));
      return true;
    }
    if (is_directive(name)) {
      Node n;
      n.type = NodeType::kRefused;
      n.at = at;
      n.constant = Value::of(program_.keep("#" + name + " is not available"));
      block.children.push_back(std::move(n));
      return true;
    }
    add_text(block, images(first, position_), t.at);
    return true;
  }
  Node body;
  body.type = NodeType::kBlock;
  body.at = at;
  const std::size_t body_from = position_;
  if (!statements(body)) return false;
  const std::size_t body_to = position_;
  if (!expect(Tok::kEnd, "#end")) return false;
  if (block_call) {
    add_text(block, images(first, position_), t.at);
  } else if (name == "macro") {
    if (arguments.empty()) return fail_at(at, "#macro takes a name");
    macros_.insert(std::string(arguments[0].constant.text()));
  } else if (name == "literal") {
    add_text(block, literals(body_from, body_to), t.at);
  } else if (name == "define") {
    if (arguments.size() != 1 || arguments[0].type != NodeType::kReference) {
      return fail_at(at, "#define is written #define($name)");
    }
    if (!arguments[0].reference->plain) return true;
    Node n;
    n.type = NodeType::kDefine;
    n.at = at;
    n.slot = arguments[0].reference->slot;
    n.children.push_back(std::move(body));
    block.children.push_back(std::move(n));
  } else {
    return foreach_node(block, at, std::move(arguments), std::move(body));
  }
  return true;
}

bool Parser::indexes(std::vector<Access>& out) {
  while (kind() == Tok::kIndexLeft) {
    Access a;
    a.type = Access::Type::kIndex;
    a.at = base_ + take().at;
    blanks();
    Node n;
    const Token& t = peek();
    if (t.kind == Tok::kString) {
      if (!string(n, take())) return false;
    } else if (t.kind == Tok::kInteger) {
      number(n, take());
    } else if (t.kind == Tok::kTrue || t.kind == Tok::kFalse) {
      n = constant(Value::of(t.kind == Tok::kTrue), base_ + t.at);
      take();
    } else if (is_reference_start()) {
      if (!reference(n)) return false;
    } else {
      return fail("an index is a string, a whole number, true, false or a reference");
    }
    a.arguments.push_back(std::move(n));
    blanks();
    if (!expect(Tok::kIndexRight, "']'")) return false;
    out.push_back(std::move(a));
  }
  return true;
}

bool Parser::method_arguments(Access& access) {
  take();  // (
  if (accept(Tok::kMethodRightParen)) return true;
  do {
    access.arguments.emplace_back();
    if (!parameter(access.arguments.back())) return false;
  } while (accept(Tok::kComma));
  return expect(Tok::kMethodRightParen, "')'");
}

bool Parser::accesses(std::vector<Access>& out) {
  if (!indexes(out)) return false;
  while (kind() == Tok::kDot && kind(1) == Tok::kIdentifier) {
    take();
    Access a;
    const Token name = take();
    a.name = name.image;
    a.at = base_ + name.at;
    bool method = kind() == Tok::kLeftParen;
    if (method) {
      // A third token that cannot open an argument makes it a property after all.
      switch (kind(1)) {
        case Tok::kMethodRightParen:
        case Tok::kWhitespace:
        case Tok::kString:
        case Tok::kInteger:
        case Tok::kFloat:
        case Tok::kLeftBracket:
        case Tok::kLeftCurly:
        case Tok::kTrue:
        case Tok::kFalse:
        case Tok::kIdentifier:
        case Tok::kLeftBrace:
          break;
        default:
          method = false;
      }
    }
    if (method) {
      a.type = Access::Type::kMethod;
      a.method = find_method(a.name);
      if (!method_arguments(a)) return false;
      if ((a.method == Method::k_json || a.method == Method::k_path) && a.arguments.size() == 1 &&
          a.arguments[0].type == NodeType::kConstant && a.arguments[0].constant.is_string()) {
        auto path = jsonpath::Path::compile(a.arguments[0].constant.text());
        if (path) a.path = std::make_unique<jsonpath::Path>(std::move(*path));
      }
    }
    out.push_back(std::move(a));
    if (!indexes(out)) return false;
  }
  return true;
}

// What the first token says of a reference: its name, backslashes, '!' and what stands before it.
bool Parser::name_reference(Reference& ref, std::size_t first, std::size_t last) {
  Token& t = tokens_[first];
  std::string& image = t.image;
  std::string name;
  if (image.find("\\!") != std::string::npos) {
    // $\!x: one backslash less, and no reference.
    std::size_t start = image.find('$');
    while (start < image.size() && image[start] != '\\')
      ++start;
    std::size_t count = 0;
    while (start + count < image.size() && image[start + count] == '\\')
      ++count;
    ref.computable = false;
    ref.null_text = image.substr(0, start + count - 1) + image.substr(start + count);
    ref.slot = program_.slot(ref.null_text);
    return true;
  }
  std::size_t slashes = 0;
  while (slashes < image.size() && image[slashes] == '\\')
    ++slashes;
  ref.escaped = slashes % 2 != 0;
  ref.escape = std::string(slashes / 2, '\\');
  image = image.substr(slashes);
  const std::size_t dollar = image.rfind('$');
  if (dollar != std::string::npos && dollar > 0) {
    ref.prefix = image.substr(0, dollar);
    image = image.substr(dollar);
  }
  ref.null_text = literals(first, last);
  ref.plain = image != "${" && !image.starts_with("$!");
  if (image.starts_with("$!")) {
    if (!ref.escaped) ref.null_text.clear();
    name = image.starts_with("$!{") ? tokens_[first + 1].image : image.substr(2);
  } else if (image == "${") {
    name = tokens_[first + 1].image;
  } else if (image.starts_with("$")) {
    name = image.substr(1);
  } else {
    ref.bare = true;
    ref.null_text = image;
    return true;
  }
  ref.slot = program_.slot(name);
  return true;
}

bool Parser::reference(Node& out) {
  const Depth depth(depth_);
  if (too_deep()) return false;
  out.type = NodeType::kReference;
  out.at = base_ + peek().at;
  out.reference = std::make_unique<Reference>();
  const std::size_t first = position_;
  const bool braced = accept(Tok::kLeftBrace);
  if (!expect(Tok::kIdentifier, "a name")) return false;
  if (!accesses(out.reference->accesses)) return false;
  if (braced && !expect(Tok::kRightBrace, "'}'")) return false;
  const std::string written = literals(first, position_);
  out.literal = program_.keep(written);
  return name_reference(*out.reference, first, position_);
}

Node Parser::binary(NodeType type, Node left, Node right, std::uint32_t at) {
  Node n;
  n.type = type;
  n.at = at;
  n.children.push_back(std::move(left));
  n.children.push_back(std::move(right));
  return n;
}

bool Parser::or_expression(Node& out) {
  const Depth depth(depth_);
  if (too_deep()) return false;
  if (!and_expression(out)) return false;
  while (kind() == Tok::kOr) {
    const std::uint32_t at = base_ + take().at;
    Node right;
    if (!and_expression(right)) return false;
    out = binary(NodeType::kOr, std::move(out), std::move(right), at);
  }
  return true;
}

bool Parser::and_expression(Node& out) {
  if (!equality(out)) return false;
  while (kind() == Tok::kAnd) {
    const std::uint32_t at = base_ + take().at;
    Node right;
    if (!equality(right)) return false;
    out = binary(NodeType::kAnd, std::move(out), std::move(right), at);
  }
  return true;
}

bool Parser::equality(Node& out) {
  if (!relation(out)) return false;
  while (kind() == Tok::kEqual || kind() == Tok::kNotEqual) {
    const Token op = take();
    Node right;
    if (!relation(right)) return false;
    out = binary(op.kind == Tok::kEqual ? NodeType::kEqual : NodeType::kNotEqual, std::move(out),
                 std::move(right), base_ + op.at);
  }
  return true;
}

bool Parser::relation(Node& out) {
  if (!sum(out)) return false;
  for (;;) {
    NodeType type;
    switch (kind()) {
      case Tok::kLess:
        type = NodeType::kLess;
        break;
      case Tok::kGreater:
        type = NodeType::kGreater;
        break;
      case Tok::kLessEqual:
        type = NodeType::kLessEqual;
        break;
      case Tok::kGreaterEqual:
        type = NodeType::kGreaterEqual;
        break;
      default:
        return true;
    }
    const std::uint32_t at = base_ + take().at;
    Node right;
    if (!sum(right)) return false;
    out = binary(type, std::move(out), std::move(right), at);
  }
}

bool Parser::sum(Node& out) {
  const std::size_t from = position_;
  if (!product(out)) return false;
  if (out.literal.empty()) out.literal = program_.keep(literals(from, position_));
  while (kind() == Tok::kPlus || kind() == Tok::kMinus) {
    const Token op = take();
    Node right;
    const std::size_t right_from = position_;
    if (!product(right)) return false;
    if (right.literal.empty()) right.literal = program_.keep(literals(right_from, position_));
    out = binary(op.kind == Tok::kPlus ? NodeType::kAdd : NodeType::kSubtract, std::move(out),
                 std::move(right), base_ + op.at);
    // Velocity's nodes begin at their right operand.
    out.literal = program_.keep(literals(right_from, position_));
  }
  return true;
}

bool Parser::product(Node& out) {
  if (!unary(out)) return false;
  for (;;) {
    NodeType type;
    switch (kind()) {
      case Tok::kMultiply:
        type = NodeType::kMultiply;
        break;
      case Tok::kDivide:
        type = NodeType::kDivide;
        break;
      case Tok::kModulus:
        type = NodeType::kModulo;
        break;
      default:
        return true;
    }
    const std::uint32_t at = base_ + take().at;
    Node right;
    const std::size_t right_from = position_;
    if (!unary(right)) return false;
    out = binary(type, std::move(out), std::move(right), at);
    out.literal = program_.keep(literals(right_from, position_));
  }
}

bool Parser::unary(Node& out) {
  const bool blank = kind() == Tok::kWhitespace;
  if (kind() != Tok::kNot && !(blank && kind(1) == Tok::kNot)) return primary(out);
  const Depth depth(depth_);
  if (too_deep()) return false;
  blanks();
  const std::uint32_t at = base_ + take().at;
  Node operand;
  if (!unary(operand)) return false;
  out = Node();
  out.type = NodeType::kNot;
  out.at = at;
  out.children.push_back(std::move(operand));
  return true;
}

bool Parser::primary(Node& out) {
  blanks();
  if (kind() == Tok::kLeftParen) {
    out.type = NodeType::kGroup;
    out.at = base_ + take().at;
    out.children.emplace_back();
    const std::size_t from = position_;
    if (!expression(out.children.back())) return false;
    out.literal = program_.keep(literals(from, position_));
    if (!expect(Tok::kRightParen, "')'")) return false;
    blanks();
    return true;
  }
  if (is_reference_start()) {
    if (!reference(out)) return false;
  } else {
    bool found = false;
    if (!simple_value(out, found)) return false;
    if (!found) return expect(Tok::kString, "a value");
  }
  blanks();
  return true;
}

bool Parser::parameter(Node& out) {
  blanks();
  if (is_reference_start()) {
    if (!reference(out)) return false;
  } else {
    bool found = false;
    if (!simple_value(out, found)) return false;
    if (!found) return expect(Tok::kString, "a value");
  }
  blanks();
  return true;
}

// Anything but a reference, a word or a group.
bool Parser::simple_value(Node& out, bool& found) {
  found = true;
  switch (kind()) {
    case Tok::kString:
      return string(out, take());
    case Tok::kInteger:
    case Tok::kFloat:
      if (peek().image.starts_with('#')) return fail("'" + peek().image + "' is no number");
      number(out, take());
      return true;
    case Tok::kTrue:
    case Tok::kFalse: {
      const Token t = take();
      out = constant(Value::of(t.kind == Tok::kTrue), base_ + t.at);
      return true;
    }
    case Tok::kLeftBracket:
      return list_or_range(out);
    case Tok::kLeftCurly:
      return map(out);
    default:
      found = false;
      return true;
  }
}

bool Parser::range_end(Node& out) {
  blanks();
  if (kind() == Tok::kInteger) {
    number(out, take());
  } else if (is_reference_start()) {
    if (!reference(out)) return false;
  } else {
    return fail("a range runs between whole numbers or references");
  }
  blanks();
  return true;
}

// [a..b] or [a, b]: what follows the first element tells them apart.
bool Parser::list_or_range(Node& out) {
  const Depth depth(depth_);
  if (too_deep()) return false;
  out.type = NodeType::kList;
  out.at = base_ + take().at;
  if (accept(Tok::kRightBracket)) return true;
  do {
    out.children.emplace_back();
    const bool may_be_range = out.children.size() == 1;
    if (!parameter(out.children.back())) return false;
    const NodeType first = out.children.back().type;
    if (may_be_range && kind() == Tok::kDoubleDot &&
        (first == NodeType::kReference || out.children.back().constant.is_integral())) {
      take();
      out.type = NodeType::kRange;
      out.children.emplace_back();
      return range_end(out.children.back()) && expect(Tok::kRightBracket, "']'");
    }
  } while (accept(Tok::kComma));
  return expect(Tok::kRightBracket, "']'");
}

bool Parser::map(Node& out) {
  const Depth depth(depth_);
  if (too_deep()) return false;
  out.type = NodeType::kMap;
  out.at = base_ + take().at;
  const auto end = [&] { return accept(Tok::kRightCurly) || accept(Tok::kRightBrace); };
  if (kind() == Tok::kWhitespace && (kind(1) == Tok::kRightCurly || kind(1) == Tok::kRightBrace)) {
    take();
  }
  if (end()) return true;
  do {
    out.children.emplace_back();
    if (!parameter(out.children.back())) return false;
    if (!expect(Tok::kColon, "':'")) return false;
    out.children.emplace_back();
    if (!parameter(out.children.back())) return false;
  } while (accept(Tok::kComma));
  return end() || expect(Tok::kRightCurly, "'}'");
}

void Parser::number(Node& out, const Token& token) {
  out = constant(Value::null(), base_ + token.at);
  Arena unused(0);
  if (token.kind == Tok::kInteger) {
    Value v = read_integer(unused, token.image);
    if (v.kind == Kind::kBigInteger) {
      v = Value::of(program_.keep(std::string(v.text())), Kind::kBigInteger);
    }
    out.constant = v;
  } else {
    out.constant = Value::of(std::strtod(token.image.c_str(), nullptr));
  }
  out.literal = program_.keep(token.literal());
}

// \uXXXX in a double-quoted string.
bool unescape(std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!std::string_view(text).substr(i).starts_with("\\u")) {
      out += text[i];
      continue;
    }
    unsigned code = 0;
    if (i + 6 > text.size()) return false;
    const auto end = std::from_chars(text.data() + i + 2, text.data() + i + 6, code, 16);
    if (end.ec != std::errc() || end.ptr != text.data() + i + 6) return false;
    append_utf8(out, code);
    i += 5;
  }
  text = std::move(out);
  return true;
}

bool Parser::string(Node& out, const Token& token) {
  const char quote = token.image.front();
  std::string text = token.image.substr(1, token.image.size() - 2);
  const bool interpolate = quote == '"' && token.image.find_first_of("$#") != std::string::npos;
  if (quote == '"' && !unescape(text)) return fail_at(base_ + token.at, "a broken \\u escape");
  std::string single;
  for (std::size_t i = 0; i < text.size(); ++i) {
    single += text[i];
    if (text[i] == quote && i + 1 < text.size() && text[i + 1] == quote) ++i;
  }
  if (!interpolate) {
    out = constant(Value::of(program_.keep(std::move(single))), base_ + token.at);
    out.literal = program_.keep(token.literal());
    return true;
  }
  out = Node();
  out.type = NodeType::kInterpolated;
  out.at = base_ + token.at;
  out.literal = program_.keep(token.literal());
  out.interpolates_comment = single.find("##") != std::string::npos;
  if (!out.interpolates_comment) single += ' ';
  if (depth_ > kParseDepthMax) return fail("nested too deeply");
  Parser inner(program_, single, base_ + token.at + 1, depth_ + 1);
  inner.macros_ = macros_;
  std::optional<Node> root = inner.run();
  if (!root) return fail_at(inner.error_at(), "in a string: " + inner.error());
  out.children.push_back(std::move(*root));
  return true;
}

}  // namespace

Program::Program() {
  for (const char* name : {"input", "util", "context", "stageVariables", "foreach", "velocityCount",
                           "velocityHasNext"}) {
    slots.emplace(name, static_cast<std::uint32_t>(slots.size()));
  }
  used.resize(kFixedSlots);
}

std::uint32_t Program::slot(const std::string& name) {
  const auto [found, added] = slots.emplace(name, static_cast<std::uint32_t>(slots.size()));
  if (added) used.push_back(false);
  used[found->second] = true;
  return found->second;
}

std::string_view Program::keep(std::string text_) {
  storage.push_back(std::move(text_));
  return storage.back();
}

void locate(std::string_view text, std::size_t at, int& line, int& column) {
  line = 1;
  column = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
}

std::expected<std::unique_ptr<Program>, TemplateFailure> parse(std::string text) {
  auto program = std::make_unique<Program>();
  program->text = std::move(text);
  Parser parser(*program, program->text, 0, 0);
  std::optional<Node> root = parser.run();
  if (!root) {
    TemplateFailure failure;
    failure.message = parser.error();
    locate(program->text, parser.error_at(), failure.line, failure.column);
    return std::unexpected(std::move(failure));
  }
  program->root = std::move(*root);
  return program;
}

}  // namespace sluice::gateway::vtl
