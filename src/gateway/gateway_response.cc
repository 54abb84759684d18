#include "gateway/gateway_response.h"

#include <array>

namespace sluice::gateway {
namespace {

bool is_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

// The dotted name at the start of `text`; a dot that nothing follows is no part of it.
std::string_view dotted_name(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && (is_name(text[end]) || (text[end] == '.' && end + 1 < text.size() &&
                                                      is_name(text[end + 1]))))
    ++end;
  return text.substr(0, end);
}

bool is_variable(std::string_view name) {
  return name.starts_with("context.") || name.starts_with("stageVariables.") ||
         name.starts_with("method.request.");
}

}  // namespace

std::string_view to_text(ResponseType type) {
  switch (type) {
    case ResponseType::kDefault4xx:
      return "DEFAULT_4XX";
    case ResponseType::kDefault5xx:
      return "DEFAULT_5XX";
    case ResponseType::kApiConfigurationError:
      return "API_CONFIGURATION_ERROR";
    case ResponseType::kBadRequestBody:
      return "BAD_REQUEST_BODY";
    case ResponseType::kBadRequestParameters:
      return "BAD_REQUEST_PARAMETERS";
    case ResponseType::kIntegrationFailure:
      return "INTEGRATION_FAILURE";
    case ResponseType::kIntegrationTimeout:
      return "INTEGRATION_TIMEOUT";
    case ResponseType::kMissingAuthenticationToken:
      return "MISSING_AUTHENTICATION_TOKEN";
    case ResponseType::kRequestTooLarge:
      return "REQUEST_TOO_LARGE";
    case ResponseType::kUnsupportedMediaType:
      return "UNSUPPORTED_MEDIA_TYPE";
  }
  return "";
}

std::optional<Mapping> parse_gateway_mapping(std::string_view target, std::string_view source) {
  constexpr std::string_view kRoot = "gatewayresponse.header.";
  if (!target.starts_with(kRoot) || target.size() == kRoot.size()) return std::nullopt;
  Mapping m;
  m.name = target.substr(kRoot.size());
  m.value = parse_expression(source, "method.request.", "method.request.body");
  if (m.value.source == Expression::Source::kBroken) return std::nullopt;
  return m;
}

std::string substitute(std::string_view text,
                       const std::function<std::string(std::string_view)>& value_of) {
  std::string out;
  for (;;) {
    const std::size_t at = text.find('$');
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
    const std::string_view name = dotted_name(text);
    if (!is_variable(name)) {
      out += '$';
      continue;
    }
    out += value_of(name);
    text.remove_prefix(name.size());
  }
}

}  // namespace sluice::gateway
