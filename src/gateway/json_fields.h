// Fields of a JSON object as the lenient reader gives it; what is missing or of another type is the
// default. For the model on disk and the bodies of control plane calls.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/model.h"
#include "gateway/value/value.h"

namespace sluice::gateway::fields {

inline std::string text(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.is_string() ? std::string(v.text()) : "";
}

inline std::int64_t integer(const Map& map, std::string_view name, std::int64_t otherwise) {
  const Value v = map.get(name);
  return v.is_integral() ? v.integer : otherwise;
}

inline bool boolean(const Map& map, std::string_view name) {
  const Value v = map.get(name);
  return v.kind == Kind::kBool && v.boolean;
}

template <class F>
void each(const Map& map, std::string_view name, F&& visit) {
  const Value v = map.get(name);
  if (v.kind != Kind::kMap) return;
  for (const Entry* e : v.map->entries)
    visit(std::string(e->key.text()), e->value);
}

template <class F>
void each_item(const Map& map, std::string_view name, F&& visit) {
  const Value v = map.get(name);
  if (v.kind != Kind::kList) return;
  for (const Value& item : v.list->items)
    visit(item);
}

inline OrderedMap ordered(const Map& map, std::string_view name) {
  OrderedMap out;
  each(map, name, [&](std::string key, const Value& v) {
    if (v.is_string()) out.emplace_back(std::move(key), v.text());
  });
  return out;
}

inline StringMap strings(const Map& map, std::string_view name) {
  StringMap out;
  each(map, name, [&](std::string key, const Value& v) {
    if (v.is_string()) out.emplace(std::move(key), v.text());
  });
  return out;
}

inline std::map<std::string, bool> booleans(const Map& map, std::string_view name) {
  std::map<std::string, bool> out;
  each(map, name, [&](std::string key, const Value& v) {
    out.emplace(std::move(key), v.kind == Kind::kBool && v.boolean);
  });
  return out;
}

inline std::vector<std::string> texts(const Map& map, std::string_view name) {
  std::vector<std::string> out;
  each_item(map, name, [&](const Value& v) {
    if (v.is_string()) out.emplace_back(v.text());
  });
  return out;
}

}  // namespace sluice::gateway::fields
