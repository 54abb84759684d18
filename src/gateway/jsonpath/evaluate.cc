// Walks a document along a path. "Not found" is a result here, not an error: a definite path then
// reads as nothing, a wildcard or '..' goes on with the next node (as Jayway does).
#include <algorithm>
#include <cmath>

#include "gateway/jsonpath/filter.h"
#include "gateway/jsonpath/jsonpath.h"
#include "gateway/value/decimal.h"
#include "gateway/value/utf.h"

namespace sluice::gateway::jsonpath {
namespace {

constexpr std::size_t kStepsMax = 1'000'000;

enum class Found { kYes, kNo, kFailed };

class Walk {
 public:
  Walk(Arena& arena, const Value& root, const std::vector<Step>& steps, std::size_t count,
       std::size_t& steps_left)
      : arena_(arena), root_(root), steps_(steps), count_(count), steps_left_(steps_left) {}

  Found at(const Value& model, std::size_t i);
  ArenaVector<Value> results;
  base::Failure<PathError> failure{PathError::kLimit, ""};

 private:
  Found limit() {
    failure = {PathError::kLimit, "a path that takes too many steps or too much memory"};
    return Found::kFailed;
  }
  Found next(const Value& hit, std::size_t i) {
    if (i + 1 < count_) return at(hit, i + 1);
    results.push(arena_, hit);
    return Found::kYes;
  }
  Found names(const Value& model, std::size_t i);
  Found index(const Value& model, std::size_t i, std::int64_t n);
  Found slice(const Value& model, std::size_t i);
  Found wildcard(const Value& model, std::size_t i);
  Found filter(const Value& model, std::size_t i);
  Found not_filtered(std::size_t i);
  Found descend(const Value& model, std::size_t i, int depth);
  bool worth_asking(const Value& model, const Step& step, bool& failed);

