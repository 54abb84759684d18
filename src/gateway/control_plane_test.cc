// API Gateway's own calls: an API built call by call, what each refuses, and in which words.
#include "gateway/control_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/control_replies.h"
#include "gateway/gateway.h"
#include "gateway/model_json.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway {
namespace {

using testing::HasSubstr;

class NoService final : public aws::ServiceInvoker {
 public:
  void call(aws::ServiceRequest request, aws::ServiceDone done) override {
    last = std::move(request);
    done({200, "application/x-amz-json-1.1", {}, "{}"});
  }
  aws::ServiceRequest last;
};

class ControlPlaneTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Gateway::open(":memory:", {service_, clock_, random_, metrics_, {}});
    ASSERT_TRUE(opened) << opened.error().message;
    gateway_ = std::move(*opened);
    const auto made = ask("POST", "/restapis", R"({"name":"pins","tags":{"team":"red"}})");
    ASSERT_EQ(made.status, 201) << made.body;
    id_ = field(made.body, "id");
    root_ = field(made.body, "rootResourceId");
    api_ = "/restapis/" + id_;
  }

  http::Response ask(const std::string& method, const std::string& target,
                     const std::string& body = "") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    ControlPlane& plane = static_cast<ControlPlane&>(gateway_->control_plane());
    return plane.answer(request);
  }
  // The status, and the error's type and message.
  std::string refusal(const std::string& method, const std::string& target,
                      const std::string& body = "") {
    const auto r = ask(method, target, body);
    return std::to_string(r.status) + " " + std::string(r.headers.get("x-amzn-ErrorType")) + ": " +
           field(r.body, "message");
  }
  static std::string field(const std::string& json, std::string_view name) {
    Arena arena;
    const auto v = read_json(arena, json);
    std::string out;
    if (v && v->kind == Kind::kMap) append_java(out, v->map->get(name), 1 << 20);
    return out;
  }
  std::string resource(const std::string& parent, const std::string& part) {
    const auto r = ask("POST", api_ + "/resources/" + parent, "{\"pathPart\":\"" + part + "\"}");
    EXPECT_EQ(r.status, 201) << r.body;
    return field(r.body, "id");
  }
  std::string patch(const std::string& op, const std::string& path, const std::string& value) {
    return R"({"patchOperations":[{"op":")" + op + R"(","path":")" + path + R"(","value":")" +
           value + R"("}]})";
  }
  // GET /<part> with a MOCK.
  std::string mock(const std::string& part) {
    const std::string at = api_ + "/resources/" + resource(root_, part) + "/methods/GET";
    EXPECT_EQ(ask("PUT", at, R"({"authorizationType":"NONE"})").status, 201);
    EXPECT_EQ(ask("PUT", at + "/integration", R"({"type":"MOCK"})").status, 201);
    return at;
  }

  NoService service_;
  base::ManualClock clock_{1'700'000'000'000};
  base::SeededRandom random_{7};
  base::MetricsRegistry metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::string id_;
  std::string root_;
  std::string api_;
};

TEST_F(ControlPlaneTest, ANewApiHasARootAndTwoModels) {
  const std::string shown = ask("GET", api_).body;
  EXPECT_THAT(shown,
              HasSubstr(R"("endpointConfiguration":{"types":["EDGE"],"ipAddressType":"ipv4"})"));
  EXPECT_THAT(shown, HasSubstr(R"("apiKeySource":"HEADER")"));
  EXPECT_THAT(shown, HasSubstr(R"("disableExecuteApiEndpoint":false)"));
  EXPECT_EQ(ask("GET", api_ + "/resources").body,
            R"({"item":[{"id":")" + root_ + R"(","path":"/"}]})");
  EXPECT_THAT(ask("GET", api_ + "/models").body,
              testing::AllOf(HasSubstr(R"("name":"Empty")"), HasSubstr(R"("name":"Error")")));
  EXPECT_EQ(refusal("POST", "/restapis", "{}"),
            "400 BadRequestException: API name cannot be blank");
  EXPECT_EQ(refusal("GET", "/restapis/nope"),
            "404 NotFoundException: Invalid API identifier specified 000000000000:nope");
  EXPECT_EQ(ask("POST", "/restapis", R"({"name":)").status, 400);
  const std::string own = R"({"name":"x","tags":{"_custom_id_":"mine"}})";
  EXPECT_EQ(field(ask("POST", "/restapis", own).body, "id"), "mine");
  EXPECT_EQ(ask("POST", "/restapis", own).status, 409);
}

