// Maps, equality and the arena's slow path.
#include "gateway/value/value.h"

#include <algorithm>

#include "base/digest.h"
#include "base/random.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kScanMax = 12;
constexpr int kEqualsDepthMax = 1100;

std::uint64_t hash_of(const Value& key) {
  // Seeded: a client must not be able to choose keys that collide.
  static const std::uint64_t seed = base::system_random().next();
  switch (key.kind) {
    case Kind::kString:
    case Kind::kBigInteger:
    case Kind::kBigDecimal:
      return static_cast<std::uint64_t>(base::xxh3_128(key.text(), seed));
    case Kind::kBool:
      return key.boolean ? 1 : 2;
    case Kind::kInt:
    case Kind::kLong:
      return (static_cast<std::uint64_t>(key.integer) ^ seed) * 0x9e3779b97f4a7c15ULL >> 7;
    default:
      return 3;
  }
}

bool same_key(const Value& a, const Value& b) {
  if (a.kind == Kind::kString && b.kind == Kind::kString) return a.text() == b.text();
  return equals(a, b);
}

}  // namespace

void Arena::grow(std::size_t bytes) {
  const std::size_t size =
      std::max(bytes, std::min<std::size_t>(std::size_t{1} << 20, 32768 << blocks_.size()));
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  next_ = blocks_.back().get();
  end_ = next_ + size;
}

Entry* Map::find(const Value& key) const {
  if (!indexed()) {
    for (Entry* e : entries) {
      if (same_key(e->key, key)) return e;
    }
    return nullptr;
  }
  for (std::uint64_t at = hash_of(key) & (index_size - 1); index[at] != 0;
       at = (at + 1) & (index_size - 1)) {
    Entry* e = entries[index[at] - 1];
    if (same_key(e->key, key)) return e;
  }
  return nullptr;
}

void Map::insert_index(std::uint32_t number) {
  std::uint64_t at = hash_of(entries[number]->key) & (index_size - 1);
  while (index[at] != 0)
    at = (at + 1) & (index_size - 1);
  index[at] = number + 1;
}

void Map::rebuild(Arena& arena) {
  index_size = 32;
  while (index_size < entries.size * 4)
    index_size *= 2;
  index = arena.make_array<std::uint32_t>(index_size);
  std::fill_n(index, index_size, 0U);
  for (std::uint32_t i = 0; i < entries.size; ++i)
    insert_index(i);
}

Value Map::put(Arena& arena, Value key, Value value) {
  if (Entry* e = find(key)) {
    const Value old = e->value;
    e->value = value;
    return old;
  }
  entries.push(arena, arena.make<Entry>(key, value));
  if (!indexed() && entries.size <= kScanMax) return Value::null();
  if (!indexed() || entries.size * 2 > index_size) {
    rebuild(arena);
  } else {
    insert_index(static_cast<std::uint32_t>(entries.size - 1));
  }
  return Value::null();
}

Value Map::remove(const Value& key) {
  Entry* e = find(key);
  if (e == nullptr) return Value::null();
  for (std::size_t i = 0; i < entries.size; ++i) {
    if (entries[i] == e) {
      entries.erase(i);
      break;
    }
  }
  if (indexed()) {  // numbers moved
    std::fill_n(index, index_size, 0U);
    for (std::uint32_t i = 0; i < entries.size; ++i)
      insert_index(i);
  }
  return e->value;
}

void Map::clear() {
  entries.size = 0;
  if (indexed()) std::fill_n(index, index_size, 0U);
}

List* make_list(Arena& arena, ListKind kind) {
  List* list = arena.make<List>();
  list->kind = kind;
  return list;
}

Map* make_map(Arena& arena) {
  return arena.make<Map>();
}

bool equals(const Value& a, const Value& b, int depth) {
  if (a.kind != b.kind || depth > kEqualsDepthMax) return false;
  switch (a.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.boolean == b.boolean;
    case Kind::kInt:
    case Kind::kLong:
      return a.integer == b.integer;
    case Kind::kDouble:
      return a.real == b.real;
    case Kind::kString:
    case Kind::kBigInteger:
    case Kind::kBigDecimal:
      return a.text() == b.text();
    case Kind::kList:
      if (a.list == b.list) return true;
      if (a.list->items.size != b.list->items.size) return false;
      for (std::size_t i = 0; i < a.list->items.size; ++i) {
        if (!equals(a.list->items[i], b.list->items[i], depth + 1)) return false;
      }
      return true;
    case Kind::kMap:
      if (a.map == b.map) return true;
      if (a.map->entries.size != b.map->entries.size) return false;
      for (const Entry* e : a.map->entries) {
        const Entry* other = b.map->find(e->key);
        if (other == nullptr || !equals(e->value, other->value, depth + 1)) return false;
      }
      return true;
    case Kind::kEntry:
      return equals(a.entry->key, b.entry->key, depth + 1) &&
             equals(a.entry->value, b.entry->value, depth + 1);
    case Kind::kObject:
      return a.object == b.object;
  }
  return false;
}

}  // namespace sluice::gateway
