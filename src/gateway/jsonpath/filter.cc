#include "gateway/jsonpath/filter.h"

#include <cmath>

#include "gateway/value/json_read.h"
#include "gateway/value/regex.h"

namespace sluice::gateway::jsonpath {
namespace {

using FilterPtr = std::shared_ptr<const Filter>;

class FilterParser {
 public:
  FilterParser(std::string_view text, int nesting) : text_(text), nesting_(nesting) {}

  PathResult<FilterPtr> run() {
    auto f = any();
    if (!f) return f;
    blanks();
    if (at_ < text_.size()) return fail("unexpected text");
    return f;
  }

 private:
  std::unexpected<base::Failure<PathError>> fail(const std::string& what) const {
    return base::fail(PathError::kSyntax, what + " at character " + std::to_string(at_ + 1) +
                                              " of the filter '" + std::string(text_) + "'");
  }
  char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (now() == ' ' || now() == '\t' || now() == '\n' || now() == '\r')
      ++at_;
  }
  bool accept(std::string_view word) {
    blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  PathResult<FilterPtr> any();
  PathResult<FilterPtr> all();
  PathResult<FilterPtr> one();
  PathResult<FilterPtr> relation();
  PathResult<Operand> operand();
  PathResult<Operand> path_operand();
  PathResult<Operand> pattern_operand();
  std::size_t literal_end() const;
  bool relation_operator(FilterOp& op);

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_;
  int depth_ = 0;
};

PathResult<FilterPtr> join(FilterOp op, std::vector<FilterPtr> parts) {
  if (parts.size() == 1 && op != FilterOp::kNot) return parts[0];
  auto f = std::make_shared<Filter>();
  f->op = op;
  f->parts = std::move(parts);
  return f;
}

PathResult<FilterPtr> FilterParser::any() {
  std::vector<FilterPtr> parts;
  do {
    auto f = all();
    if (!f) return f;
    parts.push_back(*f);
  } while (accept("||"));
  return join(FilterOp::kOr, std::move(parts));
}

PathResult<FilterPtr> FilterParser::all() {
  std::vector<FilterPtr> parts;
  do {
    auto f = one();
    if (!f) return f;
    parts.push_back(*f);
  } while (accept("&&"));
  return join(FilterOp::kAnd, std::move(parts));
}

PathResult<FilterPtr> FilterParser::one() {
  if (++depth_ > 50) return fail("nested too deeply");
  PathResult<FilterPtr> f;
  if (accept("!")) {
    f = one();
    if (f) f = join(FilterOp::kNot, {*f});
  } else if (accept("(")) {
    f = any();
    if (f && !accept(")")) return fail("expected ')'");
  } else {
    f = relation();
  }
  --depth_;
  return f;
}

bool FilterParser::relation_operator(FilterOp& op) {
  struct Named {
    std::string_view text;
    FilterOp op;
  };
  static constexpr Named kOps[] = {
      {"==", FilterOp::kEqual},
      {"!=", FilterOp::kNotEqual},
      {"<=", FilterOp::kLessEqual},
      {">=", FilterOp::kGreaterEqual},
      {"<", FilterOp::kLess},
      {">", FilterOp::kGreater},
      {"=~", FilterOp::kMatches},
      {"nin ", FilterOp::kNotIn},
      {"in ", FilterOp::kIn},
      {"subsetof ", FilterOp::kSubsetOf},
      {"anyof ", FilterOp::kAnyOf},
      {"noneof ", FilterOp::kNoneOf},
      {"contains ", FilterOp::kContains},
      {"size ", FilterOp::kSize},
      {"empty ", FilterOp::kEmpty},
  };
  for (const Named& named : kOps) {
    if (accept(named.text)) {
      op = named.op;
      return true;
    }
  }
  return false;
}

PathResult<FilterPtr> FilterParser::relation() {
  auto left = operand();
  if (!left) return std::unexpected(left.error());
  auto f = std::make_shared<Filter>();
  f->left = std::move(*left);
  if (relation_operator(f->op)) {
    auto right = operand();
    if (!right) return std::unexpected(right.error());
    f->right = std::move(*right);
  } else if (!f->left.path) {
    return fail("expected a comparison");
  }
  return f;
}

// Of a number, word, string, list or map that starts at at_.
std::size_t FilterParser::literal_end() const {
  int depth = 0;
  char quote = '\0';
  for (std::size_t i = at_; i < text_.size(); ++i) {
    const char c = text_[i];
    if (quote != '\0') {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
        if (depth == 0) return i + 1;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) return i + 1;
    } else if (depth == 0 && (c == ' ' || c == ')' || c == '&' || c == '|' || c == '=' ||
                              c == '!' || c == '<' || c == '>')) {
      return i;
    }
  }
  return text_.size();
}

PathResult<Operand> FilterParser::path_operand() {
  const std::size_t from = at_;
  int depth = 0;
  char quote = '\0';
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (quote != '\0') {
      if (c == '\\') {
        ++at_;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (depth > 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if ((c == ']' || c == ')') && depth > 0) {
      --depth;
    } else if (depth == 0 && (c == ' ' || c == ')' || c == '=' || c == '!' || c == '<' ||
                              c == '>' || c == '&' || c == '|')) {
      break;
    }
  }
  auto path = compile_path(text_.substr(from, at_ - from), nesting_);
  if (!path) return std::unexpected(path.error());
  Operand out;
  out.path = std::make_unique<Path>(std::move(*path));
  return out;
}

PathResult<Operand> FilterParser::pattern_operand() {
  Operand out;
  for (++at_; now() != '/'; ++at_) {
    if (at_ >= text_.size()) return fail("a pattern is not closed");
    if (now() == '\\' && at_ + 1 < text_.size()) out.pattern += text_[at_++];
    out.pattern += now();
  }
  ++at_;
  while (now() == 'i' || now() == 'u' || now() == 's' || now() == 'm' || now() == 'd') {
    out.ignore_case = out.ignore_case || now() == 'i';
    ++at_;
  }
  return out;
}

PathResult<Operand> FilterParser::operand() {
  blanks();
  if (now() == '@' || now() == '$') return path_operand();
  if (now() == '/') return pattern_operand();
  const std::size_t end = literal_end();
  if (end == at_) return fail("expected a value");
  Operand out;
  out.json = std::string(text_.substr(at_, end - at_));
  out.arena = std::make_shared<Arena>();
  const char first = now();
  at_ = end;
  // The text must not move any more: the value points into it.
  auto owned = std::make_shared<std::pair<std::string, Arena>>();
  owned->first = std::move(out.json);
  auto value = read_json(owned->second, owned->first);
  if (!value) return fail("a broken value");
  if (value->is_string() && first != '\'' && first != '"') return fail("expected a value");
  out.literal = *value;
  out.arena = std::shared_ptr<Arena>(owned, &owned->second);
  return out;
}

bool number_of(const Value& v, long double& out) {
  if (v.is_integral()) {
    out = static_cast<long double>(v.integer);
  } else if (v.kind == Kind::kDouble) {
    out = v.real;
  } else if (v.is_number()) {
    out = std::strtold(std::string(v.text()).c_str(), nullptr);
  } else {
    return false;
  }
  return true;
}

bool same(const Value& a, const Value& b) {
  long double x = 0;
  long double y = 0;
  if (number_of(a, x) && number_of(b, y)) return x == y;
  return equals(a, b);
}

bool ordered(FilterOp op, const Value& a, const Value& b) {
  long double x = 0;
  long double y = 0;
  int order = 0;
  if (number_of(a, x) && number_of(b, y)) {
    order = x < y ? -1 : static_cast<int>(x > y);
  } else if (a.is_string() && b.is_string()) {
    order = a.text().compare(b.text());
  } else {
    return false;
  }
  switch (op) {
    case FilterOp::kLess:
      return order < 0;
    case FilterOp::kLessEqual:
      return order <= 0;
    case FilterOp::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

bool holds(const Value& list, const Value& item) {
  if (list.kind != Kind::kList) return false;
  for (const Value& v : list.list->items) {
    if (same(v, item)) return true;
  }
  return false;
}

bool shares(const Value& a, const Value& b) {
  if (a.kind != Kind::kList) return false;
  for (const Value& v : a.list->items) {
    if (holds(b, v)) return true;
  }
  return false;
}

std::int64_t size_of(const Value& v) {
  if (v.kind == Kind::kList) return static_cast<std::int64_t>(v.list->items.size);
  if (v.kind == Kind::kMap) return static_cast<std::int64_t>(v.map->entries.size);
  if (v.is_string()) return static_cast<std::int64_t>(v.text().size());
  return -1;
}

PathResult<bool> compare(const Filter& f, const Value& a, const Value& b) {
  switch (f.op) {
    case FilterOp::kEqual:
      return same(a, b);
    case FilterOp::kNotEqual:
      return !same(a, b);
    case FilterOp::kMatches: {
      if (!a.is_string()) return false;
      const auto found = regex_matches(f.right.pattern, a.text(), f.right.ignore_case);
      if (!found) return base::fail(PathError::kData, found.error());
      return *found;
    }
    case FilterOp::kIn:
      return holds(b, a);
    case FilterOp::kNotIn:
      return !holds(b, a);
    case FilterOp::kContains:
      if (a.is_string() && b.is_string()) return a.text().find(b.text()) != std::string_view::npos;
      return holds(a, b);
    case FilterOp::kSize:
      return b.is_integral() && size_of(a) == b.integer;
    case FilterOp::kEmpty:
      return b.kind == Kind::kBool && size_of(a) >= 0 && (size_of(a) == 0) == b.boolean;
    case FilterOp::kAnyOf:
      return shares(a, b);
    case FilterOp::kNoneOf:
      return !shares(a, b);
    case FilterOp::kSubsetOf:
      if (a.kind != Kind::kList) return false;
      for (const Value& v : a.list->items) {
        if (!holds(b, v)) return false;
      }
      return true;
    default:
      return ordered(f.op, a, b);
  }
}

}  // namespace

PathResult<std::shared_ptr<const Filter>> compile_filter(std::string_view text, int nesting) {
  return FilterParser(text, nesting).run();
}

PathResult<bool> matches(const Filter& filter, Arena& arena, const Value& root,
                         const Value& current, std::size_t& steps_left) {
  if (steps_left == 0) return base::fail(PathError::kLimit, "a filter that takes too many steps");
  --steps_left;
  if (filter.op == FilterOp::kAnd || filter.op == FilterOp::kOr || filter.op == FilterOp::kNot) {
    for (const auto& part : filter.parts) {
      const auto good = matches(*part, arena, root, current, steps_left);
      if (!good) return good;
      if (filter.op == FilterOp::kNot) return !*good;
      if (*good == (filter.op == FilterOp::kOr)) return *good;
    }
    return filter.op == FilterOp::kAnd;
  }
  bool missing = false;
  bool one_missing = false;
  const auto read = [&](const Operand& o) -> PathResult<Value> {
    if (!o.path) return o.literal;
    auto v =
        o.path->read(arena, root, o.path->from_current() ? current : root, steps_left, missing);
    one_missing = one_missing || missing;
    return v;
  };
  const auto left = read(filter.left);
  if (!left) return std::unexpected(left.error());
  if (filter.op == FilterOp::kExists) return !left->is_null();
  const auto right = read(filter.right);
  if (!right) return std::unexpected(right.error());
  // What is not there equals nothing, not even null or another thing that is not there.
  if (one_missing && filter.op == FilterOp::kEqual) return false;
  if (one_missing && filter.op == FilterOp::kNotEqual) return true;
  return compare(filter, *left, *right);
}

}  // namespace sluice::gateway::jsonpath