TEST_F(ControlPlaneTest, ResourcesAreATree) {
  const std::string streams = resource(root_, "streams");
  const std::string name = resource(streams, "{stream-name}");
  const std::string record = resource(name, "record");
  const std::string all = ask("GET", api_ + "/resources").body;
  EXPECT_THAT(all, HasSubstr(R"("path":"/streams/{stream-name}/record")"));
  const std::string at = api_ + "/resources/";
  EXPECT_EQ(refusal("POST", at + root_, R"({"pathPart":"streams"})"),
            "409 ConflictException: Another resource with the same parent already has this name: "
            "streams");
  EXPECT_THAT(refusal("POST", at + streams, R"({"pathPart":"{other}"})"),
              HasSubstr("400 BadRequestException: A sibling ({stream-name}) of this resource"));
  EXPECT_THAT(refusal("POST", at + root_, R"({"pathPart":"a/b"})"),
              HasSubstr("400 BadRequestException: Resource's path part only allow"));
  EXPECT_EQ(refusal("POST", at + "none", R"({"pathPart":"a"})"),
            "404 NotFoundException: Invalid Resource identifier specified");
  const std::string greedy = resource(root_, "{proxy+}");
  EXPECT_THAT(refusal("POST", at + greedy, R"({"pathPart":"a"})"),
              HasSubstr("Cannot create a child of a resource with a greedy path variable"));
  EXPECT_EQ(ask("PATCH", at + streams, patch("replace", "/pathPart", "s")).status, 200);
  EXPECT_THAT(ask("GET", at + record).body, HasSubstr(R"("path":"/s/{stream-name}/record")"));
  EXPECT_THAT(refusal("PATCH", at + streams, patch("replace", "/parentId", record)),
              HasSubstr("below themselves"));
  EXPECT_EQ(ask("DELETE", at + root_).status, 400);
  EXPECT_EQ(ask("DELETE", at + streams).status, 202);
  EXPECT_EQ(gateway_->store().api(id_)->resources.size(), 2U);
}

TEST_F(ControlPlaneTest, ResourcesAreCounted) {
  for (std::size_t i = 1; i < kResourcesMax; ++i)
    resource(root_, "r" + std::to_string(i));
  EXPECT_EQ(ask("POST", api_ + "/resources/" + root_, R"({"pathPart":"more"})").status, 429);
}

TEST_F(ControlPlaneTest, MethodsAndTheirResponses) {
  const std::string at = api_ + "/resources/" + root_ + "/methods/";
  const std::string made =
      R"({"authorizationType":"NONE","requestParameters":{"method.request.header.A":true},)"
      R"("requestModels":{"application/json":"Empty"}})";
  EXPECT_EQ(refusal("GET", at + "GET"),
            "404 NotFoundException: Invalid Method identifier specified");
  const auto put = ask("PUT", at + "GET", made);
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.body, R"({"httpMethod":"GET","authorizationType":"NONE","apiKeyRequired":false,)"
                      R"("requestParameters":{"method.request.header.A":true},)"
                      R"("requestModels":{"application/json":"Empty"}})");
  EXPECT_EQ(refusal("PUT", at + "GET", made),
            "409 ConflictException: Method already exists for this resource");
  EXPECT_EQ(refusal("PUT", at + "FETCH", made),
            "400 BadRequestException: Invalid HttpMethod specified. Valid options are "
            "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
  EXPECT_EQ(
      refusal("PUT", at + "PUT", R"({"authorizationType":"NONE","requestModels":{"a/b":"No"}})"),
      "400 BadRequestException: Invalid model identifier specified: No");
  EXPECT_THAT(refusal("PUT", at + "PUT", R"({"authorizationType":"CUSTOM","authorizerId":"x"})"),
              HasSubstr("400 BadRequestException: Invalid authorizer ID specified."));
  EXPECT_EQ(field(ask("PATCH", at + "GET", patch("replace", "/apiKeyRequired", "true")).body,
                  "apiKeyRequired"),
            "true");
  EXPECT_THAT(refusal("PATCH", at + "GET", patch("replace", "/color", "red")),
              HasSubstr("400 BadRequestException: Invalid patch path '/color' specified for op "
                        "'replace'. Must be one of: [/authorizationType"));
  EXPECT_EQ(ask("PUT", at + "GET/responses/200",
                R"({"responseParameters":{"method.response.header.B":false}})")
                .status,
            201);
  EXPECT_EQ(refusal("PUT", at + "GET/responses/200", "{}"),
            "409 ConflictException: Response already exists for this resource");
  EXPECT_EQ(ask("PATCH", at + "GET/responses/200",
                patch("add", "/responseModels/application~1json", "Error"))
                .status,
            201);
  EXPECT_EQ(ask("GET", at + "GET/responses/200").body,
            R"({"statusCode":"200","responseParameters":{"method.response.header.B":false},)"
            R"("responseModels":{"application/json":"Error"}})");
  EXPECT_EQ(ask("DELETE", at + "GET/responses/200").status, 204);
  EXPECT_EQ(refusal("GET", at + "GET/responses/200"),
            "404 NotFoundException: Invalid Response status code specified");
  EXPECT_EQ(ask("DELETE", at + "GET").status, 204);
}

