// The model in AWS' REST-JSON wire form: what the control plane answers and what is kept on disk.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/result.h"
#include "gateway/model.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

enum class ModelError { kBroken };

void write_api(base::JsonWriter& out, const RestApi& api);  // without resources
void write_resource(base::JsonWriter& out, const Resource& resource, bool with_methods);
void write_method(base::JsonWriter& out, const MethodModel& method);
void write_integration(base::JsonWriter& out, const Integration& integration);
void write_deployment(base::JsonWriter& out, const Deployment& deployment);
void write_stage(base::JsonWriter& out, const Stage& stage);
void write_model(base::JsonWriter& out, const std::string& name, const BodyModel& model);
void write_validator(base::JsonWriter& out, const RequestValidator& validator);

void write_method_response(base::JsonWriter& out, const MethodResponse& response);
void write_integration_response(base::JsonWriter& out, const IntegrationResponse& response);
// Without a response of the API's own: AWS' default.
void write_gateway_response(base::JsonWriter& out, std::string_view type,
                            const GatewayResponse* response);

MethodModel read_method(const Map& map);
MethodResponse read_method_response(const Map& map);
Integration read_integration(const Map& map);
IntegrationResponse read_integration_response(const Map& map);

// All of an API in one document, and back.
std::string api_document(const RestApi& api);
base::Result<RestApi, ModelError> read_api_document(std::string_view json);
std::string stage_document(const Stage& stage);
base::Result<Stage, ModelError> read_stage_document(std::string_view json);

std::string_view to_text(IntegrationType type);
std::string_view to_text(Passthrough passthrough);
std::string_view to_text(ContentHandling handling);
// Without regard to case; nullopt: no such value.
std::optional<IntegrationType> parse_integration_type(std::string_view text);
std::optional<Passthrough> parse_passthrough(std::string_view text);
std::optional<ContentHandling> parse_content_handling(std::string_view text);

// One of API Gateway's types of gateway response: "DEFAULT_4XX" …
bool is_gateway_response_type(std::string_view type);
std::span<const std::string_view> gateway_response_types();

std::string upper(std::string_view text);
std::string lower(std::string_view text);

}  // namespace sluice::gateway
