// Text -> steps. Accepts what Jayway accepts: $ or @ or nothing in front, .name, ['name'], [0],
// [0,1], [a:b], *, .., [?(filter)], and functions at the end.
#include <charconv>

#include "gateway/jsonpath/filter.h"
#include "gateway/jsonpath/jsonpath.h"
#include "gateway/value/decimal.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway::jsonpath {
namespace {

constexpr std::size_t kPathBytesMax = 64 << 10;
constexpr std::size_t kStepsMax = 1000;
constexpr int kNestingMax = 20;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && is_space(s.back()))
    s.remove_suffix(1);
  return s;
}

}  // namespace

class Compiler {
 public:
  Compiler(std::string_view text, int nesting) : text_(trim(text)), nesting_(nesting) {}

  PathResult<Path> run();

 private:
  using Status = PathResult<void>;

  PathResult<Path> bad(const std::string& what) const { return fail(what); }
  std::unexpected<base::Failure<PathError>> fail(const std::string& what) const {
    return base::fail(PathError::kSyntax, what + " at character " + std::to_string(at_ + 1) +
                                              " of the path '" + std::string(text_) + "'");
  }
  char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ >= text_.size(); }
  void blanks() {
    while (is_space(now()))
      ++at_;
  }
  std::size_t bracket_end() const;
  void add(Step step) { path_.steps_.push_back(std::move(step)); }

  Status dotted();
  Status name();
  Status bracket();
  Status quoted_names(std::string_view inside);
  Status numbers(std::string_view inside);
  Status filter(std::string_view inside);
  Status function(std::string_view word, std::string_view arguments);

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_;
  Path path_;
};