  Arena& arena_;
  const Value& root_;
  const std::vector<Step>& steps_;
  std::size_t count_;
  std::size_t& steps_left_;
};

Found Walk::names(const Value& model, std::size_t i) {
  const Step& step = steps_[i];
  if (model.kind != Kind::kMap) return Found::kNo;
  if (step.names.size() == 1) {
    const Entry* e = model.map->find(step.names[0]);
    if (e != nullptr) return next(e->value, i);
    // Nothing found: null, or an empty list. Where several names are asked of it: null.
    const bool several = std::any_of(
        steps_.begin() + static_cast<std::ptrdiff_t>(i), steps_.end(),
        [](const Step& s) { return s.type == Step::Type::kNames && s.names.size() > 1; });
    return several ? Found::kNo : Found::kYes;
  }
  if (i + 1 < count_) {
    for (const std::string& name : step.names) {
      if (const Entry* e = model.map->find(name)) {
        if (next(e->value, i) == Found::kFailed) return Found::kFailed;
      }
    }
    return Found::kYes;
  }
  Map* merged = make_map(arena_);
  for (const std::string& name : step.names) {
    if (const Entry* e = model.map->find(name)) merged->put(arena_, e->key, e->value);
  }
  return next(Value::of(merged), i);
}

Found Walk::index(const Value& model, std::size_t i, std::int64_t n) {
  const auto size = static_cast<std::int64_t>(model.list->items.size);
  if (n < 0) n += size;
  if (n < 0 || n >= size) return Found::kYes;
  return next(model.list->items[static_cast<std::size_t>(n)], i);
}

Found Walk::slice(const Value& model, std::size_t i) {
  const Step& step = steps_[i];
  const auto size = static_cast<std::int64_t>(model.list->items.size);
  const auto place = [&](std::int64_t n) {
    return std::clamp<std::int64_t>(n < 0 ? n + size : n, 0, size);
  };
  const std::int64_t from = step.has_from ? place(step.from) : 0;
  const std::int64_t to = step.has_to ? place(step.to) : size;
  for (std::int64_t n = from; n < to; ++n) {
    if (index(model, i, n) == Found::kFailed) return Found::kFailed;
  }
  return Found::kYes;
}

Found Walk::wildcard(const Value& model, std::size_t i) {
  if (model.kind == Kind::kMap) {
    for (const Entry* e : model.map->entries) {
      if (next(e->value, i) == Found::kFailed) return Found::kFailed;
    }
  } else if (model.kind == Kind::kList) {
    for (const Value& v : model.list->items) {
      if (next(v, i) == Found::kFailed) return Found::kFailed;
    }
  }
  return Found::kYes;
}

// A filter where there is neither a list nor a map: an error, unless many nodes are asked.
Found Walk::not_filtered(std::size_t i) {
  const auto one = [](const Step& s) {
    return (s.type == Step::Type::kNames && s.names.size() == 1) ||
           (s.type == Step::Type::kIndexes && s.numbers.size() == 1);
  };
  if (!std::all_of(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(i), one)) {
    return Found::kNo;
  }
  failure = {PathError::kData, "a filter [?] is asked of a value that is neither list nor map"};
  return Found::kFailed;
}

Found Walk::filter(const Value& model, std::size_t i) {
  const auto ask = [&](const Value& v) {
    const auto good = matches(*steps_[i].filter, arena_, root_, v, steps_left_);
    if (!good) {
      failure = good.error();
      return Found::kFailed;
    }
    return *good ? next(v, i) : Found::kYes;
  };
  if (model.kind == Kind::kMap) return ask(model) == Found::kFailed ? Found::kFailed : Found::kYes;
  if (model.kind != Kind::kList) return not_filtered(i);
  for (const Value& v : model.list->items) {
    if (ask(v) == Found::kFailed) return Found::kFailed;
  }
  return Found::kYes;
}

// May `step` find something in this node at all?
bool Walk::worth_asking(const Value& model, const Step& step, bool& failed) {
  switch (step.type) {
    case Step::Type::kNames:
      return model.kind == Kind::kMap &&
             std::all_of(step.names.begin(), step.names.end(),
                         [&](const std::string& name) { return model.map->find(name) != nullptr; });
    case Step::Type::kIndexes:
    case Step::Type::kSlice:
      return model.kind == Kind::kList;
    case Step::Type::kFilter: {
      const auto good = matches(*step.filter, arena_, root_, model, steps_left_);
      if (!good) {
        failure = good.error();
        failed = true;
        return false;
      }
      return *good;
    }
    default:
      return true;
  }
}

Found Walk::descend(const Value& model, std::size_t i, int depth) {
  if (steps_left_ == 0 || arena_.exhausted() || depth > 1100) return limit();
  --steps_left_;
  if (model.kind != Kind::kMap && model.kind != Kind::kList) return Found::kYes;
  bool failed = false;
  const Step& step = steps_[i + 1];
  if (step.type == Step::Type::kFilter && model.kind == Kind::kMap) {
    // Asked of the node itself; lists pass their elements on below.
    if (worth_asking(model, step, failed) && next(model, i + 1) == Found::kFailed) {
      return Found::kFailed;
    }
  } else if (step.type != Step::Type::kFilter && worth_asking(model, step, failed)) {
    if (at(model, i + 1) == Found::kFailed) return Found::kFailed;
  }
  if (failed) return Found::kFailed;
  if (model.kind == Kind::kMap) {
    for (const Entry* e : model.map->entries) {
      if (descend(e->value, i, depth + 1) == Found::kFailed) return Found::kFailed;
    }
  } else {
    for (const Value& v : model.list->items) {
      if (descend(v, i, depth + 1) == Found::kFailed) return Found::kFailed;
    }
  }
  return Found::kYes;
}

Found Walk::at(const Value& model, std::size_t i) {
  if (steps_left_ == 0 || arena_.exhausted()) return limit();
  --steps_left_;
  const Step& step = steps_[i];
  switch (step.type) {
    case Step::Type::kNames:
      return names(model, i);
    case Step::Type::kIndexes:
      if (model.kind != Kind::kList) return Found::kNo;
      for (const std::int64_t n : step.numbers) {
        const Found f = index(model, i, n);
        if (f == Found::kFailed || step.numbers.size() == 1) return f;
      }
      return Found::kYes;
    case Step::Type::kSlice:
      return model.kind == Kind::kList ? slice(model, i) : Found::kNo;
    case Step::Type::kWildcard:
      return wildcard(model, i);
    case Step::Type::kFilter:
      return filter(model, i);
    case Step::Type::kDescend:
      return descend(model, i, 0);
    case Step::Type::kFunction:
      break;
  }
  return Found::kNo;
}

bool as_double(const Value& v, double& out) {
  if (v.is_integral()) {
    out = static_cast<double>(v.integer);
  } else if (v.kind == Kind::kDouble) {
    out = v.real;
  } else if (v.is_number()) {
    out = std::strtod(std::string(v.text()).c_str(), nullptr);
  } else {
    return false;
  }
  return true;
}

PathResult<Value> fold_numbers(const Step& step, const Value& v) {
  double sum = 0;
  double squares = 0;
  double low = 0;
  double high = 0;
  double n = 0;
  const auto add = [&](const Value& item) {
    double d = 0;
    if (!as_double(item, d)) return;
    low = n == 0 ? d : std::min(low, d);
    high = n == 0 ? d : std::max(high, d);
    sum += d;
    squares += d * d;
    n += 1;
  };
  if (v.kind == Kind::kList) {
    for (const Value& item : v.list->items)
      add(item);
  }
  for (const Value& item : step.arguments)
    add(item);
  if (n == 0) return base::fail(PathError::kData, "a function over numbers got none");
  switch (step.function) {
    case Step::Function::kMin:
      return Value::of(low);
    case Step::Function::kMax:
      return Value::of(high);
    case Step::Function::kAvg:
      return Value::of(sum / n);
    case Step::Function::kSum:
      return Value::of(sum);
    default:
      return Value::of(std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n))));
  }
}

