// A REST API as API Gateway keeps it: resources, methods, integrations. Plain data; what runs is
// made of it at deployment (runtime.h). Written and read in AWS' own wire form (model_json.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::gateway {

using StringMap = std::map<std::string, std::string>;
// In the order written: the first of several templates has a meaning.
using OrderedMap = std::vector<std::pair<std::string, std::string>>;

enum class Passthrough { kWhenNoMatch, kWhenNoTemplates, kNever };
enum class ContentHandling { kPassthrough, kConvertToText, kConvertToBinary };
enum class IntegrationType { kAws, kAwsProxy, kHttp, kHttpProxy, kMock };

struct IntegrationResponse {
  std::string status_code;
  std::string selection_pattern;  // empty: the default
  OrderedMap parameters;          // method.response.header.X ← expression
  OrderedMap templates;           // by media type
  ContentHandling content_handling = ContentHandling::kPassthrough;
};

struct Integration {
  IntegrationType type = IntegrationType::kMock;
  std::string http_method;
  std::string uri;
  std::string credentials;
  std::string connection_type;
  std::string connection_id;      // of a VPC link
  OrderedMap request_parameters;  // integration.request.header.X ← expression
  OrderedMap request_templates;   // by media type
  Passthrough passthrough = Passthrough::kWhenNoMatch;
  ContentHandling content_handling = ContentHandling::kPassthrough;
  int timeout_ms = 29000;
  std::string cache_namespace;
  std::vector<std::string> cache_key_parameters;
  std::vector<IntegrationResponse> responses;  // one per status code
};

struct MethodResponse {
  std::string status_code;
  std::map<std::string, bool> parameters;
  StringMap models;
};

struct MethodModel {
  std::string http_method;
  std::string authorization_type = "NONE";
  std::string authorizer_id;
  bool api_key_required = false;
  std::string operation_name;
  std::string request_validator_id;
  std::map<std::string, bool> request_parameters;
  StringMap request_models;
  std::vector<MethodResponse> responses;
  std::optional<Integration> integration;
};

struct Resource {
  std::string id;
  std::string parent_id;
  std::string path_part;
  std::string path;
  std::map<std::string, MethodModel> methods;
};

// A JSON schema that methods name for their bodies.
struct BodyModel {
  std::string id;
  std::string content_type = "application/json";
  std::string description;
  std::string schema;  // JSON
};

struct RequestValidator {
  std::string id;
  std::string name;
  bool body = false;
  bool parameters = false;
};

// What the gateway itself answers when it refuses a call, by response type ("DEFAULT_4XX" …).
struct GatewayResponse {
  std::string status_code;  // empty: the type's own
  OrderedMap parameters;    // gatewayresponse.header.X ← expression
  OrderedMap templates;     // by media type
};

struct Authorizer {
  std::string id;
  std::string name;
  std::string type;    // TOKEN, REQUEST, COGNITO_USER_POOLS
  std::string scheme;  // JSON: the security scheme that the document gave
};

struct RestApi {
  std::string id;
  std::string account;
  std::string region;
  std::string name;
  std::string description;
  std::string version;
  std::string api_key_source = "HEADER";
  std::vector<std::string> endpoint_types = {"EDGE"};
  std::vector<std::string> vpc_endpoint_ids;
  std::string policy;                           // JSON; empty: none
  std::optional<int> minimum_compression_size;  // bytes
  std::string documentation;                    // JSON: parts, as the document had them
  std::map<std::string, BodyModel> models;      // by name
  std::map<std::string, GatewayResponse> gateway_responses;  // by response type
  std::vector<RequestValidator> request_validators;
  std::vector<Authorizer> authorizers;
  std::vector<std::string> binary_media_types;
  StringMap tags;
  bool disable_execute_api_endpoint = false;
  std::int64_t created_ms = 0;
  std::vector<std::string> warnings;
  std::vector<Resource> resources;  // the root first

  const Resource* root() const { return resources.empty() ? nullptr : &resources.front(); }
};

struct Deployment {
  std::string id;
  std::string description;
  std::int64_t created_ms = 0;
};

struct Stage {
  std::string name;
  std::string deployment_id;
  std::string description;
  StringMap variables;
  StringMap tags;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

inline constexpr std::size_t kResourcesMax = 300;  // AWS' quota of an API
inline constexpr std::size_t kStagesMax = 10;
inline constexpr int kCompressionBytesMax = 10 << 20;  // of minimumCompressionSize

}  // namespace sluice::gateway
