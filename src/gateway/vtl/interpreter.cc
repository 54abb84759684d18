#include "gateway/vtl/interpreter.h"

#include <algorithm>
#include <array>

#include "gateway/value/json_read.h"

namespace sluice::gateway::vtl {
namespace {

std::string_view type_name(const Value& v) {
  switch (v.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "boolean";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "list";
    case Kind::kMap:
    case Kind::kEntry:
    case Kind::kObject:
      return "object";
    default:
      return "number";
  }
}

}  // namespace

Interpreter::Interpreter(const Program& program, Environment& env, std::string_view body,
                         std::string& out)
    : program_(program),
      env_(env),
      body_(body.empty() ? std::string_view("{}") : body),
      out_(&out),
      out_start_(out.size()),
      slots_(program.slots.size()),
      steps_left_(env.limits().steps) {
  slots_[kSlotInput] = Value::of(&input_);
  slots_[kSlotUtil] = Value::of(&util_);
  slots_[kSlotContext] = env.context;
  slots_[kSlotStageVariables] = env.stage_variables;
  for (const auto& [name, value] : env.variables) {
    const auto found = program.slots.find(name);
    if (found != program.slots.end()) slots_[found->second] = value;
  }
}

std::expected<void, RenderFailure> Interpreter::run() {
  block(program_.root);
  if (!failure_ && out_->size() - out_start_ > env_.limits().output_bytes) {
    fail(RenderError::kLimit, "the output is too long");
  }
  if (!failure_) return {};
  locate(program_.text, at_, failure_->line, failure_->column);
  return std::unexpected(std::move(*failure_));
}

Value Interpreter::fail(RenderError code, std::string message) {
  if (!failure_) failure_ = RenderFailure{code, std::move(message), 0, 0};
  return Value::null();
}

bool Interpreter::step(const Node& node) {
  if (failure_) return false;
  at_ = node.at;
  if (steps_left_ == 0) {
    fail(RenderError::kLimit,
         "the template takes more than " + std::to_string(env_.limits().steps) + " steps");
    return false;
  }
  --steps_left_;
  if (arena().exhausted()) {
    fail(RenderError::kLimit, "the template takes too much memory");
    return false;
  }
  return true;
}

void Interpreter::emit(std::string_view text) {
  if (out_->size() + text.size() > env_.limits().output_bytes + out_start_) {
    fail(RenderError::kLimit, "the output is too long");
    return;
  }
  *out_ += text;
}

std::string_view Interpreter::text_of(const Value& v) {
  if (v.kind == Kind::kString || v.kind == Kind::kBigInteger || v.kind == Kind::kBigDecimal) {
    return v.text();
  }
  std::string text;
  if (v.kind == Kind::kObject && v.object->type == Object::Type::kBlock) {
    std::string* const before = std::exchange(out_, &text);
    const std::size_t start = std::exchange(out_start_, 0);
    print_block(static_cast<BlockObject&>(*v.object));
    out_ = before;
    out_start_ = start;
  } else if (!append_java(text, v, text_bytes_max())) {
    fail(RenderError::kLimit, "a text grows too long, or a value holds itself");
  }
  return arena().copy(text);
}

Interpreter::Flow Interpreter::block(const Node& node) {
  if (++depth_ > env_.limits().depth) {
    at_ = node.at;
    fail(RenderError::kLimit, "the template nests too deeply");
  }
  Flow flow = Flow::kNext;
  for (const Node& child : node.children) {
    flow = statement(child);
    if (flow != Flow::kNext || failure_) break;
  }
  --depth_;
  return flow;
}

Interpreter::Flow Interpreter::statement(const Node& node) {
  if (!step(node)) return Flow::kStop;
  switch (node.type) {
    case NodeType::kText:
      emit(node.constant.text());
      return Flow::kNext;
    case NodeType::kReference:
      print(node);
      return Flow::kNext;
    case NodeType::kSet:
      return set(node);
    case NodeType::kIf:
      return if_else(node);
    case NodeType::kForeach:
      return foreach (node);
    case NodeType::kDefine: {
      auto* made = arena().make<BlockObject>();
      made->type = Object::Type::kBlock;
      made->body = &node.children[0];
      slots_[node.slot] = Value::of(static_cast<Object*>(made));
      return Flow::kNext;
    }
    case NodeType::kBreak:
    case NodeType::kStop:
      return stop_or_break(node);
    case NodeType::kRefused:
      fail(std::string(node.constant.text()));
      return Flow::kStop;
    default:
      return block(node);
  }
}

Interpreter::Flow Interpreter::stop_or_break(const Node& node) {
  if (node.type == NodeType::kStop) return Flow::kStop;
  break_to_ = nullptr;
  if (!node.children.empty()) {
    const Value scope = evaluate(node.children[0]);
    if (scope.kind != Kind::kObject || scope.object->type != Object::Type::kForeach) {
      fail("#break takes a loop, as in #break($foreach.parent)");
      return Flow::kStop;
    }
    break_to_ = scope.object;
  }
  return Flow::kBreak;
}

Interpreter::Flow Interpreter::set(const Node& node) {
  const Value value = evaluate(node.children[1]);
  if (failure_) return Flow::kStop;
  if (value.is_null()) return Flow::kNext;  // as Velocity: the variable keeps its value
  assign(*node.children[0].reference, value);
  return Flow::kNext;
}

void Interpreter::assign(const Reference& target, Value value) {
  if (target.accesses.empty()) {
    if (!target.bare && target.plain) slots_[target.slot] = value;
    return;
  }
  Value object = slots_[target.slot];
  for (std::size_t i = 0; i + 1 < target.accesses.size() && !object.is_null(); ++i) {
    object = access(object, target.accesses[i]);
  }
  if (object.is_null() || failure_) return;
  const Access& last = target.accesses.back();
  if (last.type == Access::Type::kIndex) {
    assign_index(object, last.arguments[0], value);
  } else if (last.type == Access::Type::kProperty) {
    if (object.kind == Kind::kMap) {
      object.map->put(arena(), last.name, value);
    } else if (object.kind == Kind::kEntry && last.name == "value") {
      object.entry->value = value;
    } else if (object.kind == Kind::kObject && object.object->type == Object::Type::kForeach) {
      auto& scope = static_cast<ForeachScope&>(*object.object);
      if (scope.extra == nullptr) scope.extra = make_map(arena());
      scope.extra->put(arena(), last.name, value);
    }
  }
}

void Interpreter::assign_index(const Value& object, const Node& argument, Value value) {
  const Value key = evaluate(argument);
  if (object.kind == Kind::kMap) {
    object.map->put(arena(), key, value);
  } else if (object.kind == Kind::kList && key.kind == Kind::kInt) {
    const auto size = static_cast<std::int64_t>(object.list->items.size);
    const std::int64_t at = key.integer < 0 ? key.integer + size : key.integer;
    if (at < 0 || at >= size) {
      fail("Index " + std::to_string(at) + " out of bounds for length " + std::to_string(size));
      return;
    }
    object.list->items[static_cast<std::size_t>(at)] = value;
  }
}

Interpreter::Flow Interpreter::if_else(const Node& node) {
  std::size_t i = 0;
  for (; i + 1 < node.children.size(); i += 2) {
    if (truth(node.children[i])) return block(node.children[i + 1]);
    if (failure_) return Flow::kStop;
  }
  return i < node.children.size() ? block(node.children[i]) : Flow::kNext;
}

// What #foreach runs over: lists, a map's values, iterators. False: nothing to run over.
bool Interpreter::elements(const Value& v, List*& out) {
  if (v.kind == Kind::kList) {
    out = v.list;
    return true;
  }
  if (v.kind == Kind::kMap) {
    out = make_list(arena(), ListKind::kArrayList);
    for (const Entry* e : v.map->entries)
      out->items.push(arena(), e->value);
    return true;
  }
  if (v.kind == Kind::kObject && v.object->type == Object::Type::kIterator) {
    auto& iterator = static_cast<IteratorObject&>(*v.object);
    out = make_list(arena(), ListKind::kArrayList);
    for (; iterator.next < iterator.list->items.size; ++iterator.next) {
      out->items.push(arena(), iterator.list->items[iterator.next]);
    }
    return true;
  }
  return false;
}

Interpreter::Flow Interpreter::foreach (const Node& node) {
  const Value over = evaluate(node.children[0]);
  List* list = nullptr;
  if (failure_ || !elements(over, list)) return Flow::kNext;
  const Value saved_item = slots_[node.slot];
  const Value saved_count = slots_[kSlotVelocityCount];
  const Value saved_next = slots_[kSlotVelocityHasNext];
  const Value saved_scope = slots_[kSlotForeach];
  auto* scope = arena().make<ForeachScope>();
  scope->type = Object::Type::kForeach;
  scope->parent = saved_scope;
  slots_[kSlotForeach] = Value::of(static_cast<Object*>(scope));
  Flow flow = Flow::kNext;
  for (std::size_t i = 0; i < list->items.size && i < env_.limits().loop_rounds; ++i) {
    if (!step(node)) break;
    scope->index = static_cast<std::int64_t>(i);
    scope->has_next = i + 1 < list->items.size;
    slots_[kSlotVelocityCount] = Value::of_int(static_cast<std::int64_t>(i) + 1);
    slots_[kSlotVelocityHasNext] = Value::of(scope->has_next);
    slots_[node.slot] = list->items[i];
    flow = block(node.children[1]);
    if (failure_ || flow == Flow::kStop || scope->stopped) break;
    if (flow == Flow::kBreak) {
      if (break_to_ == nullptr || break_to_ == scope) flow = Flow::kNext;
      break_to_ = flow == Flow::kNext ? nullptr : break_to_;
      break;
    }
  }
  slots_[node.slot] = saved_item;
  slots_[kSlotVelocityCount] = saved_count;
  slots_[kSlotVelocityHasNext] = saved_next;
  slots_[kSlotForeach] = saved_scope;
  return scope->stopped && flow != Flow::kStop ? Flow::kNext : flow;
}

// A #define'd block. False: it calls itself too deeply.
bool Interpreter::print_block(BlockObject& b) {
  constexpr int kDefineDepthMax = 2;  // Velocity's own
  if (b.depth >= kDefineDepthMax) return false;
  ++b.depth;
  const Flow flow = block(*b.body);
  if (flow == Flow::kStop && !failure_) fail(RenderError::kTemplate, "#stop inside #define");
  --b.depth;
  return true;
}

void Interpreter::print_value(const Value& v) {
  switch (v.kind) {
    case Kind::kString:
    case Kind::kBigInteger:
    case Kind::kBigDecimal:
      emit(v.text());
      return;
    case Kind::kNull:
      return;
    default:
      if (!append_java(*out_, v, env_.limits().output_bytes + out_start_)) {
        fail(RenderError::kLimit, "the output is too long, or a value holds itself");
      }
  }
}

void Interpreter::print(const Node& node) {
  const Reference& ref = *node.reference;
  if (ref.bare) {
    emit(ref.null_text);
    return;
  }
  const Value v = reference(node);
  if (failure_) return;
  if (ref.escaped) {
    emit(ref.escape + ref.null_text);
    return;
  }
  if (v.kind == Kind::kObject && v.object->type == Object::Type::kBlock) {
    // A block prints itself alone; one that cannot, prints as written.
    if (!print_block(static_cast<BlockObject&>(*v.object))) {
      emit(ref.escape + ref.prefix + ref.null_text);
    }
    return;
  }
  if (!ref.escape.empty()) emit(ref.escape);
  if (!ref.prefix.empty()) emit(ref.prefix);
  print_value(v);
}

Value Interpreter::reference(const Node& node) {
  const Reference& ref = *node.reference;
  if (ref.bare) return Value::null();
  Value v = slots_[ref.slot];
  for (const Access& a : ref.accesses) {
    if (v.is_null() || failure_) break;
    v = access(v, a);
  }
  if (env_.seen != nullptr && !failure_ && !ref.escaped) note(node, v);
  return v.is_null() ? empty() : v;
}

void Interpreter::note(const Node& node, const Value& v) {
  if (env_.seen->size() >= kSeenMax) return;
  Seen seen;
  locate(program_.text, node.at, seen.line, seen.column);
  seen.written = node.literal;
  seen.type = type_name(v);
  if (v.kind == Kind::kObject && v.object->type == Object::Type::kBlock) {
    seen.value = "a block";
  } else if (!v.is_null()) {
    append_java(seen.value, v, 4 * kSeenBytesMax);
  }
  if (seen.value.size() > kSeenBytesMax) {
    std::size_t end = kSeenBytesMax;
    while ((static_cast<unsigned char>(seen.value[end]) & 0xc0) == 0x80)
      --end;
    seen.value.resize(end);
    seen.value += "…";
  }
  env_.seen->push_back(std::move(seen));
}

bool Interpreter::truth(const Node& node) {
  if (!step(node)) return false;
  switch (node.type) {
    case NodeType::kReference: {
      const Value v = reference(node);
      return v.kind == Kind::kBool ? v.boolean : !v.is_null();
    }
    case NodeType::kConstant:
      return node.constant.kind == Kind::kBool && node.constant.boolean;
    case NodeType::kGroup: {
      if (++depth_ > env_.limits().depth)
        fail(RenderError::kLimit, "the template nests too deeply");
      const bool result = truth(node.children[0]);
      --depth_;
      return result;
    }
    case NodeType::kNot:
      return !truth(node.children[0]);
    case NodeType::kOr:
      return truth(node.children[0]) || truth(node.children[1]);
    case NodeType::kAnd:
      return truth(node.children[0]) && truth(node.children[1]);
    case NodeType::kEqual:
    case NodeType::kNotEqual: {
      const Value left = evaluate(node.children[0]);
      const Value right = evaluate(node.children[1]);
      return equal(left, right) == (node.type == NodeType::kEqual);
    }
    case NodeType::kLess:
    case NodeType::kGreater:
    case NodeType::kLessEqual:
    case NodeType::kGreaterEqual:
      return ordered(node);
    default:
      return false;  // any other expression is false, as in Velocity 1.7
  }
}

bool Interpreter::equal(const Value& left, const Value& right) {
  if (left.is_string() && right.is_string()) return left.text() == right.text();
  if (left.is_number() && right.is_number()) return compare_numbers(left, right) == 0;
  if (left.is_null() || right.is_null()) return left.is_null() && right.is_null();
  if (left.kind == right.kind && left.kind != Kind::kObject) return equals(left, right);
  return text_of(left) == text_of(right);
}

bool Interpreter::ordered(const Node& node) {
  const Value left = evaluate(node.children[0]);
  const Value right = evaluate(node.children[1]);
  if (!left.is_number() || !right.is_number()) return false;
  const int order = compare_numbers(left, right);
  switch (node.type) {
    case NodeType::kLess:
      return order < 0;
    case NodeType::kGreater:
      return order > 0;
    case NodeType::kLessEqual:
      return order <= 0;
    default:
      return order >= 0;
  }
}

Value Interpreter::evaluate(const Node& node) {
  switch (node.type) {
    case NodeType::kConstant:
      return node.constant;
    case NodeType::kReference:
      if (!step(node) || !node.reference->computable) return Value::null();
      return reference(node);
    default:
      break;
  }
  if (!step(node)) return Value::null();
  if (++depth_ > env_.limits().depth) fail(RenderError::kLimit, "the template nests too deeply");
  Value v;
  switch (node.type) {
    case NodeType::kInterpolated:
      v = interpolate(node);
      break;
    case NodeType::kRange:
      v = range(node);
      break;
    case NodeType::kMap: {
      Map* map = make_map(arena());
      for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
        const Value key = evaluate(node.children[i]);
        map->put(arena(), key, evaluate(node.children[i + 1]));
      }
      v = Value::of(map);
      break;
    }
    case NodeType::kList: {
      List* list = make_list(arena(), ListKind::kArrayList);
      for (const Node& child : node.children)
        list->items.push(arena(), evaluate(child));
      v = Value::of(list);
      break;
    }
    case NodeType::kGroup:
      v = evaluate(node.children[0]);
      break;
    case NodeType::kAdd:
      v = add(node);
      break;
    case NodeType::kSubtract:
    case NodeType::kMultiply:
    case NodeType::kDivide:
    case NodeType::kModulo:
      v = arithmetic(node);
      break;
    default:
      v = Value::of(truth(node));
  }
  --depth_;
  return v;
}

