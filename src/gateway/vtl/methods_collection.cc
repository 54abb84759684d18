// java.util.List, Map, Map.Entry and Iterator. Views (keySet and the like) are copies.
#include <algorithm>

#include "gateway/vtl/interpreter.h"

namespace sluice::gateway::vtl {
namespace {

using Args = std::span<const Value>;

Value size_value(std::size_t n) {
  return Value::of_int(static_cast<std::int64_t>(n));
}

std::int64_t index_of(const List& list, const Value& item) {
  for (std::size_t i = 0; i < list.items.size; ++i) {
    if (equals(list.items[i], item)) return static_cast<std::int64_t>(i);
  }
  return -1;
}

bool in_bounds(Interpreter& in, std::int64_t at, std::int64_t end) {
  if (at >= 0 && at < end) return true;
  in.fail("Index " + std::to_string(at) + " out of bounds for length " + std::to_string(end));
  return false;
}

Value add(Interpreter& in, List& self, Args args) {
  if (args.size() == 1) {
    self.items.push(in.arena(), args[0]);
    return Value::of(true);
  }
  if (args.size() != 2 || args[0].kind != Kind::kInt) return Value::null();
  const auto size = static_cast<std::int64_t>(self.items.size);
  if (!in_bounds(in, args[0].integer, size + 1)) return Value::null();
  self.items.insert(in.arena(), static_cast<std::size_t>(args[0].integer), args[1]);
  return Value::null();
}

// Of addAll, containsAll, removeAll, retainAll: a list, or nothing that fits.
Value with_list(Interpreter& in, List& self, Method m, const List& other) {
  const std::size_t before = self.items.size;
  switch (m) {
    case Method::k_addAll: {
      const std::size_t n = other.items.size;  // it may be the same list
      for (std::size_t i = 0; i < n; ++i)
        self.items.push(in.arena(), other.items[i]);
      return Value::of(n > 0);
    }
    case Method::k_containsAll:
      return Value::of(std::all_of(other.items.begin(), other.items.end(),
                                   [&](const Value& v) { return index_of(self, v) >= 0; }));
    default: {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < before; ++i) {
        if ((index_of(other, self.items[i]) >= 0) == (m == Method::k_retainAll)) {
          self.items[kept++] = self.items[i];
        }
      }
      self.items.size = kept;
      return Value::of(kept != before);
    }
  }
}

Value remove(Interpreter& in, List& self, Args args) {
  if (args.size() != 1) return Value::null();
  std::int64_t at = 0;
  const bool by_index = args[0].kind == Kind::kInt;
  if (by_index) {
    at = args[0].integer;
    if (!in_bounds(in, at, static_cast<std::int64_t>(self.items.size))) return Value::null();
  } else {
    at = index_of(self, args[0]);
    if (at < 0) return Value::of(false);
  }
  const Value old = self.items[static_cast<std::size_t>(at)];
  self.items.erase(static_cast<std::size_t>(at));
  return by_index ? old : Value::of(true);
}

Value sub_list(Interpreter& in, const List& self, Args args) {
  if (args.size() != 2 || args[0].kind != Kind::kInt || args[1].kind != Kind::kInt) {
    return Value::null();
  }
  const std::int64_t from = args[0].integer;
  const std::int64_t to = args[1].integer;
  if (from < 0 || from > to || to > static_cast<std::int64_t>(self.items.size)) {
    return in.fail("subList(" + std::to_string(from) + ", " + std::to_string(to) +
                   ") is out of bounds");
  }
  List* out = make_list(in.arena(), ListKind::kArrayList);
  for (std::int64_t i = from; i < to; ++i) {
    out->items.push(in.arena(), self.items[static_cast<std::size_t>(i)]);
  }
  return Value::of(out);
}

Value iterator(Interpreter& in, List& self) {
  auto* made = in.arena().make<IteratorObject>();
  made->type = Object::Type::kIterator;
  made->list = &self;
  return Value::of(static_cast<Object*>(made));
}

Value lookup(const Map& self, Method m, Args args) {
  if (m == Method::k_get) return args.size() == 1 ? self.get(args[0]) : Value::null();
  if (args.size() != 2) return Value::null();
  const Entry* e = self.find(args[0]);
  return e == nullptr ? args[1] : e->value;
}

Value view(Interpreter& in, Map& self, Method m) {
  List* list = make_list(in.arena(), ListKind::kArrayList);
  for (Entry* e : self.entries) {
    list->items.push(in.arena(), m == Method::k_keySet     ? e->key
                                 : m == Method::k_entrySet ? Value::of(e)
                                                           : e->value);
  }
  return Value::of(list);
}

Value put_all(Interpreter& in, Map& self, const Map& other) {
  const std::size_t n = other.entries.size;
  for (std::size_t i = 0; i < n; ++i) {
    self.put(in.arena(), other.entries[i]->key, other.entries[i]->value);
  }
  return Value::null();
}

}  // namespace