// Of the bracket that opens at at_, quotes and nested brackets passed over.
std::size_t Compiler::bracket_end() const {
  int depth = 0;
  char quote = '\0';
  for (std::size_t i = at_; i < text_.size(); ++i) {
    const char c = text_[i];
    if (quote != '\0') {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if ((c == ']' || c == ')') && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

PathResult<Path> Compiler::run() {
  if (text_.empty()) return bad("an empty path");
  if (text_.size() > kPathBytesMax) return bad("a path of more than 64 KiB");
  if (nesting_ > kNestingMax) return bad("filters nested too deeply");
  if (now() == '$' || now() == '@') {
    path_.from_current_ = now() == '@';
    ++at_;
  } else if (now() != '[') {
    // Jayway puts "$." in front: '.a' becomes '$..a'.
    if (auto s = dotted(); !s) return std::unexpected(s.error());
  }
  while (!done()) {
    if (path_.steps_.size() >= kStepsMax) return bad("a path of more than 1000 steps");
    Status s;
    if (now() == '[') {
      s = bracket();
    } else if (now() == '.') {
      ++at_;
      s = dotted();
    } else if (text_[at_ - 1] == ']') {
      s = name();
    } else {
      return bad("expected '.' or '['");
    }
    if (!s) return std::unexpected(s.error());
  }
  if (!path_.steps_.empty() && path_.steps_.back().type == Step::Type::kDescend) {
    return bad("nothing follows '..'");
  }
  for (const Step& step : path_.steps_) {
    switch (step.type) {
      case Step::Type::kNames:
        if (step.names.size() > 1 && &step != &path_.steps_.back()) path_.definite_ = false;
        break;
      case Step::Type::kIndexes:
        if (step.numbers.size() > 1) path_.definite_ = false;
        break;
      case Step::Type::kFunction:
        path_.definite_ = true;
        break;
      default:
        path_.definite_ = false;
    }
  }
  return std::move(path_);
}

Compiler::Status Compiler::dotted() {
  if (now() == '.') {
    ++at_;
    Step descend;
    descend.type = Step::Type::kDescend;
    add(std::move(descend));
    if (done()) return {};
  }
  return now() == '[' ? bracket() : name();
}

Compiler::Status Compiler::name() {
  if (now() == '*') {
    ++at_;
    Step step;
    step.type = Step::Type::kWildcard;
    add(std::move(step));
    return {};
  }
  const std::size_t from = at_;
  while (!done() && now() != '.' && now() != '[' && now() != '(')
    ++at_;
  const std::string_view word = text_.substr(from, at_ - from);
  if (now() == '(') {
    const std::size_t end = bracket_end();
    if (end == std::string_view::npos) return fail("'(' is not closed");
    const std::string_view arguments = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return function(word, arguments);
  }
  if (word.empty()) return fail("expected a name");
  if (word.find(' ') != std::string_view::npos) {
    return fail("a name with blanks is written ['…']");
  }
  Step step;
  step.names.emplace_back(word);
  add(std::move(step));
  return {};
}

Compiler::Status Compiler::bracket() {
  const std::size_t end = bracket_end();
  if (end == std::string_view::npos) return fail("'[' is not closed");
  const std::string_view inside = trim(text_.substr(at_ + 1, end - at_ - 1));
  if (inside.empty()) return fail("nothing between '[' and ']'");
  if (inside == "*") {
    Step step;
    step.type = Step::Type::kWildcard;
    add(std::move(step));
  } else {
    Status s;
    if (inside.front() == '\'' || inside.front() == '"') {
      s = quoted_names(inside);
    } else if (inside.front() == '?') {
      s = filter(inside);
    } else {
      s = numbers(inside);
    }
    if (!s) return s;
  }
  at_ = end + 1;
  return {};
}

Compiler::Status Compiler::quoted_names(std::string_view inside) {
  Step step;
  std::size_t i = 0;
  for (;;) {
    while (i < inside.size() && is_space(inside[i]))
      ++i;
    if (i >= inside.size() || (inside[i] != '\'' && inside[i] != '"')) {
      return fail("expected a quoted name");
    }
    const char quote = inside[i++];
    std::string name;
    while (i < inside.size() && inside[i] != quote) {
      if (inside[i] == '\\' && i + 1 < inside.size()) ++i;
      name += inside[i++];
    }
    if (i >= inside.size()) return fail("a quoted name is not closed");
    ++i;
    step.names.push_back(std::move(name));
    while (i < inside.size() && is_space(inside[i]))
      ++i;
    if (i == inside.size()) break;
    if (inside[i++] != ',') return fail("expected ',' between names");
  }
  add(std::move(step));
  return {};
}

Compiler::Status Compiler::numbers(std::string_view inside) {
  Step step;
  const auto read = [&](std::string_view s, std::int64_t& out) {
    s = trim(s);
    const auto end = std::from_chars(s.data(), s.data() + s.size(), out);
    return !s.empty() && end.ec == std::errc() && end.ptr == s.data() + s.size();
  };
  const std::size_t colon = inside.find(':');
  if (colon != std::string_view::npos) {
    step.type = Step::Type::kSlice;
    const std::string_view from = trim(inside.substr(0, colon));
    const std::string_view to = trim(inside.substr(colon + 1));
    step.has_from = !from.empty();
    step.has_to = !to.empty();
    if ((step.has_from && !read(from, step.from)) || (step.has_to && !read(to, step.to)) ||
        (!step.has_from && !step.has_to)) {
      return fail("a slice is written [from:to]");
    }
    add(std::move(step));
    return {};
  }
  step.type = Step::Type::kIndexes;
  for (;;) {
    const std::size_t comma = inside.find(',');
    std::int64_t n = 0;
    if (!read(inside.substr(0, comma), n)) return fail("expected a number, a quoted name or '*'");
    step.numbers.push_back(n);
    if (comma == std::string_view::npos) break;
    inside.remove_prefix(comma + 1);
  }
  add(std::move(step));
  return {};
}

Compiler::Status Compiler::filter(std::string_view inside) {
  inside = trim(inside.substr(1));
  if (inside.size() < 2 || inside.front() != '(' || inside.back() != ')') {
    return fail("a filter is written [?(…)]");
  }
  auto compiled = compile_filter(inside.substr(1, inside.size() - 2), nesting_ + 1);
  if (!compiled) return std::unexpected(std::move(compiled.error()));
  Step step;
  step.type = Step::Type::kFilter;
  step.filter = std::move(*compiled);
  add(std::move(step));
  return {};
}

Compiler::Status Compiler::function(std::string_view word, std::string_view arguments) {
  struct Named {
    std::string_view name;
    Step::Function function;
  };
  static constexpr Named kFunctions[] = {
      {"min", Step::Function::kMin},       {"max", Step::Function::kMax},
      {"avg", Step::Function::kAvg},       {"stddev", Step::Function::kStddev},
      {"length", Step::Function::kLength}, {"size", Step::Function::kLength},
      {"sum", Step::Function::kSum},       {"keys", Step::Function::kKeys},
      {"concat", Step::Function::kConcat}, {"append", Step::Function::kAppend},
      {"first", Step::Function::kFirst},   {"last", Step::Function::kLast},
      {"index", Step::Function::kIndex},
  };
  Step step;
  step.type = Step::Type::kFunction;
  const Named* found = nullptr;
  for (const Named& named : kFunctions) {
    if (named.name == word) found = &named;
  }
  if (found == nullptr) return fail("no function '" + std::string(word) + "'");
  step.function = found->function;
  arguments = trim(arguments);
  if (!arguments.empty()) {
    Arena arena;
    const std::string list = "[" + std::string(arguments) + "]";
    const auto values = read_json(arena, list);
    if (!values || values->kind != Kind::kList) return fail("broken arguments of a function");
    for (const Value& v : values->list->items) {
      if (v.is_integral()) step.numbers.push_back(v.integer);
      std::string text;
      append_java(text, v, kPathBytesMax);
      step.texts.push_back(std::move(text));
      step.arguments.push_back(v.kind == Kind::kString || v.kind >= Kind::kList ? Value::null()
                                                                                : v);
    }
  }
  add(std::move(step));
  return {};
}

PathResult<Path> compile_path(std::string_view text, int nesting) {
  return Compiler(text, nesting).run();
}

PathResult<Path> Path::compile(std::string_view text) {
  return compile_path(text, 0);
}

}  // namespace sluice::gateway::jsonpath
