// Jayway JsonPath: compiled once (paths are constants in templates), evaluated on Values.
// A definite path gives the value itself or nothing; a path with .., *, a filter, a slice or
// several names always gives a list. Results are live: they share lists and maps with the document.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/value/value.h"

namespace sluice::gateway::jsonpath {

enum class PathError {
  kSyntax,  // the path is none; AWS answers 500
  kLimit,   // evaluating it takes too many steps or too much memory
  kData,    // a function was asked for something the data cannot give
};

template <class T>
using PathResult = base::Result<T, PathError>;

struct Filter;

struct Step {
  enum class Type : unsigned char {
    kNames,     // ['a'] or ['a','b']
    kIndexes,   // [0] or [0,1]
    kSlice,     // [a:b]
    kWildcard,  // * or [*]
    kFilter,    // [?(…)]
    kDescend,   // .. : the next step is asked of every node below
    kFunction,  // length() …
  };
  enum class Function : unsigned char {
    kMin,
    kMax,
    kAvg,
    kStddev,
    kLength,
    kSum,
    kKeys,
    kConcat,
    kAppend,
    kFirst,
    kLast,
    kIndex,
  };
  Type type = Type::kNames;
  Function function = Function::kLength;
  std::vector<std::string> names;
  std::vector<std::int64_t> numbers;  // indexes, or the argument of index()
  bool has_from = false, has_to = false;
  std::int64_t from = 0, to = 0;
  std::shared_ptr<const Filter> filter;
  std::vector<Value> arguments;  // of concat and append; text belongs to `texts`
  std::vector<std::string> texts;
};

class Path {
 public:
  static PathResult<Path> compile(std::string_view text);

  // Null when nothing matches a definite path.
  PathResult<Value> read(Arena& arena, const Value& root) const;
  // The same with @ of a filter in place of $. `missing`: nothing was found, not even null.
  PathResult<Value> read(Arena& arena, const Value& root, const Value& start,
                         std::size_t& steps_left, bool& missing) const;
  bool definite() const { return definite_; }
  bool from_current() const { return from_current_; }

 private:
  friend class Compiler;
  std::vector<Step> steps_;
  bool definite_ = true;
  bool from_current_ = false;  // starts with @
};

}  // namespace sluice::gateway::jsonpath
