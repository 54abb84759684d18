#include "gateway/schema.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <string_view>

#include "gateway/value/json_read.h"
#include "gateway/value/regex.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

using Models = std::map<std::string, Value, std::less<>>;

double number(const Value& v) {
  if (v.is_integral()) return static_cast<double>(v.integer);
  if (v.kind == Kind::kDouble) return v.real;
  return std::strtod(std::string(v.text()).c_str(), nullptr);
}

// JSON's equality: 1 and 1.0 are the same number.
bool same(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return number(a) == number(b);
  if (a.kind != b.kind) return false;
  if (a.kind == Kind::kList) {
    if (a.list->items.size != b.list->items.size) return false;
    for (std::size_t i = 0; i < a.list->items.size; ++i) {
      if (!same(a.list->items[i], b.list->items[i])) return false;
    }
    return true;
  }
  if (a.kind == Kind::kMap) {
    if (a.map->entries.size != b.map->entries.size) return false;
    for (const Entry* e : a.map->entries) {
      const Entry* other = b.map->find(e->key);
      if (other == nullptr || !same(e->value, other->value)) return false;
    }
    return true;
  }
  return equals(a, b);
}

std::string_view type_of(const Value& v) {
  switch (v.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "boolean";
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kBigInteger:
      return "integer";
    case Kind::kDouble:
    case Kind::kBigDecimal:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "array";
    default:
      return "object";
  }
}

// Java's Matcher.find: the pattern may stand anywhere.
bool found(std::string_view pattern, std::string_view text) {
  return regex_matches(fmt::format("(?s:.*)(?:{})(?s:.*)", pattern), text).value_or(false);
}

// One body against one model. Every look at a schema or an item is a step.
class Checker {
 public:
  Checker(const Models& models, const Value& root) : models_(models), root_(root) {}

  bool fits(const Value& schema, const Value& v);
  std::string why;
  std::string stopped;  // why there is no verdict, whatever `not` and anyOf made of it

 private:
  bool fail(std::string reason) {
    why = std::move(reason);
    return false;
  }
  bool stop(std::string reason) {
    stopped = std::move(reason);
    return false;
  }
  bool step() { return ++steps_ <= kSchemaStepsMax || stop("the body takes too long to validate"); }
  bool all(const Map& schema, const Value& v);
  bool type(const Value& wanted, const Value& v);
  bool values(const Map& schema, const Value& v);
  bool combined(const Map& schema, const Value& v);
  bool range(const Map& schema, const Value& v);
  bool text(const Map& schema, const Value& v);
  bool array(const Map& schema, const List& list);
  bool unique(const List& list);
  bool object(const Map& schema, const Map& map);
  bool property(const Map& schema, const Entry& entry);
  bool dependencies(const Map& schema, const Map& map);
  bool count(const Map& schema, std::string_view least, std::string_view most, std::size_t n);
  std::optional<Value> referred(std::string_view reference) const;

  const Models& models_;
  const Value& root_;
  int depth_ = 0;
  long steps_ = 0;
};

std::optional<Value> Checker::referred(std::string_view reference) const {
  if (reference == "#") return root_;
  constexpr std::string_view kModels = "#/components/schemas/";
  if (!reference.starts_with(kModels)) return std::nullopt;
  const std::string_view name = reference.substr(kModels.size());
  // A model's own definitions have the same form of reference.
  if (root_.kind == Kind::kMap) {
    const Value own = root_.map->get("definitions");
    if (own.kind == Kind::kMap && own.map->find(name) != nullptr) return own.map->get(name);
  }
  const auto model = models_.find(name);
  return model == models_.end() ? std::nullopt : std::optional(model->second);
}

bool Checker::fits(const Value& schema, const Value& v) {
  if (schema.kind != Kind::kMap) return true;
  if (!step()) return false;
  if (depth_ >= kSchemaDepthMax) return stop("the schema is nested too deeply");
  ++depth_;
  bool good = false;
  if (const Value reference = schema.map->get("$ref"); reference.is_string()) {
    const auto target = referred(reference.text());
    good = target ? fits(*target, v) : stop(fmt::format("no such schema: {}", reference.text()));
  } else {
    good = all(*schema.map, v);
  }
  --depth_;
  return good;
}