TEST_F(ControlPlaneTest, Integrations) {
  const std::string at = api_ + "/resources/" + root_ + "/methods/PUT";
  EXPECT_EQ(refusal("PUT", at + "/integration", R"({"type":"MOCK"})"),
            "404 NotFoundException: Invalid Method identifier specified");
  ASSERT_EQ(ask("PUT", at, R"({"authorizationType":"NONE"})").status, 201);
  EXPECT_EQ(refusal("GET", at + "/integration"),
            "404 NotFoundException: Invalid Integration identifier specified");
  const auto put = [&](const std::string& body) {
    return refusal("PUT", at + "/integration", body);
  };
  EXPECT_THAT(put(R"({"type":"FAST"})"), HasSubstr("Value 'FAST' at 'putIntegrationInput.type'"));
  EXPECT_EQ(put(R"({"type":"AWS","uri":"arn:aws:apigateway:us-east-1:kinesis:action/PutRecord"})"),
            "400 BadRequestException: Enumeration value for HttpMethod must be non-empty");
  EXPECT_EQ(put(R"({"type":"AWS","httpMethod":"POST","uri":"kinesis"})"),
            "400 BadRequestException: Invalid ARN specified in the request");
  EXPECT_EQ(
      put(R"({"type":"AWS","httpMethod":"POST","uri":"arn:aws:apigateway:us-east-1:kinesis:x"})"),
      "400 BadRequestException: AWS ARN for integration must contain path or action");
  EXPECT_EQ(put(R"({"type":"HTTP","httpMethod":"GET","uri":"ftp://x"})"),
            "400 BadRequestException: Invalid HTTP endpoint specified for URI");
  EXPECT_EQ(put(R"({"type":"MOCK","timeoutInMillis":49})"),
            "400 BadRequestException: Timeout should be between 50 ms and 29000 ms");
  EXPECT_EQ(put(R"({"type":"MOCK","tlsConfig":{"insecureSkipVerification":true}})"),
            "400 BadRequestException: 'tlsConfig' is not available yet");
  const auto made = ask(
      "PUT", at + "/integration",
      R"({"type":"AWS","httpMethod":"POST","uri":"arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",)"
      R"("requestTemplates":{"application/json":"{}"}})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body,
            R"({"type":"AWS","httpMethod":"POST",)"
            R"("uri":"arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",)"
            R"("requestTemplates":{"application/json":"{}"},"passthroughBehavior":"WHEN_NO_MATCH",)"
            R"("timeoutInMillis":29000,"cacheNamespace":")" +
                root_ + R"(","cacheKeyParameters":[]})");
  EXPECT_EQ(
      field(ask("PATCH", at + "/integration", patch("replace", "/timeoutInMillis", "100")).body,
            "timeoutInMillis"),
      "100");
  EXPECT_EQ(ask("PATCH", at + "/integration", patch("replace", "/timeoutInMillis", "1")).status,
            400);
  const std::string response = at + "/integration/responses/200";
  EXPECT_EQ(refusal("PUT", response, "{}"),
            "404 NotFoundException: Invalid Response status code specified");
  ASSERT_EQ(ask("PUT", at + "/responses/200", "{}").status, 201);
  EXPECT_THAT(
      refusal("PUT", response, R"({"responseParameters":{"method.response.header.X":"'1'"}})"),
      HasSubstr("Invalid mapping expression parameter specified: method.response.header.X"));
  EXPECT_EQ(ask("PUT", response, R"({"responseTemplates":{"application/json":"ok"}})").status, 201);
  EXPECT_EQ(ask("PATCH", response, patch("replace", "/selectionPattern", "2..")).status, 200);
  EXPECT_EQ(
      ask("GET", response).body,
      R"({"statusCode":"200","selectionPattern":"2..","responseTemplates":{"application/json":"ok"}})");
  EXPECT_EQ(ask("DELETE", response).status, 204);
  EXPECT_EQ(ask("DELETE", at + "/integration").status, 204);
  EXPECT_EQ(refusal("POST", api_ + "/deployments", "{}"),
            "400 BadRequestException: No integration defined for method");
}

