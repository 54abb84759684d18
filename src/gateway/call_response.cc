// A call's way back: the integration response that fits, its mappings and template.
#include <charconv>

#include "base/base64.h"
#include "base/log.h"
#include "gateway/call.h"
#include "gateway/header_rules.h"
#include "gateway/value/regex.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};
constexpr std::string_view kJson = "application/json";

}  // namespace

const CompiledResponse* Call::choose_response(int status) const {
  const CompiledResponse* otherwise = nullptr;
  for (const CompiledResponse& r : method_->responses) {
    if (r.pattern.empty()) {
      if (otherwise == nullptr) otherwise = &r;
      continue;
    }
    const auto good = regex_matches(r.pattern, std::to_string(status));
    if (good && *good) return &r;
  }
  return otherwise;
}

const CompiledTemplate* Call::choose_template(const CompiledResponse& response) const {
  if (response.templates.empty()) return nullptr;
  const std::string accept = media_type_of(request_.headers.get("accept"));
  for (const std::string_view wanted : {std::string_view(accept), kJson}) {
    for (const CompiledTemplate& t : response.templates) {
      if (t.media_type == wanted) return &t;
    }
  }
  return &response.templates.front();
}

void Call::integration_answered(int status, std::string body, http::Headers headers) {
  response_body_ = std::move(body);
  response_headers_ = std::move(headers);
  const CompiledResponse* chosen = choose_response(status);
  if (chosen == nullptr) {
    kLog.debug("{}: no match for output mapping and no default output mapping", request_id_);
    return fail(configuration_error());
  }
  http::Response out;
  const Checked mapped = map_response(*chosen, status, out);
  if (!mapped) return fail(mapped.error());
  if (method_->type != IntegrationType::kMock) out.headers.set("X-Amzn-Trace-Id", trace_id());
  finish(std::move(out));
}

Call::Checked Call::map_response(const CompiledResponse& chosen, int, http::Response& out) {
  out.status = chosen.status;
  if (chosen.content_handling == ContentHandling::kConvertToText) {
    if (!is_utf8(response_body_)) response_body_ = base::base64_encode(response_body_);
  } else if (chosen.content_handling == ContentHandling::kConvertToBinary) {
    auto bytes = base::base64_decode(response_body_);
    if (!bytes) return std::unexpected(internal_error());
    response_body_ = std::move(*bytes);
  }
  std::vector<std::pair<std::string, std::string>> headers;
  for (const Mapping& m : chosen.headers) {
    auto value = evaluate(m.value, true);
    if (!value) return std::unexpected(value.error());
    if (!value->empty()) headers.emplace_back(m.name, std::move(*value));
  }
  const CompiledTemplate* t = choose_template(chosen);
  const bool unmapped = t == nullptr || (t->body && t->body->text().empty());
  std::string_view content_type = kJson;
  if (unmapped) {
    out.body = response_body_;
  } else {
    if (auto rendered = render(*t, response_body_, out.body); !rendered) return rendered;
    if (t->media_type != "$default") content_type = t->media_type;
  }
  out.headers.set("Content-Type", content_type);
  for (auto& [name, value] : headers) {
    if (!may_be_header_name(name) || !may_be_header_value(value)) continue;
    out.headers.set(shown_name(name, method_->type), value);
  }
  if (env_.context.kind == Kind::kMap) apply_overrides(out, env_.context);
  return {};
}

// What templates put into $context.responseOverride: status and headers.
void Call::apply_overrides(http::Response& out, const Value& context) {
  const Value overrides = context.map->get("responseOverride");
  if (overrides.kind != Kind::kMap) return;
  const std::string status = java_text(overrides.map->get("status"));
  int number = 0;
  const auto end = std::from_chars(status.data(), status.data() + status.size(), number);
  if (!status.empty() && end.ptr == status.data() + status.size() && number >= 100 &&
      number <= 599) {
    out.status = number;
  }
  const Value headers = overrides.map->get("header");
  if (headers.kind != Kind::kMap) return;
  for (const Entry* e : headers.map->entries) {
    const std::string name = java_text(e->key);
    if (!may_be_header_name(name)) continue;
    const std::string shown = shown_name(name, method_->type);
    out.headers.remove(shown);
    for (const std::string& value : java_texts(e->value)) {
      if (may_be_header_value(value)) out.headers.add(shown, value);
    }
  }
}

}  // namespace sluice::gateway
