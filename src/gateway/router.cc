#include "gateway/router.h"

#include <algorithm>

#include "http/http.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kPartsMax = 256;

std::string decoded(std::string_view text) {
  return http::percent_decode(text, false).value_or(std::string(text));
}

}  // namespace

Router::Router(const std::vector<Resource>& resources) {
  for (std::size_t i = 0; i < resources.size(); ++i) {
    Node* node = &root_;
    std::string_view rest = resources[i].path;
    while (!rest.empty()) {
      if (rest.front() == '/') {
        rest.remove_prefix(1);
        continue;
      }
      const std::string_view part = rest.substr(0, rest.find('/'));
      rest.remove_prefix(part.size());
      std::unique_ptr<Node>* next = nullptr;
      if (part.size() > 3 && part.front() == '{' && part.ends_with("+}")) {
        next = &node->greedy;
      } else if (part.size() > 2 && part.front() == '{' && part.back() == '}') {
        next = &node->variable;
      } else {
        next = &node->fixed.try_emplace(std::string(part)).first->second;
      }
      if (!*next) *next = std::make_unique<Node>();
      node = next->get();
      if (part.front() == '{') {
        node->name = part.substr(1, part.size() - (part.ends_with("+}") ? 3 : 2));
      }
    }
    node->resource = i;
    for (const auto& [name, method] : resources[i].methods) {
      if (name == "ANY") {
        node->has_any = true;
      } else {
        node->methods.push_back(name);
      }
    }
  }
}

bool Router::answers(const Node& node, std::string_view method, Route& out) {
  const bool exact =
      std::find(node.methods.begin(), node.methods.end(), method) != node.methods.end();
  if (!exact && !node.has_any) return false;
  out.resource = node.resource;
  out.method = exact ? std::string(method) : "ANY";
  return true;
}

bool Router::walk(const Node& node, std::size_t part, std::string_view method, Route& out,
                  const std::vector<std::string_view>& parts, std::string_view path) const {
  if (part == parts.size()) return answers(node, method, out);
  const std::string text = decoded(parts[part]);
  if (const auto found = node.fixed.find(text); found != node.fixed.end()) {
    if (walk(*found->second, part + 1, method, out, parts, path)) return true;
  }
  if (node.variable && !text.empty()) {
    out.parameters.emplace_back(node.variable->name, text);
    if (walk(*node.variable, part + 1, method, out, parts, path)) return true;
    out.parameters.pop_back();
  }
  if (!node.greedy || !answers(*node.greedy, method, out)) return false;
  const std::size_t from = static_cast<std::size_t>(parts[part].data() - path.data());
  out.parameters.emplace_back(node.greedy->name, decoded(path.substr(from)));
  return true;
}

bool Router::find(std::string_view method, std::string_view path, Route& out) const {
  while (path.size() > 1 && path.ends_with('/'))
    path.remove_suffix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  std::vector<std::string_view> parts;
  if (!path.empty()) {
    for (std::size_t at = 0;;) {
      const std::size_t slash = path.find('/', at);
      parts.push_back(path.substr(at, slash - at));
      if (slash == std::string_view::npos) break;
      if (parts.size() >= kPartsMax) break;  // a greedy part takes the rest anyway
      at = slash + 1;
    }
  }
  out.parameters.clear();
  return walk(root_, 0, method, out, parts, path);
}

}  // namespace sluice::gateway
