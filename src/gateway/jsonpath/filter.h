// [?( … )] of a path: comparisons of paths and literals, joined by && || ! and parentheses.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/jsonpath/jsonpath.h"

namespace sluice::gateway::jsonpath {

enum class FilterOp : unsigned char {
  kAnd,
  kOr,
  kNot,
  kExists,  // only the left side
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kMatches,  // =~
  kIn,
  kNotIn,
  kSubsetOf,
  kAnyOf,
  kNoneOf,
  kContains,
  kSize,
  kEmpty,
};

struct Operand {
  std::unique_ptr<Path> path;  // null: a literal
  std::string json;            // text of the literal, which `literal` points into
  std::shared_ptr<Arena> arena;
  Value literal;
  std::string pattern;  // of =~
  bool ignore_case = false;
};

struct Filter {
  FilterOp op = FilterOp::kExists;
  std::vector<std::shared_ptr<const Filter>> parts;  // of and, or, not
  Operand left;
  Operand right;
};

PathResult<std::shared_ptr<const Filter>> compile_filter(std::string_view text, int nesting);
PathResult<Path> compile_path(std::string_view text, int nesting);

// @ is `current`, $ is `root`. A step is counted for each comparison and each node visited.
PathResult<bool> matches(const Filter& filter, Arena& arena, const Value& root,
                         const Value& current, std::size_t& steps_left);

}  // namespace sluice::gateway::jsonpath