TEST_F(ControlPlaneTest, StagesAreMadeAndChanged) {
  EXPECT_EQ(refusal("POST", api_ + "/deployments", "{}"),
            "400 BadRequestException: The REST API doesn't contain any methods");
  mock("a");
  const std::string first = field(ask("POST", api_ + "/deployments", "{}").body, "id");
  mock("b");
  const std::string second = field(ask("POST", api_ + "/deployments", "{}").body, "id");
  const std::string body = R"({"stageName":"dev","deploymentId":")" + first +
                           R"(","variables":{"a":"1"},"cacheClusterEnabled":false})";
  EXPECT_EQ(ask("POST", api_ + "/stages", body).status, 201);
  EXPECT_EQ(refusal("POST", api_ + "/stages", body), "409 ConflictException: Stage already exists");
  EXPECT_EQ(refusal("POST", api_ + "/stages", R"({"stageName":"x","deploymentId":"none"})"),
            "400 BadRequestException: Deployment id does not exist");
  const std::string stage = api_ + "/stages/dev";
  EXPECT_THAT(ask("PATCH", stage, patch("replace", "/variables/a", "2")).body,
              HasSubstr(R"("variables":{"a":"2"})"));
  EXPECT_EQ(ask("PATCH", stage, patch("remove", "/variables/a", "")).status, 200);
  EXPECT_EQ(field(ask("GET", stage).body, "variables"), "null");
  EXPECT_EQ(
      field(ask("PATCH", stage, patch("replace", "/deploymentId", second)).body, "deploymentId"),
      second);
  EXPECT_EQ(ask("PATCH", stage, patch("replace", "/deploymentId", "none")).status, 400);
  EXPECT_EQ(ask("PATCH", stage, patch("replace", "/*/*/logging/loglevel", "INFO")).status, 400);
  EXPECT_EQ(field(ask("GET", stage).body, "deploymentId"), second);
  EXPECT_EQ(
      ask("PATCH", api_ + "/deployments/" + first, patch("replace", "/description", "d")).status,
      200);
  EXPECT_EQ(field(ask("GET", api_ + "/deployments/" + first).body, "description"), "d");
  EXPECT_EQ(ask("DELETE", api_ + "/deployments/" + first).status, 202);
}

