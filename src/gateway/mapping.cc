#include "gateway/mapping.h"

namespace sluice::gateway {

using Source = Expression::Source;

Expression parse_expression(std::string_view text, std::string_view request_root,
                            std::string_view body_root) {
  Expression e;
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    e.source = Source::kStatic;
    e.name = text.substr(1, text.size() - 2);
    return e;
  }
  const auto take = [&](std::string_view prefix, Source source) {
    if (!text.starts_with(prefix) || text.size() == prefix.size()) return false;
    e.source = source;
    e.name = text.substr(prefix.size());
    return true;
  };
  if (take("stageVariables.", Source::kStageVariable) || take("context.", Source::kContext))
    return e;
  if (text == body_root) {
    e.source = Source::kBody;
    return e;
  }
  if (text.starts_with(body_root) && text.size() > body_root.size() + 1 &&
      (text[body_root.size()] == '.' || text[body_root.size()] == '[')) {
    std::string_view rest = text.substr(body_root.size());
    if (rest.starts_with(".$")) rest.remove_prefix(2);
    auto path = jsonpath::Path::compile("$" + std::string(rest));
    if (path) {
      e.source = Source::kBody;
      e.path = std::move(*path);
    }
    return e;
  }
  if (!text.starts_with(request_root)) return e;
  text.remove_prefix(request_root.size());
  if (take("path.", Source::kPath) || take("querystring.", Source::kQuery) ||
      take("multivaluequerystring.", Source::kMultiQuery) || take("header.", Source::kHeader) ||
      take("multivalueheader.", Source::kMultiHeader)) {
    return e;
  }
  return e;
}

std::optional<Mapping> parse_request_mapping(std::string_view target, std::string_view source) {
  Mapping m;
  constexpr std::string_view kRoot = "integration.request.";
  if (!target.starts_with(kRoot)) return std::nullopt;
  target.remove_prefix(kRoot.size());
  const std::size_t dot = target.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view place = target.substr(0, dot);
  if (place == "header") {
    m.place = Mapping::Place::kHeader;
  } else if (place == "path") {
    m.place = Mapping::Place::kPath;
  } else if (place == "querystring") {
    m.place = Mapping::Place::kQuery;
  } else {
    return std::nullopt;
  }
  m.name = target.substr(dot + 1);
  m.value = parse_expression(source, "method.request.", "method.request.body");
  if (m.name.empty() || m.value.source == Source::kBroken) return std::nullopt;
  return m;
}

std::optional<Mapping> parse_response_mapping(std::string_view target, std::string_view source) {
  constexpr std::string_view kRoot = "method.response.header.";
  if (!target.starts_with(kRoot) || target.size() == kRoot.size()) return std::nullopt;
  Mapping m;
  m.name = target.substr(kRoot.size());
  m.value = parse_expression(source, "integration.response.", "integration.response.body");
  if (m.value.source == Source::kBroken) return std::nullopt;
  return m;
}

}  // namespace sluice::gateway