Value Interpreter::interpolate(const Node& node) {
  std::string text;
  std::string* const before = std::exchange(out_, &text);
  const std::size_t start = std::exchange(out_start_, 0);
  const Flow flow = block(node.children[0]);
  out_ = before;
  out_start_ = start;
  if (flow == Flow::kStop && !failure_) fail("#stop inside a string");
  if (!node.interpolates_comment && !text.empty()) text.pop_back();
  return string(text);
}

Value Interpreter::range(const Node& node) {
  const Value left = evaluate(node.children[0]);
  const Value right = evaluate(node.children[1]);
  const auto whole = [](const Value& v) {
    return static_cast<std::int64_t>(static_cast<std::int32_t>(
        v.kind == Kind::kDouble
            ? static_cast<std::int64_t>(std::clamp(v.real, -2147483648.0, 2147483647.0))
            : v.integer));
  };
  if (!left.is_number() || !right.is_number() || left.kind == Kind::kBigInteger ||
      left.kind == Kind::kBigDecimal || right.kind == Kind::kBigInteger ||
      right.kind == Kind::kBigDecimal) {
    return Value::null();
  }
  const std::int64_t from = whole(left);
  const std::int64_t to = whole(right);
  const std::int64_t count = (from > to ? from - to : to - from) + 1;
  if (count > 1'000'000) return fail(RenderError::kLimit, "a range of more than 1,000,000 numbers");
  List* list = make_list(arena(), ListKind::kArrayList);
  list->items.reserve(arena(), static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    list->items.push(arena(), Value::of_int(from >= to ? from - i : from + i));
  }
  return Value::of(list);
}