TEST_F(ControlPlaneTest, UpdateRestApiAndTags) {
  const auto change = [&](const std::string& op, const std::string& path,
                          const std::string& value) {
    return ask("PATCH", api_, patch(op, path, value));
  };
  EXPECT_EQ(field(change("replace", "/name", "new").body, "name"), "new");
  EXPECT_THAT(change("add", "/binaryMediaTypes/image~1png", "").body,
              HasSubstr(R"("binaryMediaTypes":["image/png"])"));
  EXPECT_THAT(change("replace", "/endpointConfiguration/types/EDGE", "REGIONAL").body,
              HasSubstr(R"("types":["REGIONAL"])"));
  EXPECT_EQ(
      field(change("replace", "/minimumCompressionSize", "10").body, "minimumCompressionSize"),
      "10");
  EXPECT_EQ(change("replace", "/minimumCompressionSize", "10485761").status, 400);
  EXPECT_EQ(change("replace", "/policy", "no json").status, 400);
  EXPECT_EQ(change("replace", "/name", "").status, 400);
  EXPECT_EQ(change("move", "/name", "x").status, 400);
  EXPECT_EQ(gateway_->store().api(id_)->name, "new");

  const std::string arn = "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2F" + id_;
  EXPECT_EQ(ask("PUT", arn, R"({"tags":{"a":"1","b":"2"}})").status, 204);
  EXPECT_EQ(ask("DELETE", arn + "?tagKeys=a&tagKeys=team").status, 204);
  EXPECT_EQ(ask("GET", arn).body, R"({"tags":{"b":"2"}})");
  EXPECT_EQ(ask("GET", arn + "x").status, 404);
  EXPECT_EQ(ask("GET", "/tags/nothing").status, 400);
  std::string many;
  for (int i = 0; i < 51; ++i)
    many += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":\"\"";
  EXPECT_EQ(ask("PUT", arn, "{\"tags\":{" + many + "}}").status, 400);
}

TEST_F(ControlPlaneTest, ModelsValidatorsAndGatewayResponses) {
  const std::string url =
      R"({\"$ref\":\"https://apigateway.amazonaws.com/restapis/)" + id_ + R"(/models/Empty\"})";
  const auto made =
      ask("POST", api_ + "/models",
          R"({"name":"Pin","contentType":"application/json","schema":")" + url + "\"}");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(made.body, HasSubstr("\"schema\":\"" + url));
  EXPECT_EQ(gateway_->store().api(id_)->models.at("Pin").schema,
            R"({"$ref":"#/components/schemas/Empty"})");
  EXPECT_EQ(refusal("POST", api_ + "/models", R"({"name":"Pin","contentType":"a/b"})"),
            "409 ConflictException: Model name already exists for this REST API");
  EXPECT_EQ(
      ask("POST", api_ + "/models", R"({"name":"Q","contentType":"a/b","schema":"["})").status,
      400);
  EXPECT_EQ(refusal("GET", api_ + "/models/None"),
            "404 NotFoundException: Invalid model name specified: None");
  EXPECT_EQ(ask("DELETE", api_ + "/models/Pin").status, 202);

  const auto validator =
      ask("POST", api_ + "/requestvalidators", R"({"name":"v","validateRequestBody":true})");
  EXPECT_EQ(validator.status, 201);
  const std::string at = api_ + "/requestvalidators/" + field(validator.body, "id");
  EXPECT_EQ(field(ask("PATCH", at, patch("replace", "/validateRequestParameters", "true")).body,
                  "validateRequestParameters"),
            "true");
  EXPECT_EQ(ask("DELETE", at).status, 202);
  EXPECT_EQ(ask("GET", at).status, 404);

  const std::string response = api_ + "/gatewayresponses/DEFAULT_4XX";
  EXPECT_EQ(field(ask("GET", response).body, "defaultResponse"), "true");
  EXPECT_EQ(ask("PUT", response, R"({"statusCode":"418"})").status, 201);
  EXPECT_EQ(field(ask("GET", response).body, "statusCode"), "418");
  EXPECT_EQ(field(ask("GET", response).body, "defaultResponse"), "false");
  EXPECT_EQ(ask("PUT", api_ + "/gatewayresponses/NO", "{}").status, 400);
  EXPECT_EQ(ask("DELETE", response).status, 202);
  EXPECT_EQ(ask("DELETE", response).status, 404);
}

TEST_F(ControlPlaneTest, ModelsAndValidatorsAreCounted) {
  RestApi api = *gateway_->store().api(id_);
  for (int i = 0; i < 998; ++i)  // Empty and Error are there
    api.models["M" + std::to_string(i)].schema = "{}";
  api.request_validators.resize(1000);
  ASSERT_TRUE(gateway_->store().replace_api(std::move(api)));
  EXPECT_EQ(ask("POST", api_ + "/models", R"({"name":"More","contentType":"a/b"})").status, 429);
  EXPECT_EQ(ask("POST", api_ + "/requestvalidators", R"({"name":"v"})").status, 429);
}

}  // namespace
}  // namespace sluice::gateway
