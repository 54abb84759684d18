// Rules for one mapping template: a walk over the compiled form in the order of printing, which
// knows whether it is inside a JSON string and which variables came out of the payload.
#include <set>
#include <unordered_map>

#include "gateway/lint.h"
#include "gateway/vtl/parser.h"

namespace sluice::gateway {
namespace {

using vtl::Access;
using vtl::Node;
using vtl::NodeType;
using vtl::Reference;

constexpr std::string_view kPartitionKey = "\"PartitionKey\"";

class TemplateLint {
 public:
  explicit TemplateLint(const vtl::Program& program) : program_(program) {
    for (const auto& [name, slot] : program.slots)
      names_[slot] = name;
  }

  std::vector<Finding> run() {
    collect(program_.root);
    const std::size_t first = program_.text.find_first_not_of(" \t\r\n");
    json_ =
        first != std::string::npos &&
        (program_.text[first] == '{' || program_.text[first] == '[' || program_.text[first] == '#');
    walk(program_.root);
    return std::move(findings_);
  }

 private:
  void report(std::uint32_t at, const char* rule, std::string message) {
    Finding f;
    vtl::locate(program_.text, at, f.line, f.column);
    f.rule = rule;
    f.message = std::move(message);
    findings_.push_back(std::move(f));
  }

  // Which names are given a value anywhere, and which of them come from the payload.
  void collect(const Node& node) {
    if (node.type == NodeType::kSet) {
      const Reference& target = *node.children[0].reference;
      assigned_.insert(target.slot);
      if (target.accesses.empty() && from_payload(node.children[1])) payload_.insert(target.slot);
      if (target.accesses.empty() && !target.plain) {
        report(node.at, "set-without-effect",
               "#set(" + std::string(node.children[0].literal) +
                   " = …) sets nothing: Velocity 1.7 takes $name there alone");
      }
    }
    if (node.type == NodeType::kForeach || node.type == NodeType::kDefine)
      assigned_.insert(node.slot);
    if (node.type == NodeType::kForeach && from_payload(node.children[0]))
      payload_.insert(node.slot);
    for (const Node& child : node.children)
      collect(child);
    if (node.reference) {
      for (const Access& a : node.reference->accesses) {
        for (const Node& argument : a.arguments)
          collect(argument);
      }
    }
  }

  // $input.path(…), and variables and loops over it: an object prints as {a=b}.
  bool from_payload(const Node& node) const {
    if (node.type != NodeType::kReference) return false;
    const Reference& ref = *node.reference;
    if (ref.slot == vtl::kSlotInput) {
      return !ref.accesses.empty() && ref.accesses[0].name == "path" && no_text(ref, 1);
    }
    return payload_.contains(ref.slot) && no_text(ref, 0);
  }

  // Properties and indexes alone: a method gives something else.
  static bool no_text(const Reference& ref, std::size_t from) {
    for (std::size_t i = from; i < ref.accesses.size(); ++i) {
      if (ref.accesses[i].type == Access::Type::kMethod && ref.accesses[i].name != "get")
        return false;
    }
    return true;
  }

  void walk(const Node& node) {
    if (node.type == NodeType::kText) return text(node);
    if (node.type == NodeType::kReference) {
      check(node);
      if (in_string_ && json_) printed(node);
      return;
    }
    const bool prints = node.type == NodeType::kBlock || node.type == NodeType::kIf ||
                        node.type == NodeType::kForeach || node.type == NodeType::kDefine;
    for (const Node& child : node.children) {
      if (prints && (child.type == NodeType::kBlock || node.type == NodeType::kBlock)) {
        walk(child);
      } else {
        expression(child);
      }
    }
  }

  void expression(const Node& node) {
    if (node.type == NodeType::kReference) check(node);
    for (const Node& child : node.children)
      expression(child);
  }

  void text(const Node& node) {
    const std::string_view t = node.constant.text();
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (in_string_ && t[i] == '\\') {
        ++i;
      } else if (t[i] == '"') {
        if (!in_string_ && t.substr(i).starts_with(kPartitionKey)) constant_key(t, i, node.at);
        in_string_ = !in_string_;
      }
    }
  }

