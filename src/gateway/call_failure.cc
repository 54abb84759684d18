// What the client is told when the gateway itself ends a call: the usual reply of AWS, or what the
// API's gateway responses make of it.
#include "base/json_writer.h"
#include "gateway/call.h"
#include "gateway/header_rules.h"
#include "gateway/model_json.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kJson = "application/json";

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

}  // namespace

void Call::fail(const Error& error) {
  http::Response out;
  out.status = error.status;
  out.headers.set("Content-Type", kJson);
  out.headers.set("x-amzn-ErrorType", error.type);
  out.body = (error.spaced ? "{\"message\": " : "{\"message\":") + quoted(error.message) + "}";
  const CompiledGatewayResponse* custom =
      stage_ == nullptr ? nullptr : stage_->gateway_response(error.response, error.status);
  if (custom != nullptr) customize(error, *custom, out);
  finish(std::move(out));
}

void Call::customize(const Error& error, const CompiledGatewayResponse& custom,
                     http::Response& out) {
  read_request();
  note_error(error);
  if (custom.status != 0) out.status = custom.status;
  const auto with = [&](const std::pair<std::string, std::string>& t) {
    out.body = substitute(t.second, [this](std::string_view name) { return value_of(name); });
    out.headers.set("Content-Type", t.first);
  };
  const auto of_type = [&](std::string_view type) {
    for (const auto& t : custom.templates) {
      if (lower(t.first) == type) return &t;
    }
    return static_cast<const OrderedMap::value_type*>(nullptr);
  };
  if (!custom.templates.empty()) {
    const auto* chosen = of_type(media_type_of(request_.headers.get("accept")));
    if (chosen == nullptr) chosen = of_type(kJson);
    with(chosen == nullptr ? custom.templates.front() : *chosen);
  }
  for (const Mapping& m : custom.headers) {
    const auto value = evaluate(m.value, false);
    if (value && !value->empty() && may_be_header_name(m.name) && may_be_header_value(*value))
      out.headers.set(m.name, *value);
  }
}

// $context.error
void Call::note_error(const Error& error) {
  if (env_.context.kind != Kind::kMap) env_.context = build_context();
  Arena& arena = env_.arena();
  Map* map = make_map(arena);
  const auto put = [&](std::string_view name, std::string_view text) {
    map->put(arena, name, Value::of(arena.copy(text)));
  };
  put("message", error.message);
  put("messageString", quoted(error.message));
  put("responseType", to_text(error.response));
  put("validationErrorString", error.detail);
  env_.context.map->put(arena, "error", Value::of(map));
}

// A variable of a gateway response's template; what is not there is empty.
std::string Call::value_of(std::string_view expression) {
  const auto value =
      evaluate(parse_expression(expression, "method.request.", "method.request.body"), false);
  return value.value_or("");
}

}  // namespace sluice::gateway