Value Interpreter::add(const Node& node) {
  Value left = evaluate(node.children[0]);
  Value right = evaluate(node.children[1]);
  if (!left.is_string() && !right.is_string()) return calculate(*this, node.type, left, right);
  if (left.is_null()) left = Value::of(node.children[0].literal);
  if (right.is_null()) right = Value::of(node.children[1].literal);
  const std::string_view a = text_of(left);
  const std::string_view b = text_of(right);
  if (a.size() + b.size() > text_bytes_max()) {
    return fail(RenderError::kLimit, "a text grows too long");
  }
  char* joined = arena().make_array<char>(a.size() + b.size());
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), joined));
  return Value::of(std::string_view(joined, a.size() + b.size()));
}

Value Interpreter::arithmetic(const Node& node) {
  const Value left = evaluate(node.children[0]);
  const Value right = evaluate(node.children[1]);
  return calculate(*this, node.type, left, right);
}

Value Interpreter::access(const Value& object, const Access& a) {
  at_ = a.at;
  switch (a.type) {
    case Access::Type::kProperty:
      return property(object, a.name);
    case Access::Type::kIndex:
      return index(object, a.arguments[0]);
    case Access::Type::kMethod:
      return call(object, a);
  }
  return Value::null();
}

Value Interpreter::index(const Value& object, const Node& argument) {
  Value key = evaluate(argument);
  if (object.kind == Kind::kMap) {
    if (key.kind == Kind::kInt && key.integer < 0) {
      key.integer += static_cast<std::int64_t>(object.map->entries.size);
    }
    return object.map->get(key);
  }
  if (key.kind != Kind::kInt) return Value::null();
  if (object.kind != Kind::kList) {
    if (key.integer >= 0) return Value::null();
    return fail("a negative index takes a list or a map");
  }
  const auto size = static_cast<std::int64_t>(object.list->items.size);
  const std::int64_t at = key.integer < 0 ? key.integer + size : key.integer;
  if (at < 0 || at >= size) {
    return fail("Index " + std::to_string(at) + " out of bounds for length " +
                std::to_string(size));
  }
  return object.list->items[static_cast<std::size_t>(at)];
}

