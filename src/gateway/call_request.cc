// A call's way in: parameter mappings, the mapping template and its overrides.
#include "base/log.h"
#include "gateway/call.h"
#include "gateway/header_rules.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"
#include "gateway/value/utf.h"

namespace sluice::gateway {
namespace {

constexpr base::Logger kLog{"gateway"};

}  // namespace

// The method's request validator. A blank parameter counts as missing.
Call::Checked Call::validate() {
  std::string missing;
  for (const Expression& parameter : method_->required) {
    const auto value = evaluate(parameter, false);
    if (value && !value->empty()) continue;
    missing += (missing.empty() ? "" : ", ") + parameter.name;
  }
  if (missing.empty()) return validate_body();
  return std::unexpected(bad_request(ResponseType::kBadRequestParameters,
                                     "Missing required request parameters: [" + missing + "]"));
}

// An empty body is validated as {}.
Call::Checked Call::validate_body() {
  const StringMap& models = method_->body_models;
  auto model = models.find(media_type_);
  if (model == models.end()) model = models.find("$default");
  if (model == models.end()) return {};
  const std::string_view body = request_.body.empty() ? "{}" : std::string_view(request_.body);
  const auto document = read_json(env_.arena(), body);
  auto wrong = document ? stage_->schemas().check(model->second, *document)
                        : std::optional(document.error().message);
  if (!wrong) return {};
  kLog.debug("{}: the body does not fit the model {}: {}", request_id_, model->second, *wrong);
  Error error = bad_request(ResponseType::kBadRequestBody, "Invalid request body");
  error.detail = std::move(*wrong);
  return std::unexpected(std::move(error));
}

Call::Checked Call::map_request() {
  for (const Mapping& m : method_->request) {
    auto value = evaluate(m.value, false);
    if (!value) return std::unexpected(value.error());
    if (value->empty()) continue;
    switch (m.place) {
      case Mapping::Place::kHeader:
        if (is_forbidden_mapping(m.name, method_->type))
          return std::unexpected(configuration_error());
        integration_headers_.set(m.name, *value);
        break;
      case Mapping::Place::kPath:
        integration_path_.insert_or_assign(m.name, std::move(*value));
        break;
      case Mapping::Place::kQuery:
        map_query(m, std::move(*value));
        break;
    }
  }
  return {};
}

void Call::map_query(const Mapping& m, std::string value) {
  if (m.value.source != Expression::Source::kMultiQuery) {
    integration_query_.emplace_back(m.name, std::move(value));
    return;
  }
  for (const auto& [name, one] : query_) {
    if (name == m.value.name) integration_query_.emplace_back(m.name, one);
  }
}

std::expected<std::string, Call::Error> Call::evaluate(const Expression& e, bool response) {
  using Source = Expression::Source;
  const auto last = [&](const vtl::Pairs& pairs, bool ignore_case) -> std::string {
    for (auto p = pairs.rbegin(); p != pairs.rend(); ++p) {
      if (p->first == e.name || (ignore_case && lower(p->first) == lower(e.name))) {
        return std::string(p->second);
      }
    }
    return "";
  };
  const auto all = [&](const vtl::Pairs& pairs, bool ignore_case) {
    std::string out;
    for (const auto& [name, value] : pairs) {
      if (name != e.name && !(ignore_case && lower(name) == lower(e.name))) continue;
      if (!out.empty()) out += ',';
      out += value;
    }
    return out;
  };
  switch (e.source) {
    case Source::kStatic:
      return e.name;
    case Source::kPath:
      return last(params_.path, false);
    case Source::kQuery:
      return last(params_.querystring, false);
    case Source::kMultiQuery:
      return all(params_.querystring, false);
    case Source::kHeader:
      return response ? std::string(response_headers_.get(e.name)) : last(params_.header, true);
    case Source::kMultiHeader:
      return response ? std::string(response_headers_.get(e.name)) : all(params_.header, true);
    case Source::kStageVariable: {
      const auto& variables = stage_->stage().variables;
      const auto found = variables.find(e.name);
      return found == variables.end() ? "" : found->second;
    }
    case Source::kContext:
      return context_value(e.name);
    case Source::kBroken:
      return std::unexpected(internal_error());
    case Source::kBody:
      break;
  }
  const std::string& body = response ? response_body_ : request_.body;
  if (!e.path) return body;
  const auto document = read_json(env_.arena(), body);
  if (!document) {
    if (response) return std::string();
    return std::unexpected(bad_request(ResponseType::kDefault4xx, "Invalid JSON in request body"));
  }
  const auto found = e.path->read(env_.arena(), *document);
  return found ? java_text(*found) : "";
}

void Call::prepare_environment(const vtl::Template& t) {
  if (t.uses(vtl::kSlotContext) && env_.context.is_null()) env_.context = build_context();
  if (t.uses(vtl::kSlotStageVariables) && env_.stage_variables.is_null()) {
    env_.stage_variables = build_stage_variables();
  }
}

Call::Checked Call::render(const CompiledTemplate& t, std::string_view body, std::string& out) {
  if (!t.body) {
    kLog.warn("{}: a template does not compile: {}", request_id_, t.error);
    return std::unexpected(internal_error());
  }
  prepare_environment(*t.body);
  const auto done = t.body->render(env_, body, out);
  if (done) return {};
  if (done.error().code == vtl::RenderError::kPayload) {
    return std::unexpected(bad_request(ResponseType::kDefault4xx, done.error().message));
  }
  kLog.warn("{}: the template failed in line {}, column {}: {}", request_id_, done.error().line,
            done.error().column, done.error().message);
  return std::unexpected(internal_error());
}

Call::Checked Call::render_request() {
  const CompiledTemplate* chosen = nullptr;
  for (const CompiledTemplate& t : method_->templates) {
    if (t.media_type == media_type_) {
      chosen = &t;
      break;
    }
    if (t.media_type == "$default" && chosen == nullptr) chosen = &t;
  }
  if (chosen != nullptr) {
    if (!request_.body.empty() && is_binary(media_type_) && !is_utf8(request_.body)) {
      return std::unexpected(internal_error());
    }
    return render(*chosen, request_.body, integration_body_);
  }
  const bool refused =
      method_->passthrough == Passthrough::kNever ||
      (method_->passthrough == Passthrough::kWhenNoTemplates && !method_->templates.empty());
  if (refused) {
    return std::unexpected(Error{ResponseType::kUnsupportedMediaType, 415, "BadRequestException",
                                 "Unsupported Media Type"});
  }
  integration_body_ = request_.body;
  return {};
}

// What the template put into $context.requestOverride.
void Call::request_overrides() {
  if (env_.context.kind != Kind::kMap) return;
  const Value overrides = env_.context.map->get("requestOverride");
  if (overrides.kind != Kind::kMap) return;
  const auto each = [&](std::string_view group, const auto& take) {
    const Value all = overrides.map->get(group);
    if (all.kind != Kind::kMap) return;
    for (const Entry* e : all.map->entries)
      take(java_text(e->key), java_texts(e->value));
  };
  each("header", [&](const std::string& name, const std::vector<std::string>& values) {
    integration_headers_.remove(name);
    for (const std::string& value : values)
      integration_headers_.add(name, value);
  });
  each("path", [&](const std::string& name, const std::vector<std::string>& values) {
    if (!values.empty()) integration_path_.insert_or_assign(name, values.front());
  });
  each("querystring", [&](const std::string& name, const std::vector<std::string>& values) {
    std::erase_if(integration_query_, [&](const auto& pair) { return pair.first == name; });
    for (const std::string& value : values)
      integration_query_.emplace_back(name, value);
  });
}

}  // namespace sluice::gateway
