#include "gateway/model_check.h"

#include <algorithm>

#include "aws/arn.h"
#include "gateway/document.h"

namespace sluice::gateway {
namespace {

bool is_part(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:$,%+@~!*'()&=;").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<std::string> problem_of(const Integration& i) {
  if (i.timeout_ms < 50 || i.timeout_ms > 29000) {
    return "Timeout should be between 50 ms and 29000 ms";
  }
  const bool http = i.type == IntegrationType::kHttp || i.type == IntegrationType::kHttpProxy;
  if (i.type == IntegrationType::kMock) return std::nullopt;
  if (http) {
    const bool variable = i.uri.starts_with("${stageVariables.");
    if (!variable && !i.uri.starts_with("http://") && !i.uri.starts_with("https://")) {
      return "Invalid HTTP endpoint specified for URI";
    }
    return std::nullopt;
  }
  const auto arn = aws::parse_arn(i.uri);
  if (!arn || arn->service != "apigateway") return "Invalid ARN specified in the request";
  if (i.uri.find(":action/") == std::string::npos && i.uri.find(":path/") == std::string::npos) {
    return "AWS ARN for integration must contain path or action";
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_path_part(const RestApi& api, const Resource& parent,
                                                const std::string& part, std::string_view self) {
  std::string_view name = part;
  const bool variable = part.starts_with('{') && part.ends_with('}');
  const bool greedy = variable && part.ends_with("+}");
  if (variable) {
    name = name.substr(1, name.size() - 2);
    if (greedy) name.remove_suffix(1);
  }
  if (!is_part(name)) {
    return "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and "
           "curly braces at the beginning and the end.";
  }
  if (parent.path_part.ends_with("+}")) {
    return "Cannot create a child of a resource with a greedy path variable: " + parent.path;
  }
  for (const Resource& r : api.resources) {
    if (r.parent_id != parent.id || r.id == self || r.path_part == part) continue;
    if (variable && r.path_part.starts_with('{') && r.path_part.ends_with("+}") == greedy) {
      return "A sibling (" + r.path_part +
             ") of this resource already has a variable path part -- only one is allowed";
    }
  }
  return std::nullopt;
}

bool is_json(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || text[start] != '{') return false;
  Arena arena(std::size_t{256} << 20);
  return read_document(arena, text).has_value();
}

}  // namespace sluice::gateway