Value Interpreter::property(const Value& object, std::string_view name) {
  switch (object.kind) {
    case Kind::kMap:
      return object.map->get(name);
    case Kind::kEntry:
      if (name == "key") return object.entry->key;
      if (name == "value") return object.entry->value;
      return Value::null();
    case Kind::kString:
      if (name == "empty") return Value::of(object.length == 0);
      if (name == "blank") return call_string(*this, object.text(), Method::k_isBlank, {});
      return Value::null();
    case Kind::kList:
      return name == "empty" ? Value::of(object.list->items.size == 0) : Value::null();
    case Kind::kObject:
      if (object.object->type == Object::Type::kInput && name == "body") return Value::of(body_);
      if (object.object->type == Object::Type::kForeach) {
        return scope_property(static_cast<ForeachScope&>(*object.object), name);
      }
      return Value::null();
    default:
      return Value::null();
  }
}

Value Interpreter::scope_property(ForeachScope& scope, std::string_view name) {
  if (name == "index") return Value::of_int(scope.index);
  if (name == "count") return Value::of_int(scope.index + 1);
  if (name == "hasNext") return Value::of(scope.has_next);
  if (name == "first") return Value::of(scope.index < 1);
  if (name == "last") return Value::of(!scope.has_next);
  const auto is_scope = [](const Value& v) {
    return v.kind == Kind::kObject && v.object->type == Object::Type::kForeach;
  };
  if (name == "parent") return is_scope(scope.parent) ? scope.parent : Value::null();
  if (name == "topmost") {
    ForeachScope* top = &scope;
    while (is_scope(top->parent))
      top = static_cast<ForeachScope*>(top->parent.object);
    return Value::of(static_cast<Object*>(top));
  }
  return scope.extra == nullptr ? Value::null() : scope.extra->get(name);
}