Value call_list(Interpreter& in, List& self, Method m, Args args) {
  const auto size = static_cast<std::int64_t>(self.items.size);
  switch (m) {
    case Method::k_size:
    case Method::k_count:
      return args.empty() ? size_value(self.items.size) : Value::null();
    case Method::k_isEmpty:
      return args.empty() ? Value::of(self.items.size == 0) : Value::null();
    case Method::k_get:
      if (args.size() != 1 || args[0].kind != Kind::kInt) return Value::null();
      if (!in_bounds(in, args[0].integer, size)) return Value::null();
      return self.items[static_cast<std::size_t>(args[0].integer)];
    case Method::k_set: {
      if (args.size() != 2 || args[0].kind != Kind::kInt) return Value::null();
      if (!in_bounds(in, args[0].integer, size)) return Value::null();
      return std::exchange(self.items[static_cast<std::size_t>(args[0].integer)], args[1]);
    }
    case Method::k_add:
      return add(in, self, args);
    case Method::k_addAll:
    case Method::k_containsAll:
    case Method::k_removeAll:
    case Method::k_retainAll:
      return args.size() == 1 && args[0].kind == Kind::kList ? with_list(in, self, m, *args[0].list)
                                                             : Value::null();
    case Method::k_remove:
      return remove(in, self, args);
    case Method::k_contains:
      return args.size() == 1 ? Value::of(index_of(self, args[0]) >= 0) : Value::null();
    case Method::k_indexOf:
      return args.size() == 1 ? Value::of_int(index_of(self, args[0])) : Value::null();
    case Method::k_lastIndexOf:
      if (args.size() != 1) return Value::null();
      for (std::int64_t i = size - 1; i >= 0; --i) {
        if (equals(self.items[static_cast<std::size_t>(i)], args[0])) return Value::of_int(i);
      }
      return Value::of_int(-1);
    case Method::k_clear:
      self.items.size = 0;
      return Value::null();
    case Method::k_subList:
      return sub_list(in, self, args);
    case Method::k_toArray:
      return args.empty() ? Value::of(&self) : Value::null();
    case Method::k_iterator:
      return args.empty() ? iterator(in, self) : Value::null();
    default:
      return Value::null();
  }
}

Value call_map(Interpreter& in, Map& self, Method m, Args args) {
  switch (m) {
    case Method::k_get:
    case Method::k_getOrDefault:
      return lookup(self, m, args);
    case Method::k_put:
      return args.size() == 2 ? self.put(in.arena(), args[0], args[1]) : Value::null();
    case Method::k_replace:
      if (args.size() != 2 || self.find(args[0]) == nullptr) return Value::null();
      return self.put(in.arena(), args[0], args[1]);
    case Method::k_putIfAbsent: {
      if (args.size() != 2) return Value::null();
      const Value old = self.get(args[0]);
      if (old.is_null()) self.put(in.arena(), args[0], args[1]);
      return old;
    }
    case Method::k_putAll:
      return args.size() == 1 && args[0].kind == Kind::kMap ? put_all(in, self, *args[0].map)
                                                            : Value::null();
    case Method::k_containsKey:
      return args.size() == 1 ? Value::of(self.find(args[0]) != nullptr) : Value::null();
    case Method::k_containsValue:
      if (args.size() != 1) return Value::null();
      return Value::of(std::any_of(self.entries.begin(), self.entries.end(),
                                   [&](const Entry* e) { return equals(e->value, args[0]); }));
    case Method::k_remove:
      return args.size() == 1 ? self.remove(args[0]) : Value::null();
    case Method::k_size:
      return args.empty() ? size_value(self.entries.size) : Value::null();
    case Method::k_isEmpty:
      return args.empty() ? Value::of(self.entries.size == 0) : Value::null();
    case Method::k_keySet:
    case Method::k_entrySet:
    case Method::k_values:
      return args.empty() ? view(in, self, m) : Value::null();
    case Method::k_clear:
      self.clear();
      return Value::null();
    default:
      return Value::null();
  }
}

Value call_entry(Interpreter&, Entry& self, Method m, Args args) {
  switch (m) {
    case Method::k_getKey:
      return self.key;
    case Method::k_getValue:
      return self.value;
    case Method::k_setValue:
      return args.size() == 1 ? std::exchange(self.value, args[0]) : Value::null();
    default:
      return Value::null();
  }
}

Value call_iterator(Interpreter& in, IteratorObject& self, Method m, Args args) {
  if (!args.empty()) return Value::null();
  if (m == Method::k_hasNext) return Value::of(self.next < self.list->items.size);
  if (m != Method::k_next) return Value::null();
  if (self.next >= self.list->items.size) return in.fail("the iterator has no next element");
  return self.list->items[self.next++];
}

}  // namespace sluice::gateway::vtl
