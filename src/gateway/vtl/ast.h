// A compiled template: what the parser makes and the interpreter walks. Made once, at deployment;
// const afterwards, shared by all renders.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/jsonpath/jsonpath.h"
#include "gateway/value/value.h"
#include "gateway/vtl/methods.h"

namespace sluice::gateway::vtl {

enum class NodeType : std::uint8_t {
  // statements
  kText,
  kBlock,
  kReference,  // also an expression
  kSet,
  kIf,  // condition, block, condition, block …, [block]
  kForeach,
  kDefine,
  kBreak,
  kStop,
  kRefused,  // #include, #parse: an error when reached
  // expressions
  kConstant,
  kInterpolated,
  kRange,
  kMap,
  kList,
  kGroup,  // ( … )
  kNot,
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessEqual,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
};

struct Node;

// .name, .name(arguments) or [index]
struct Access {
  enum class Type : std::uint8_t { kProperty, kMethod, kIndex };
  Type type = Type::kProperty;
  Method method = Method::kUnknown;  // kMethod
  std::string name;
  std::vector<Node> arguments;
  std::unique_ptr<jsonpath::Path> path;  // of $input.json('…') and the like
  std::uint32_t at = 0;
};

struct Reference {
  std::uint32_t slot = 0;
  bool escaped = false;  // \$x: printed, not evaluated
  bool bare = false;     // a word where a reference was expected: null, prints itself
  bool computable = true;
  bool plain = true;   // $x, not ${x} or $!x: Velocity 1.7 sets and defines nothing by the others
  std::string prefix;  // printed before the value
  std::string escape;  // backslashes, printed once more where the value is null
  std::string null_text;  // printed for a value that has no text
  std::vector<Access> accesses;
};

struct Node {
  NodeType type = NodeType::kText;
  std::uint32_t at = 0;               // byte offset in the template
  std::uint32_t slot = 0;             // of #foreach and #define
  bool interpolates_comment = false;  // kInterpolated: no blank was added
  Value constant;                     // kText, kConstant; its text belongs to the template
  std::string_view literal;           // as written; operands of + and ranges
  std::vector<Node> children;
  std::unique_ptr<Reference> reference;
};

// Fixed places in a render's variables.
enum Slot : std::uint32_t {
  kSlotInput,
  kSlotUtil,
  kSlotContext,
  kSlotStageVariables,
  kSlotForeach,
  kSlotVelocityCount,
  kSlotVelocityHasNext,
  kFixedSlots,
};

struct Program {
  std::string text;                 // the source, for places in errors
  std::deque<std::string> storage;  // constants' text
  std::unordered_map<std::string, std::uint32_t> slots;
  std::vector<bool> used;  // slot is named in the template
  Node root;

  Program();
  std::uint32_t slot(const std::string& name);
  std::string_view keep(std::string text);
};

}  // namespace sluice::gateway::vtl