bool Checker::all(const Map& schema, const Value& v) {
  if (!type(schema.get("type"), v) || !values(schema, v) || !combined(schema, v)) return false;
  if (v.is_number()) return range(schema, v);
  if (v.is_string()) return text(schema, v);
  if (v.kind == Kind::kList) return array(schema, *v.list);
  return v.kind != Kind::kMap || object(schema, *v.map);
}

bool Checker::type(const Value& wanted, const Value& v) {
  const std::string_view is = type_of(v);
  const auto takes = [&](const Value& name) {
    return name.is_string() && (name.text() == is || (name.text() == "number" && is == "integer"));
  };
  if (wanted.is_null()) return true;
  if (wanted.kind == Kind::kList) {
    for (const Value& name : wanted.list->items) {
      if (takes(name)) return true;
    }
  } else if (takes(wanted)) {
    return true;
  }
  std::string allowed;
  append_json(allowed, wanted, Slash::kPlain, 1024);
  return fail(fmt::format(
      "instance type ({}) does not match any allowed primitive type (allowed: {})", is, allowed));
}

bool Checker::values(const Map& schema, const Value& v) {
  const Value wanted = schema.get("enum");
  if (wanted.kind != Kind::kList) return true;
  for (const Value& one : wanted.list->items) {
    if (!step()) return false;
    if (same(one, v)) return true;
  }
  return fail("instance value does not match any enum value");
}

bool Checker::combined(const Map& schema, const Value& v) {
  const auto matches = [&](std::string_view key) {
    std::size_t n = 0;
    for (const Value& one : schema.get(key).list->items)
      n += fits(one, v) ? 1 : 0;
    return n;
  };
  const auto is_list = [&](std::string_view key) { return schema.get(key).kind == Kind::kList; };
  if (is_list("allOf") && matches("allOf") != schema.get("allOf").list->items.size)
    return fail("instance does not match all of the schemas of allOf");
  if (is_list("anyOf") && matches("anyOf") == 0)
    return fail("instance failed to match at least one required schema");
  if (is_list("oneOf") && matches("oneOf") != 1)
    return fail("instance failed to match exactly one schema");
  const Value no = schema.get("not");
  if (no.kind == Kind::kMap && fits(no, v)) return fail("instance matches a schema of not");
  return true;
}

bool Checker::range(const Map& schema, const Value& v) {
  const double n = number(v);
  const auto excluded = [&](std::string_view key) {
    const Value flag = schema.get(key);
    return flag.kind == Kind::kBool && flag.boolean;
  };
  const Value least = schema.get("minimum");
  if (least.is_number()) {
    const double m = number(least);
    if (n < m || (n == m && excluded("exclusiveMinimum")))
      return fail("numeric instance is lower than the required minimum");
  }
  const Value most = schema.get("maximum");
  if (most.is_number()) {
    const double m = number(most);
    if (n > m || (n == m && excluded("exclusiveMaximum")))
      return fail("numeric instance is greater than the required maximum");
  }
  const Value step_of = schema.get("multipleOf");
  if (step_of.is_number() && number(step_of) > 0) {
    const double times = n / number(step_of);
    if (std::abs(times - std::round(times)) > 1e-9 * std::max(1.0, std::abs(times)))
      return fail("numeric instance is no multiple of multipleOf");
  }
  return true;
}

bool Checker::count(const Map& schema, std::string_view least, std::string_view most,
                    std::size_t n) {
  const auto size = static_cast<double>(n);
  if (schema.get(least).is_number() && size < number(schema.get(least)))
    return fail(fmt::format("{} is fewer than {}", n, least));
  if (schema.get(most).is_number() && size > number(schema.get(most)))
    return fail(fmt::format("{} is more than {}", n, most));
  return true;
}

bool Checker::text(const Map& schema, const Value& v) {
  // Characters, not UTF-16 units: one outside the basic plane is one.
  std::size_t length = 0;
  for (const char c : v.text())
    length += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  if (!count(schema, "minLength", "maxLength", length)) return false;
  const Value pattern = schema.get("pattern");
  if (pattern.is_string() && !found(pattern.text(), v.text()))
    return fail("string does not match the pattern");
  return true;
}

