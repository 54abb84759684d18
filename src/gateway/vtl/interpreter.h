// One render: walks a Program. Internal to vtl. Failures are kept in the interpreter and end the
// walk; values computed after a failure are thrown away.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/vtl/ast.h"
#include "gateway/vtl/vtl.h"

namespace sluice::gateway::vtl {

struct ForeachScope : Object {
  std::int64_t index = -1;
  bool has_next = false;
  bool stopped = false;
  Value parent;  // the $foreach of the loop around it
  Map* extra = nullptr;
};

struct BlockObject : Object {
  const Node* body = nullptr;
  int depth = 0;
};

struct IteratorObject : Object {
  List* list = nullptr;
  std::size_t next = 0;
};

class Interpreter {
 public:
  Interpreter(const Program& program, Environment& env, std::string_view body, std::string& out);

  std::expected<void, RenderFailure> run();

  // For methods: memory, text of values, failure.
  Arena& arena() { return env_.arena(); }
  std::string_view text_of(const Value& v);
  Value string(std::string_view text) { return Value::of(arena().copy(text)); }
  Value fail(RenderError code, std::string message);
  Value fail(std::string message) { return fail(RenderError::kTemplate, std::move(message)); }
  std::size_t text_bytes_max() const { return env_.limits().output_bytes; }

 private:
  enum class Flow { kNext, kBreak, kStop };

  Flow block(const Node& node);
  Flow statement(const Node& node);
  Flow set(const Node& node);
  Flow if_else(const Node& node);
  Flow foreach (const Node& node);
  Flow stop_or_break(const Node& node);
  void print(const Node& node);
  void print_value(const Value& v);
  bool print_block(BlockObject& block);
  void emit(std::string_view text);

  Value evaluate(const Node& node);
  bool truth(const Node& node);
  Value reference(const Node& node);
  void note(const Node& node, const Value& v);
  Value access(const Value& object, const Access& a);
  Value index(const Value& object, const Node& argument);
  Value call(const Value& object, const Access& a);
  Value property(const Value& object, std::string_view name);
  Value scope_property(ForeachScope& scope, std::string_view name);
  Value input_call(const Access& a, std::span<const Value> args);
  Value input_path(const Access& a, std::span<const Value> args);
  Value input_params(std::span<const Value> args);
  Value params_map();
  Value scope_call(ForeachScope& scope, Method m, std::span<const Value> args);
  Value interpolate(const Node& node);
  Value range(const Node& node);
  Value add(const Node& node);
  Value arithmetic(const Node& node);
  bool equal(const Value& left, const Value& right);
  bool ordered(const Node& node);
  void assign(const Reference& target, Value value);
  void assign_index(const Value& object, const Node& argument, Value value);
  bool elements(const Value& v, List*& out);
  Value document();

  bool step(const Node& node);
  static Value empty() {
    static constexpr std::string_view kNothing = "";
    return Value::of(kNothing);
  }

  const Program& program_;
  Environment& env_;
  std::string_view body_;
  std::string* out_;
  std::size_t out_start_;
  std::vector<Value> slots_;
  std::optional<RenderFailure> failure_;
  std::uint32_t at_ = 0;  // of the node being run
  std::uint64_t steps_left_;
  int depth_ = 0;
  Value document_;
  bool parsed_ = false;
  const Object* break_to_ = nullptr;  // a certain loop; null: the nearest
  Object input_{Object::Type::kInput};
  Object util_{Object::Type::kUtil};
};

// Methods by the kind of object. Null: there is no such method, or it gave null.
Value call_string(Interpreter& in, std::string_view self, Method m, std::span<const Value> args);
Value call_list(Interpreter& in, List& self, Method m, std::span<const Value> args);
Value call_map(Interpreter& in, Map& self, Method m, std::span<const Value> args);
Value call_entry(Interpreter& in, Entry& self, Method m, std::span<const Value> args);
Value call_iterator(Interpreter& in, IteratorObject& self, Method m, std::span<const Value> args);
Value call_number(Interpreter& in, const Value& self, Method m, std::span<const Value> args);
Value call_bool(Interpreter& in, bool self, Method m, std::span<const Value> args);
Value call_util(Interpreter& in, Method m, std::span<const Value> args);

// Arithmetic as Velocity's: null where the operation has no result.
Value calculate(Interpreter& in, NodeType op, const Value& left, const Value& right);
int compare_numbers(const Value& left, const Value& right);

std::int32_t java_hash(std::string_view text);
void append_escaped_javascript(std::string& out, std::string_view text);
void append_form_encoded(std::string& out, std::string_view text);

}  // namespace sluice::gateway::vtl