PathResult<Value> apply(Arena& arena, const Step& step, const Value& v) {
  const bool list = v.kind == Kind::kList;
  switch (step.function) {
    case Step::Function::kLength:
      if (list) return Value::of_int(static_cast<std::int64_t>(v.list->items.size));
      if (v.kind == Kind::kMap)
        return Value::of_int(static_cast<std::int64_t>(v.map->entries.size));
      if (v.is_string()) return Value::of_int(static_cast<std::int64_t>(utf16_length(v.text())));
      return Value::null();
    case Step::Function::kKeys: {
      if (v.kind != Kind::kMap) return Value::null();
      List* keys = make_list(arena, ListKind::kJsonArray);
      for (const Entry* e : v.map->entries)
        keys->items.push(arena, e->key);
      return Value::of(keys);
    }
    case Step::Function::kConcat: {
      std::string text;
      if (list) {
        for (const Value& item : v.list->items) {
          if (item.is_string()) text += item.text();
        }
      } else if (v.is_string()) {
        text = v.text();
      }
      for (const std::string& t : step.texts)
        text += t;
      return Value::of(arena.copy(text));
    }
    case Step::Function::kAppend: {
      if (!list) return v;
      List* longer = make_list(arena, ListKind::kJsonArray);
      for (const Value& item : v.list->items)
        longer->items.push(arena, item);
      for (std::size_t i = 0; i < step.texts.size(); ++i) {
        longer->items.push(arena, step.arguments[i].is_null() ? Value::of(arena.copy(step.texts[i]))
                                                              : step.arguments[i]);
      }
      return Value::of(longer);
    }
    case Step::Function::kFirst:
    case Step::Function::kLast:
    case Step::Function::kIndex: {
      if (!list || v.list->items.size == 0) return Value::null();
      const auto size = static_cast<std::int64_t>(v.list->items.size);
      std::int64_t n = step.function == Step::Function::kFirst ? 0 : size - 1;
      if (step.function == Step::Function::kIndex) {
        n = step.numbers.empty() ? 0 : step.numbers[0];
        if (n < 0) n += size;
      }
      if (n < 0 || n >= size) return Value::null();
      return v.list->items[static_cast<std::size_t>(n)];
    }
    default:
      return fold_numbers(step, v);
  }
}

}  // namespace

PathResult<Value> Path::read(Arena& arena, const Value& root) const {
  std::size_t steps_left = kStepsMax;
  bool missing = false;
  return read(arena, root, root, steps_left, missing);
}

PathResult<Value> Path::read(Arena& arena, const Value& root, const Value& start,
                             std::size_t& steps_left, bool& missing) const {
  missing = false;
  std::size_t count = steps_.size();
  while (count > 0 && steps_[count - 1].type == Step::Type::kFunction)
    --count;
  Value result = start;
  if (count > 0) {
    Walk walk(arena, root, steps_, count, steps_left);
    const Found found = walk.at(start, 0);
    if (found == Found::kFailed) return std::unexpected(std::move(walk.failure));
    const bool definite = std::all_of(
        steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(count), [&](const Step& s) {
          return (s.type == Step::Type::kNames &&
                  (s.names.size() == 1 || &s == &steps_[count - 1])) ||
                 (s.type == Step::Type::kIndexes && s.numbers.size() == 1);
        });
    missing = found == Found::kNo || (definite && walk.results.size == 0);
    if (found == Found::kNo) return Value::null();
    if (definite) {
      result = walk.results.size == 0 ? Value::null() : walk.results[walk.results.size - 1];
    } else {
      List* list = make_list(arena, ListKind::kJsonArray);
      list->items = walk.results;
      result = Value::of(list);
    }
  }
  for (std::size_t i = count; i < steps_.size(); ++i) {
    auto applied = apply(arena, steps_[i], result);
    if (!applied) return applied;
    result = *applied;
  }
  return result;
}

}  // namespace sluice::gateway::jsonpath