bool Checker::array(const Map& schema, const List& list) {
  if (!count(schema, "minItems", "maxItems", list.items.size)) return false;
  const Value alone = schema.get("uniqueItems");
  if (alone.kind == Kind::kBool && alone.boolean && !unique(list)) return false;
  const Value items = schema.get("items");
  const bool tuple = items.kind == Kind::kList;
  const Value more = schema.get("additionalItems");
  for (std::size_t i = 0; i < list.items.size; ++i) {
    if (!step()) return false;
    const bool beyond = tuple && i >= items.list->items.size;
    if (beyond && more.kind == Kind::kBool && !more.boolean)
      return fail("the array has too many items");
    const Value& schema_of = beyond ? more : tuple ? items.list->items[i] : items;
    if (!fits(schema_of, list.items[i])) return false;
  }
  return true;
}

bool Checker::unique(const List& list) {
  for (std::size_t i = 0; i < list.items.size; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!step()) return false;
      if (same(list.items[i], list.items[j])) return fail("the array has equal items");
    }
  }
  return true;
}

bool Checker::object(const Map& schema, const Map& map) {
  if (!count(schema, "minProperties", "maxProperties", map.entries.size)) return false;
  const Value required = schema.get("required");
  if (required.kind == Kind::kList) {
    std::string missing;
    for (const Value& name : required.list->items) {
      if (map.find(name) != nullptr) continue;
      if (!missing.empty()) missing += ',';
      append_json(missing, name, Slash::kPlain, 65536);
    }
    if (!missing.empty()) return fail("object has missing required properties ([" + missing + "])");
  }
  for (const Entry* e : map.entries) {
    if (!step() || !property(schema, *e)) return false;
  }
  return dependencies(schema, map);
}

bool Checker::property(const Map& schema, const Entry& entry) {
  bool known = false;
  const Value own = schema.get("properties");
  if (own.kind == Kind::kMap) {
    if (const Entry* e = own.map->find(entry.key); e != nullptr) {
      known = true;
      if (!fits(e->value, entry.value)) return false;
    }
  }
  const Value patterns = schema.get("patternProperties");
  if (patterns.kind == Kind::kMap) {
    for (const Entry* e : patterns.map->entries) {
      if (!step()) return false;
      if (!found(e->key.text(), entry.key.text())) continue;
      known = true;
      if (!fits(e->value, entry.value)) return false;
    }
  }
  const Value others = schema.get("additionalProperties");
  if (known) return true;
  if (others.kind == Kind::kBool && !others.boolean) {
    return fail(
        fmt::format("object instance has properties which are not allowed by the schema: [\"{}\"]",
                    entry.key.text()));
  }
  return fits(others, entry.value);
}

bool Checker::dependencies(const Map& schema, const Map& map) {
  const Value all = schema.get("dependencies");
  if (all.kind != Kind::kMap) return true;
  for (const Entry* e : all.map->entries) {
    if (map.find(e->key) == nullptr) continue;
    if (e->value.kind == Kind::kMap) {
      if (!fits(e->value, Value::of(const_cast<Map*>(&map)))) return false;
      continue;
    }
    if (e->value.kind != Kind::kList) continue;
    for (const Value& name : e->value.list->items) {
      if (map.find(name) == nullptr)
        return fail("property " + std::string(e->key.text()) +
                    " of object has missing dependencies");
    }
  }
  return true;
}

}  // namespace

Schemas::Schemas(const std::map<std::string, BodyModel>& models) : arena_(std::size_t{64} << 20) {
  for (const auto& [name, model] : models) {
    const auto schema = read_json(arena_, texts_.emplace_back(model.schema));
    if (schema) models_.emplace(name, *schema);
  }
}

std::optional<std::string> Schemas::check(const std::string& model, const Value& body) const {
  const auto schema = models_.find(model);
  if (schema == models_.end()) return std::nullopt;
  Checker checker(models_, schema->second);
  const bool fits = checker.fits(schema->second, body);
  if (!checker.stopped.empty()) return "[" + checker.stopped + "]";
  return fits ? std::nullopt : std::optional("[" + checker.why + "]");
}

}  // namespace sluice::gateway
