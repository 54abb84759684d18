// A stage ready to answer: routes, templates and mappings compiled once, when the stage is deployed
// or the server starts. Const and shared by all requests.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/gateway_response.h"
#include "gateway/mapping.h"
#include "gateway/model.h"
#include "gateway/router.h"
#include "gateway/schema.h"
#include "gateway/vtl/vtl.h"

namespace sluice::gateway {

struct CompiledTemplate {
  std::string media_type;  // lower case, or "$default"
  std::optional<vtl::Template> body;
  std::string error;  // why it does not compile: every call that needs it fails
};

struct CompiledResponse {
  int status = 200;
  std::string pattern;  // empty: the default
  std::vector<Mapping> headers;
  std::vector<CompiledTemplate> templates;
  ContentHandling content_handling = ContentHandling::kPassthrough;
};

struct CompiledMethod {
  bool has_integration = false;
  std::string refusal;  // why it cannot be called here (authorizer …); empty: it can
  std::string broken;   // a mistake in its configuration: 500, as AWS; for the log
  IntegrationType type = IntegrationType::kMock;
  std::string service;  // of an AWS integration: "kinesis"
  std::string region;
  std::string action;       // empty: X-Amz-Target names it
  std::string uri;          // of an HTTP integration, with its {parameters}
  std::string http_method;  // of an HTTP integration; empty: the client's
  std::string greedy;       // the {name+} of the resource, whose slashes stay slashes
  std::chrono::milliseconds timeout{29'000};
  std::vector<Expression> required;  // parameters that must be there, in AWS' order
  StringMap body_models;             // by media type; empty: bodies are not validated
  Passthrough passthrough = Passthrough::kWhenNoMatch;
  ContentHandling content_handling = ContentHandling::kPassthrough;
  std::vector<Mapping> request;
  std::vector<CompiledTemplate> templates;
  std::vector<CompiledResponse> responses;
};

class StageRuntime {
 public:
  StageRuntime(RestApi api, Stage stage);

  const RestApi& api() const { return api_; }
  const Stage& stage() const { return stage_; }
  const Router& router() const { return router_; }
  const Schemas& schemas() const { return schemas_; }
  // What the API answers for this type, or for all of its class; null: the usual.
  const CompiledGatewayResponse* gateway_response(ResponseType type, int status) const;
  const CompiledMethod* method(std::size_t resource, const std::string& name) const;
  // Templates and mappings that will fail when called.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void compile(const Resource& resource, const MethodModel& model, CompiledMethod& out);
  void compile_uri(const Integration& integration, CompiledMethod& out);
  void compile_http(const Integration& integration, CompiledMethod& out);
  void compile_gateway_responses();
  void compile_validator(const MethodModel& model, CompiledMethod& out);
  CompiledTemplate compile_template(const std::string& media_type, const std::string& text,
                                    const std::string& where);
  // nullopt: one of them is not there.
  std::optional<std::string> with_stage_variables(std::string_view text) const;

  RestApi api_;
  Stage stage_;
  Router router_;
  Schemas schemas_;
  std::vector<std::unordered_map<std::string, CompiledMethod>> methods_;  // by resource
  std::map<std::string, CompiledGatewayResponse, std::less<>> gateway_responses_;
  std::vector<std::string> problems_;
};

// Template or mapping failures of an API as it stands: shown as warnings at import.
std::vector<std::string> find_problems(const RestApi& api);

}  // namespace sluice::gateway
