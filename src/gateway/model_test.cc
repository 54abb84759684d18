// Import, routes, URLs and JSON of the model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gateway/invoke_url.h"
#include "gateway/model_json.h"
#include "gateway/openapi.h"
#include "gateway/router.h"

namespace sluice::gateway {
namespace {

using testing::HasSubstr;

std::vector<Resource> resources(std::initializer_list<std::pair<const char*, const char*>> paths) {
  std::vector<Resource> out;
  out.push_back({"r", "", "", "/", {}});
  for (const auto& [method, path] : paths) {
    Resource* found = nullptr;
    for (Resource& r : out) {
      if (r.path == path) found = &r;
    }
    if (found == nullptr) {
      out.push_back({"x", "r", "", path, {}});
      found = &out.back();
    }
    found->methods[method].http_method = method;
  }
  return out;
}

TEST(Router, StaticBeatsVariableBeatsGreedyAndGoesBack) {
  const auto all = resources({{"GET", "/a"},
                              {"GET", "/a/b"},
                              {"GET", "/{p}"},
                              {"GET", "/a/{q}/c"},
                              {"ANY", "/{any+}"},
                              {"POST", "/a"}});
  const Router router(all);
  const auto where = [&](const char* method, const char* path) -> std::string {
    Route route;
    if (!router.find(method, path, route)) return "none";
    std::string out = route.method + " " + all[route.resource].path;
    for (const auto& [name, value] : route.parameters)
      out += " " + name + "=" + value;
    return out;
  };
  EXPECT_EQ(where("GET", "/a"), "GET /a");
  EXPECT_EQ(where("GET", "/a/"), "GET /a");
  EXPECT_EQ(where("GET", "/x%20y"), "GET /{p} p=x y");
  EXPECT_EQ(where("GET", "/a/b"), "GET /a/b");
  EXPECT_EQ(where("GET", "/a/b/c"), "GET /a/{q}/c q=b");
  EXPECT_EQ(where("GET", "/a/b/d"), "ANY /{any+} any=a/b/d");
  EXPECT_EQ(where("DELETE", "/a"), "ANY /{any+} any=a");
  EXPECT_EQ(where("HEAD", "/x"), "ANY /{any+} any=x");
  EXPECT_EQ(where("GET", "/"), "none");
  EXPECT_EQ(where("GET", ""), "none");
}

TEST(Router, ManyPartsAreNoTrouble) {
  const auto all = resources({{"GET", "/{any+}"}});
  const Router router(all);
  std::string path;
  for (int i = 0; i < 5000; ++i)
    path += "/a";
  Route route;
  EXPECT_TRUE(router.find("GET", path, route));
  EXPECT_EQ(route.parameters[0].second.size(), path.size() - 1);
}

TEST(InvokeUrl, TheFormsClientsUse) {
  const auto shown = [](const char* host, const char* target) -> std::string {
    const auto url = resolve_invoke_url(host, target);
    return url ? url->api_id + " " + url->stage + " " + url->path_and_query : "none";
  };
  EXPECT_EQ(shown("AbC1.execute-api.us-east-1.amazonaws.com", "/Prod/x/y?z=1"),
            "abc1 Prod /x/y?z=1");
  EXPECT_EQ(shown("abc1-vpce-0f1.execute-api.us-east-1.amazonaws.com", "/Prod"), "abc1 Prod /");
  EXPECT_EQ(shown("abc1.execute-api.localhost.localstack.cloud:4566", "/Prod?x=1"),
            "abc1 Prod /?x=1");
  EXPECT_EQ(shown("abc1.execute-api.localhost:4566", "/"), "abc1  /");
  EXPECT_EQ(shown("localhost", "/_aws/execute-api/abc1/Prod/x"), "abc1 Prod /x");
  EXPECT_EQ(shown("localhost", "/restapis/abc1/Prod/_user_request_/x?y"), "abc1 Prod /x?y");
  EXPECT_EQ(shown("localhost", "/restapis/abc1/Prod/_user_request_"), "abc1 Prod /");
  EXPECT_EQ(shown("localhost", "/restapis/abc1/stages/Prod"), "none");
  EXPECT_EQ(shown("localhost", "/restapis"), "none");
  EXPECT_EQ(shown("abc1.execute-api.evil.test", "/Prod"), "none");
  EXPECT_EQ(shown("localhost", "/Prod/x"), "none");
}

TEST(InvokeUrl, DefaultApiOnlyForItsStages) {
  const auto find = [](std::string_view api, std::string_view stage) {
    return api == "name" && stage == "Prod" ? std::optional<std::string>("d") : std::nullopt;
  };
  const auto url = resolve_default_api("name", "/Prod/x?y=1", find);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->api_id + " " + url->stage + " " + url->path_and_query, "d Prod /x?y=1");
  EXPECT_FALSE(resolve_default_api("name", "/Test/x", find));
  EXPECT_FALSE(resolve_default_api("", "/Prod/x", find));
  EXPECT_FALSE(resolve_default_api("name", "/", find));
}

constexpr const char* kSmall = R"(
openapi: "3.0.1"
info: {title: small, version: "1"}
tags:
- name: _custom_id_
  x-amazon-apigateway-tag-value: my-api
paths:
  /a/{id}:
    get:
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:kinesis:action/ListStreams
        passthroughBehavior: never
        requestTemplates: {application/json: "{}"}
        responses:
          default: {statusCode: 200}
          "4\\d{2}": {statusCode: "400", responseTemplates: {application/json: "$input.body"}}
      x-amazon-apigateway-request-validator: all
)";

