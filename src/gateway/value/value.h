// The values templates and JSON paths work on: Java's, as far as they can be seen (Integer apart
// from Long, ArrayList apart from JSONArray, maps in insertion order). A Value is 16 bytes and
// trivially copyable; lists and maps are references into an Arena, shared as in Java. Text is UTF-8
// and belongs to the arena or to a buffer that outlives the render (the payload, the template).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/value/arena.h"

namespace sluice::gateway {

enum class Kind : std::uint8_t {
  kNull,
  kBool,
  kInt,         // Integer: fits 32 bits
  kLong,        // Long
  kBigInteger,  // text() is its decimal form
  kDouble,
  kBigDecimal,  // text() is what Java prints
  kString,
  kList,
  kMap,
  kEntry,   // of a map
  kObject,  // one of the template's own objects ($input, $util, $foreach, a block)
};

enum class ListKind : std::uint8_t {
  kArrayList,  // prints [a, b]
  kJsonArray,  // prints as compact JSON
};

struct List;
struct Map;
struct Entry;
struct Object;

struct Value {
  Kind kind = Kind::kNull;
  std::uint32_t length = 0;  // bytes of text
  union {
    bool boolean;
    std::int64_t integer = 0;
    double real;
    const char* chars;
    List* list;
    Map* map;
    Entry* entry;
    Object* object;
  };

  static Value null() { return {}; }
  static Value of(bool b) {
    Value v;
    v.kind = Kind::kBool;
    v.boolean = b;
    return v;
  }
  // Integer; the caller knows that it fits.
  static Value of_int(std::int64_t n) {
    Value v;
    v.kind = Kind::kInt;
    v.integer = n;
    return v;
  }
  static Value of_long(std::int64_t n) {
    Value v;
    v.kind = Kind::kLong;
    v.integer = n;
    return v;
  }
  static Value of(double d) {
    Value v;
    v.kind = Kind::kDouble;
    v.real = d;
    return v;
  }
  static Value of(std::string_view text, Kind kind = Kind::kString) {
    Value v;
    v.kind = kind;
    v.length = static_cast<std::uint32_t>(text.size());
    v.chars = text.data();
    return v;
  }
  static Value of(List* list) {
    Value v;
    v.kind = Kind::kList;
    v.list = list;
    return v;
  }
  static Value of(Map* map) {
    Value v;
    v.kind = Kind::kMap;
    v.map = map;
    return v;
  }
  static Value of(Entry* entry) {
    Value v;
    v.kind = Kind::kEntry;
    v.entry = entry;
    return v;
  }
  static Value of(Object* object) {
    Value v;
    v.kind = Kind::kObject;
    v.object = object;
    return v;
  }

  bool is_null() const { return kind == Kind::kNull; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_integral() const { return kind == Kind::kInt || kind == Kind::kLong; }
  bool is_number() const { return kind >= Kind::kInt && kind <= Kind::kBigDecimal; }
  std::string_view text() const { return {chars, length}; }
};

struct List {
  ListKind kind = ListKind::kArrayList;
  ArenaVector<Value> items;
};

struct Entry {
  Value key;
  Value value;
};

// LinkedHashMap. Looked up by scanning until it is large, then by an index of hashes.
struct Map {
  ArenaVector<Entry*> entries;
  std::uint32_t* index = nullptr;  // entry number + 1; 0: free
  std::uint32_t index_size = 0;    // a power of two
  bool prints_nothing = false;     // the maps inside $context

  Entry* find(const Value& key) const;
  Entry* find(std::string_view key) const { return find(Value::of(key)); }
  Value get(const Value& key) const {
    const Entry* e = find(key);
    return e == nullptr ? Value::null() : e->value;
  }
  Value get(std::string_view key) const { return get(Value::of(key)); }
  // The value it replaces; null: none.
  Value put(Arena& arena, Value key, Value value);
  void put(Arena& arena, std::string_view key, Value value) { put(arena, Value::of(key), value); }
  Value remove(const Value& key);
  void clear();

 private:
  void rebuild(Arena& arena);
  void insert_index(std::uint32_t number);
  bool indexed() const { return index != nullptr; }
};

List* make_list(Arena& arena, ListKind kind);
Map* make_map(Arena& arena);

// Java's equals(): numbers of different classes differ, lists and maps compare by content.
bool equals(const Value& a, const Value& b, int depth = 0);

// Java's toString() and String.valueOf: null is "null", maps {a=b}, JSON arrays as JSON. False: the
// text passed `bytes_max` or is nested too deeply (a map inside itself); `out` holds a part of it.
bool append_java(std::string& out, const Value& value, std::size_t bytes_max);
void append_double(std::string& out, double d);

enum class Slash { kPlain, kEscaped };
// As json-smart writes it: compact, U+007F-U+009F and U+2000-U+20FF escaped. False as above.
bool append_json(std::string& out, const Value& value, Slash slash, std::size_t bytes_max);

// What an Object prints; defined by the interpreter.
struct Object {
  enum class Type : std::uint8_t { kInput, kUtil, kForeach, kBlock, kIterator };
  Type type;
};

}  // namespace sluice::gateway