Value Interpreter::scope_call(ForeachScope& scope, Method m, std::span<const Value> args) {
  switch (m) {
    case Method::k_hasNext:
    case Method::k_getHasNext:
      return Value::of(scope.has_next);
    case Method::k_getIndex:
      return Value::of_int(scope.index);
    case Method::k_getCount:
      return Value::of_int(scope.index + 1);
    case Method::k_isFirst:
    case Method::k_getFirst:
      return Value::of(scope.index < 1);
    case Method::k_isLast:
    case Method::k_getLast:
      return Value::of(!scope.has_next);
    case Method::k_getParent:
      return scope_property(scope, "parent");
    case Method::k_getTopmost:
      return scope_property(scope, "topmost");
    case Method::k_stop:
      scope.stopped = true;
      return empty();
    case Method::k_get:
      return args.size() == 1 && args[0].is_string() ? scope_property(scope, args[0].text())
                                                     : Value::null();
    default:
      return Value::null();
  }
}

Value Interpreter::call(const Value& object, const Access& a) {
  constexpr std::size_t kArgumentsMax = 16;
  if (a.arguments.size() > kArgumentsMax) return fail("a call with more than 16 arguments");
  std::array<Value, kArgumentsMax> storage;
  for (std::size_t i = 0; i < a.arguments.size(); ++i)
    storage[i] = evaluate(a.arguments[i]);
  if (failure_) return Value::null();
  at_ = a.at;
  const std::span<const Value> args(storage.data(), a.arguments.size());
  const Method m = a.method;
  if (m == Method::k_toString && args.empty()) return Value::of(text_of(object));
  if (m == Method::k_equals && args.size() == 1) {
    return Value::of(object.kind == args[0].kind && equals(object, args[0]));
  }
  if (m == Method::k_hashCode && args.empty() && !object.is_string()) {
    return Value::of_int(java_hash(text_of(object)));
  }
  switch (object.kind) {
    case Kind::kString:
      return call_string(*this, object.text(), m, args);
    case Kind::kList:
      return call_list(*this, *object.list, m, args);
    case Kind::kMap:
      return call_map(*this, *object.map, m, args);
    case Kind::kEntry:
      return call_entry(*this, *object.entry, m, args);
    case Kind::kBool:
      return call_bool(*this, object.boolean, m, args);
    case Kind::kNull:
      return Value::null();
    case Kind::kObject:
      break;
    default:
      return call_number(*this, object, m, args);
  }
  switch (object.object->type) {
    case Object::Type::kInput:
      return input_call(a, args);
    case Object::Type::kUtil:
      return call_util(*this, m, args);
    case Object::Type::kForeach:
      return scope_call(static_cast<ForeachScope&>(*object.object), m, args);
    case Object::Type::kIterator:
      return call_iterator(*this, static_cast<IteratorObject&>(*object.object), m, args);
    case Object::Type::kBlock:
      return Value::null();
  }
  return Value::null();
}

