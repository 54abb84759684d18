// PATCH of API Gateway: {"patchOperations": [{"op", "path", "value"}]} on the fields of one part of
// an API. A path is a field's name, or that and an element of it ("/variables/color",
// "/requestTemplates/application~1json").
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/model.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

struct PatchOperation {
  std::string op;                  // add, replace, remove
  std::string path;                // as it was written
  std::vector<std::string> names;  // its parts, unescaped
  std::string value;
};

// An error's text, or the operations.
std::optional<std::string> read_patch(const Map& body, std::vector<PatchOperation>& out);

template <class T>
struct PatchField {
  // Says whether it takes the value.
  using Setter = bool (*)(T& to, const std::string& value);
  std::string_view name;
  std::variant<std::string T::*, bool T::*, std::map<std::string, bool> T::*, StringMap T::*,
               OrderedMap T::*, std::vector<std::string> T::*, Setter>
      member;
};

namespace patching {

inline bool set(std::string& field, const PatchOperation& o) {
  field = o.op == "remove" ? "" : o.value;
  return true;
}

inline bool set(bool& field, const PatchOperation& o) {
  field = o.value == "true" && o.op != "remove";
  return o.value == "true" || o.value == "false" || o.op == "remove";
}

inline bool set_value(bool& field, const std::string& value) {
  field = value == "true";
  return value == "true" || value == "false";
}

inline bool set_value(std::string& field, const std::string& value) {
  field = value;
  return true;
}

template <class V>
bool set_element(std::map<std::string, V>& map, const std::string& name, const PatchOperation& o) {
  if (o.op == "remove") {
    map.erase(name);
    return true;
  }
  return set_value(map[name], o.value);
}

inline bool set_element(OrderedMap& map, const std::string& name, const PatchOperation& o) {
  const auto found =
      std::find_if(map.begin(), map.end(), [&](const auto& e) { return e.first == name; });
  if (o.op == "remove") {
    if (found != map.end()) map.erase(found);
  } else if (found != map.end()) {
    found->second = o.value;
  } else {
    map.emplace_back(name, o.value);
  }
  return true;
}

// "replace" of an element of a list names what goes, its value what comes.
inline bool set_element(std::vector<std::string>& list, const std::string& name,
                        const PatchOperation& o) {
  std::size_t index = 0;
  const auto end = std::from_chars(name.data(), name.data() + name.size(), index);
  auto found = std::find(list.begin(), list.end(), name);
  if (end.ec == std::errc() && end.ptr == name.data() + name.size() && index < list.size()) {
    found = list.begin() + static_cast<std::ptrdiff_t>(index);
  }
  if (o.op == "add") {
    if (found == list.end()) list.push_back(name);
  } else if (found == list.end()) {
    return o.op == "remove";
  } else if (o.op == "remove") {
    list.erase(found);
  } else {
    *found = o.value;
  }
  return true;
}

}  // namespace patching

// nullopt: done. Otherwise AWS' words, and `to` is to be thrown away.
template <class T>
std::optional<std::string> apply_patch(T& to, std::span<const PatchField<T>> fields,
                                       const std::vector<PatchOperation>& operations) {
  for (const PatchOperation& o : operations) {
    bool known = false;
    bool taken = false;
    for (const PatchField<T>& f : fields) {
      const std::string whole = "/" + std::string(f.name);
      if (o.path != whole && !o.path.starts_with(whole + "/")) continue;
      const bool element = o.path != whole;
      known = true;
      std::visit(
          [&](auto member) {
            using M = decltype(member);
            if constexpr (std::is_same_v<M, typename PatchField<T>::Setter>) {
              taken = !element && member(to, o.op == "remove" ? "" : o.value);
            } else if constexpr (requires { patching::set(to.*member, o); }) {
              taken = !element && patching::set(to.*member, o);
            } else if (element) {
              taken = patching::set_element(to.*member, o.names.back(), o);
            } else if (o.op == "remove") {
              (to.*member).clear();
              taken = true;
            } else if constexpr (std::is_same_v<M, std::vector<std::string> T::*>) {
              taken = patching::set_element(to.*member, o.value, {"add", "", {}, o.value});
            }
          },
          f.member);
    }
    if (!known) {
      std::string all;
      for (const PatchField<T>& f : fields)
        all += (all.empty() ? "/" : ", /") + std::string(f.name);
      return "Invalid patch path '" + o.path + "' specified for op '" + o.op +
             "'. Must be one of: [" + all + "]";
    }
    if (!taken) return "Invalid value '" + o.value + "' for the patch path '" + o.path + "'";
  }
  return std::nullopt;
}

}  // namespace sluice::gateway