TEST(OpenApi, ReadsYamlAndKeepsItThroughItsDocument) {
  base::SeededRandom random(1);
  const auto api = import_openapi(kSmall, random);
  ASSERT_TRUE(api) << api.error().message;
  EXPECT_EQ(api->id, "my-api");
  ASSERT_EQ(api->resources.size(), 3U);
  EXPECT_EQ(api->resources[2].path, "/a/{id}");
  const Integration& i = *api->resources[2].methods.at("GET").integration;
  EXPECT_EQ(i.passthrough, Passthrough::kNever);
  ASSERT_EQ(i.responses.size(), 2U);
  EXPECT_EQ(i.responses[0].status_code, "200");
  EXPECT_EQ(i.responses[1].selection_pattern, "4\\d{2}");
  EXPECT_THAT(api->warnings, testing::Contains(HasSubstr("x-amazon-apigateway-request-validator")));
  const std::string document = api_document(*api);
  const auto again = read_api_document(document);
  ASSERT_TRUE(again);
  EXPECT_EQ(api_document(*again), document);
}

TEST(OpenApi, ReadsSwaggerJson) {
  base::SeededRandom random(1);
  const auto api = import_openapi(
      R"({"swagger":"2.0","info":{"title":"s"},"basePath":"/v1","paths":{"/x":{"options":{
        "x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"}}}}}})",
      random, {BasePath::kPrepend});
  ASSERT_TRUE(api) << api.error().message;
  EXPECT_EQ(api->resources.back().path, "/v1/x");
}

