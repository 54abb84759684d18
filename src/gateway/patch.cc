#include "gateway/patch.h"

#include "gateway/json_fields.h"

namespace sluice::gateway {
namespace {

std::string unescaped(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool escape = part[i] == '~' && i + 1 < part.size();
    if (escape && (part[i + 1] == '0' || part[i + 1] == '1')) {
      out += part[++i] == '0' ? '~' : '/';
    } else {
      out += part[i];
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> read_patch(const Map& body, std::vector<PatchOperation>& out) {
  std::optional<std::string> error;
  fields::each_item(body, "patchOperations", [&](const Value& v) {
    if (v.kind != Kind::kMap) return;
    PatchOperation o;
    o.op = fields::text(*v.map, "op");
    o.path = fields::text(*v.map, "path");
    o.value = fields::text(*v.map, "value");
    if (o.op != "add" && o.op != "replace" && o.op != "remove") {
      error = "Invalid patch operation '" + o.op + "'. Available are add, replace and remove";
    }
    if (!o.path.starts_with('/')) error = "Invalid patch path '" + o.path + "'";
    std::string_view rest = o.path;
    while (rest.starts_with('/')) {
      rest.remove_prefix(1);
      const std::string_view part = rest.substr(0, rest.find('/'));
      o.names.push_back(unescaped(part));
      rest.remove_prefix(part.size());
    }
    out.push_back(std::move(o));
  });
  return error;
}

}  // namespace sluice::gateway