  void constant_key(std::string_view t, std::size_t from, std::uint32_t at) {
    std::size_t i = t.find_first_not_of(" \t\r\n:", from + kPartitionKey.size());
    if (i == std::string_view::npos || t[i] != '"') return;
    const std::size_t end = t.find('"', i + 1);
    if (end == std::string_view::npos || end == i + 1) return;
    // Text nodes are cut out of the template as they stand, comments aside.
    report(at + static_cast<std::uint32_t>(from), "constant-partition-key",
           "every record has the partition key " + std::string(t.substr(i, end - i + 1)) +
               ": all go to one shard");
  }

  // Names, methods and paths of one reference, and of those in its arguments.
  void check(const Node& node) {
    const Reference& ref = *node.reference;
    if (ref.escaped || ref.bare) return;
    const auto name = names_.find(ref.slot);
    if (ref.slot >= vtl::kFixedSlots && !assigned_.contains(ref.slot) && name != names_.end()) {
      report(node.at, "unknown-variable",
             "$" + name->second + " is never set: it prints nothing, and is true in #if");
    }
    if (!ref.accesses.empty()) own_method(ref, ref.accesses[0]);
    for (const Access& a : ref.accesses) {
      for (const Node& argument : a.arguments)
        expression(argument);
    }
  }

  void own_method(const Reference& ref, const Access& a) {
    static const std::set<std::string_view> kInput = {"path", "json", "params"};
    static const std::set<std::string_view> kUtil = {
        "base64Encode", "base64Decode", "escapeJavaScript", "urlEncode", "urlDecode", "parseJson"};
    const bool input = ref.slot == vtl::kSlotInput;
    if (!input && ref.slot != vtl::kSlotUtil) return;
    const bool method = a.type == Access::Type::kMethod;
    const bool known =
        method ? (input ? kInput : kUtil).contains(a.name) : input && a.name == "body";
    if (!known) {
      report(a.at, "unknown-method",
             std::string(input ? "$input." : "$util.") + a.name + (method ? "()" : "") +
                 " does not exist in templates of REST APIs: it prints nothing");
    }
    if (!method || a.arguments.size() != 1) return;
    const Node& argument = a.arguments[0];
    if (input && a.name != "params" && argument.type == NodeType::kConstant &&
        argument.constant.is_string() && !a.path) {
      const auto path = jsonpath::Path::compile(argument.constant.text());
      report(a.at, "broken-path",
             path ? "a broken path" : path.error().message + ": AWS answers 500");
    }
    if (!input && a.name == "base64Encode" && from_payload(argument)) {
      report(a.at, "object-under-base64",
             "where " + std::string(argument.literal) +
                 " is an object, {a=b} is encoded and no JSON: use $input.json(…)");
    }
  }

  // A value printed between quotes.
  void printed(const Node& node) {
    const Reference& ref = *node.reference;
    if (ref.escaped || ref.bare) return;
    const std::string written(node.literal);
    const std::string first = ref.accesses.empty() ? "" : ref.accesses[0].name;
    if (ref.slot == vtl::kSlotUtil && first == "escapeJavaScript" && ref.accesses.size() == 1) {
      report(node.at, "escaped-apostrophe",
             written + " writes ' as \\', which is no JSON: add .replaceAll(\"\\\\'\", \"'\")");
    } else if (ref.slot == vtl::kSlotInput && first == "json") {
      report(node.at, "json-in-quotes",
             written + " brings its own quotes: inside a string they end it");
    } else if (from_payload(node) ||
               (ref.slot == vtl::kSlotInput && (first == "params" || first == "body"))) {
      report(node.at, "unescaped-value",
             written +
                 " is printed as it is: a quote or a line break in it breaks the JSON. Use "
                 "$util.escapeJavaScript(…).replaceAll(\"\\\\'\", \"'\")");
    }
  }

  const vtl::Program& program_;
  std::unordered_map<std::uint32_t, std::string> names_;
  std::set<std::uint32_t> assigned_;
  std::set<std::uint32_t> payload_;
  std::vector<Finding> findings_;
  bool json_ = false;
  bool in_string_ = false;
};

}  // namespace

std::vector<Finding> lint_template(std::string_view text) {
  auto program = vtl::parse(std::string(text));
  if (!program) {
    const auto& e = program.error();
    return {{e.line, e.column, "does-not-compile", e.message + ": AWS answers 500"}};
  }
  return TemplateLint(**program).run();
}

}  // namespace sluice::gateway