TEST(OpenApi, KeepsWhatStandsBesideThePaths) {
  base::SeededRandom random(1);
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/src/gateway/testdata/openapi/parts.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto api = import_openapi(text.str(), random);
  ASSERT_TRUE(api) << api.error().message;
  EXPECT_EQ(api->policy, R"({"Version":"2012-10-17","Statement":[]})");
  EXPECT_EQ(api->minimum_compression_size, 1024);
  EXPECT_EQ(api->api_key_source, "AUTHORIZER");
  EXPECT_TRUE(api->disable_execute_api_endpoint);
  EXPECT_THAT(api->vpc_endpoint_ids, testing::ElementsAre("vpce-1"));
  EXPECT_EQ(api->gateway_responses.at("MISSING_AUTHENTICATION_TOKEN").status_code, "404");
  EXPECT_EQ(api->gateway_responses.at("DEFAULT_4XX").parameters.at(0).second, "'*'");
  ASSERT_EQ(api->request_validators.size(), 2U);
  EXPECT_TRUE(api->request_validators[0].body);
  EXPECT_EQ(api->models.at("Out").schema,
            R"({"type":"array","items":{"$ref":"#/components/schemas/In"}})");
  EXPECT_EQ(api->models.size(), 3U);
  const auto& methods = api->resources.at(2).methods;
  const MethodModel& get = methods.at("GET");
  EXPECT_EQ(get.request_validator_id, api->request_validators[1].id);
  EXPECT_EQ(get.authorization_type, "AWS_IAM");
  EXPECT_TRUE(get.request_parameters.at("method.request.path.id"));
  EXPECT_FALSE(get.request_parameters.at("method.request.querystring.q"));
  EXPECT_EQ(get.responses.at(0).models.at("application/json"), "Out");
  EXPECT_EQ(get.integration->request_templates.at(0).second, R"({"statusCode": 200})");
  const MethodModel& put = methods.at("PUT");
  EXPECT_EQ(put.request_validator_id, api->request_validators[0].id);
  EXPECT_EQ(put.authorization_type, "CUSTOM");
  EXPECT_EQ(put.authorizer_id, api->authorizers.at(0).id);
  EXPECT_EQ(api->models.at(put.request_models.at("application/json")).schema,
            R"({"type":"object","required":["a"]})");
  EXPECT_TRUE(api->resources.at(1).methods.at("ANY").api_key_required);
  for (const char* said : {"-policy' is kept", "-minimum-compression-size' is kept",
                           "API keys are not available", "authorizers are not available"}) {
    EXPECT_THAT(api->warnings, testing::Contains(HasSubstr(said)));
  }
  RestApi kept = *api;
  kept.id = "x";
  const std::string document = api_document(kept);
  const auto again = read_api_document(document);
  ASSERT_TRUE(again);
  EXPECT_EQ(api_document(*again), document);
}

TEST(OpenApi, RefusesBrokenParts) {
  base::SeededRandom random(1);
  for (const char* part :
       {"x-amazon-apigateway-gateway-responses: {NO_SUCH_TYPE: {}}",
        "x-amazon-apigateway-gateway-responses: {DEFAULT_5XX: {statusCode: x}}",
        "x-amazon-apigateway-minimum-compression-size: -1", "x-amazon-apigateway-policy: no object",
        "paths: {/a: {get: {x-amazon-apigateway-integration: {type: http, "
        "httpMethod: GET, uri: 'ftp://x'}}}}"}) {
    EXPECT_FALSE(import_openapi("openapi: 3.0.1\ninfo: {title: t}\n" + std::string(part), random))
        << part;
  }
}

// B has GET /a and POST /a and takes another GET /a and /b.
class Update : public testing::Test {
 protected:
  static constexpr const char* kMock = "{x-amazon-apigateway-integration: {type: mock}}";
  RestApi import(const std::string& text, const ImportOptions& options = {}) {
    auto api = import_openapi(text, random_, options);
    EXPECT_TRUE(api) << api.error().message;
    return api ? *api : RestApi{};
  }
  base::SeededRandom random_{1};
  RestApi old_ = [this] {
    RestApi api = import(std::string(R"(
openapi: 3.0.1
info: {title: old, description: said, version: "1"}
x-amazon-apigateway-binary-media-types: [a/b]
tags: [{name: team, x-amazon-apigateway-tag-value: red}]
paths:
  /a:
    get: {responses: {"200": {}, "206": {}}, x-amazon-apigateway-integration: {type: mock}}
    post: )") + kMock + R"(
components: {schemas: {M: {type: string}, N: {type: string}}}
)");
    api.id = "fixed";
    api.created_ms = 5;
    return api;
  }();
  const std::string text_ = std::string(R"(
openapi: 3.0.1
info: {title: new, version: "2"}
x-amazon-apigateway-binary-media-types: [a/b, c/d]
tags: [{name: _custom_id_, x-amazon-apigateway-tag-value: other}]
paths:
  /a:
    get: {responses: {"200": {}, "400": {}}, x-amazon-apigateway-integration: {type: mock}}
  /b:
    get: )") + kMock + R"(
components: {schemas: {M: {type: number}}}
)";
};

TEST_F(Update, MergeKeepsWhatTheDocumentDoesNotDefine) {
  const RestApi merged = import(text_, {.existing = &old_, .update = ImportUpdate::kMerge});
  EXPECT_EQ(merged.id, "fixed");
  EXPECT_EQ(merged.created_ms, 5);
  EXPECT_EQ(merged.name, "new");
  EXPECT_EQ(merged.description, "said");
  EXPECT_EQ(merged.tags.at("team"), "red");
  EXPECT_THAT(merged.binary_media_types, testing::ElementsAre("a/b", "c/d"));
  ASSERT_EQ(merged.resources.size(), 3U);
  EXPECT_EQ(merged.root()->id, old_.root()->id);
  EXPECT_EQ(merged.resources[1].id, old_.resources[1].id);
  EXPECT_EQ(merged.resources[1].methods.size(), 2U);
  const auto& responses = merged.resources[1].methods.at("GET").responses;
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[1].status_code, "400");
  EXPECT_EQ(merged.resources[2].path, "/b");
  EXPECT_EQ(merged.models.at("M").schema, R"({"type":"number"})");
  EXPECT_EQ(merged.models.at("M").id, old_.models.at("M").id);
  EXPECT_TRUE(merged.models.contains("N"));
}

TEST_F(Update, OverwriteRemovesIt) {
  const RestApi written = import(text_, {.existing = &old_, .update = ImportUpdate::kOverwrite});
  EXPECT_EQ(written.id, "fixed");
  EXPECT_EQ(written.created_ms, 5);
  EXPECT_EQ(written.description, "");
  EXPECT_EQ(written.tags.at("team"), "red");
  ASSERT_EQ(written.resources.size(), 3U);
  EXPECT_EQ(written.root()->id, old_.root()->id);
  EXPECT_EQ(written.resources[1].id, old_.resources[1].id);
  EXPECT_EQ(written.resources[1].methods.size(), 1U);
  EXPECT_EQ(written.models.at("M").id, old_.models.at("M").id);
  EXPECT_FALSE(written.models.contains("N"));
}

TEST(OpenApi, RefusesWhatIsNone) {
  base::SeededRandom random(1);
  const char* broken[] = {"",
                          "a: [",
                          "{\"a\":",
                          "[]",
                          "openapi: 3.0.1",
                          "hello",
                          "openapi: '3.0.1'\ninfo: {title: x}\npaths: {a: {}}",
                          "openapi: '3.0.1'\ninfo: {title: x}\npaths: {'/{a}': {}, '/{b}': {}}",
                          "openapi: '3.0.1'\ninfo: {title: x}\npaths: {'/{a+}/b': {}}"};
  for (const char* text : broken)
    EXPECT_FALSE(import_openapi(text, random)) << text;
}

TEST(OpenApi, AliasBombsAreCounted) {
  std::string bomb = "openapi: '3.0.1'\ninfo: {title: x}\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += (j != 0 ? ",*a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  base::SeededRandom random(1);
  const auto api = import_openapi(bomb, random);
  ASSERT_FALSE(api);
  EXPECT_EQ(api.error().code, ImportError::kLimit);
}

}  // namespace
}  // namespace sluice::gateway