// The payload, parsed when it is first asked for and shared by all who ask.
Value Interpreter::document() {
  if (parsed_) return document_;
  parsed_ = true;
  auto read = read_json(arena(), body_);
  if (!read) {
    if (read.error().code == JsonError::kLimit)
      return fail(RenderError::kLimit, read.error().message);
    return fail(RenderError::kPayload,
                "Could not process payloadnet.minidev.json.parser."
                "ParseException: " +
                    read.error().message);
  }
  document_ = *read;
  return document_;
}

Value Interpreter::input_path(const Access& a, std::span<const Value> args) {
  const Value root = document();
  if (failure_) return Value::null();
  const auto read = [&](const jsonpath::Path& path) -> Value {
    auto found = path.read(arena(), root);
    if (found) return *found;
    return fail(found.error().code == jsonpath::PathError::kLimit ? RenderError::kLimit
                                                                  : RenderError::kTemplate,
                found.error().message);
  };
  if (a.path) return read(*a.path);
  const auto path = jsonpath::Path::compile(text_of(args[0]));
  if (!path) return fail(path.error().message);
  return read(*path);
}

Value Interpreter::input_call(const Access& a, std::span<const Value> args) {
  switch (a.method) {
    case Method::k_path:
      return args.size() == 1 ? input_path(a, args) : Value::null();
    case Method::k_json: {
      if (args.size() != 1) return Value::null();
      const Value v = input_path(a, args);
      if (failure_) return Value::null();
      if (v.is_null()) return Value::of(std::string_view("\"\""));
      std::string text;
      if (!append_json(text, v, Slash::kPlain, text_bytes_max())) {
        return fail(RenderError::kLimit, "a text grows too long");
      }
      return string(text);
    }
    case Method::k_params:
      return input_params(args);
    default:
      return Value::null();
  }
}

Value Interpreter::input_params(std::span<const Value> args) {
  if (args.empty()) return params_map();
  if (args.size() != 1) return Value::null();
  const std::string_view name = text_of(args[0]);
  const Parameters& p = env_.params();
  for (const Pairs* pairs : {&p.path, &p.querystring, &p.header}) {
    for (auto pair = pairs->rbegin(); pair != pairs->rend(); ++pair) {
      if (pair->first == name) return Value::of(pair->second);
    }
  }
  return Value::null();
}

Value Interpreter::params_map() {
  const Parameters& p = env_.params();
  Map* all = make_map(arena());
  const auto add = [&](std::string_view name, const Pairs& pairs) {
    Map* map = make_map(arena());
    for (const auto& [key, value] : pairs)
      map->put(arena(), key, Value::of(value));
    all->put(arena(), name, Value::of(map));
  };
  add("path", p.path);
  add("querystring", p.querystring);
  add("header", p.header);
  return Value::of(all);
}

std::expected<Template, TemplateFailure> Template::compile(std::string text) {
  if (text.size() > kTemplateBytesMax) {
    return std::unexpected(TemplateFailure{"a template of more than 300 KiB", 1, 1});
  }
  auto program = parse(std::move(text));
  if (!program) return std::unexpected(std::move(program.error()));
  return Template(std::shared_ptr<const Program>(std::move(*program)));
}

std::expected<void, RenderFailure> Template::render(Environment& env, std::string_view body,
                                                    std::string& out) const {
  return Interpreter(*program_, env, body, out).run();
}

}  // namespace sluice::gateway::vtl
