// What the gateway answers itself, as AWS does and as an API wants it.
#include "gateway/gateway_response.h"

#include <gtest/gtest.h>

#include "gateway/test_support.h"

namespace sluice::gateway {
namespace {

TEST(GatewayResponse, PutsVariablesInAndNothingElse) {
  const auto value = [](std::string_view name) { return "<" + std::string(name) + ">"; };
  EXPECT_EQ(substitute("a $context.error.message. $$ $x #if $stageVariables.a-b!", value),
            "a <context.error.message>. $$ $x #if <stageVariables.a-b>!");
  EXPECT_EQ(substitute("$method.request.header.X-Id$context", value),
            "<method.request.header.X-Id>$context");
  EXPECT_EQ(substitute("$", value), "$");
}

class GatewayResponses : public DeployedApi {
 protected:
  GatewayResponses() { open(); }

  static constexpr const char* kMock = R"("x-amazon-apigateway-integration": {"type": "mock",
      "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
      "passthroughBehavior": "never", "responses": {"default": {"statusCode": "200"}}})";
  void deploy(const std::string& responses, const std::string& operation = kMock) {
    DeployedApi::deploy("/x/{id}", operation,
                        "\"x-amazon-apigateway-gateway-responses\": " + responses,
                        R"({"who": "me"})");
  }
};

TEST_F(GatewayResponses, AreAwsOwnWithoutAny) {
  deploy("{}");
  const http::Response lost = call("GET", "/nowhere");
  EXPECT_EQ(lost.status, 403);
  EXPECT_EQ(lost.body, R"({"message":"Missing Authentication Token"})");
  EXPECT_EQ(lost.headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
  const http::Response media = call("POST", "/x/1", {{"Content-Type", "text/csv"}}, "a");
  EXPECT_EQ(media.status, 415);
  EXPECT_EQ(media.body, R"({"message": "Unsupported Media Type"})");
  EXPECT_EQ(media.headers.get("x-amzn-errortype"), "BadRequestException");
}

TEST_F(GatewayResponses, HaveTheApisStatusHeadersAndBody) {
  deploy(R"json({
    "MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404",
      "responseParameters": {"gatewayresponse.header.X-Who": "stageVariables.who",
                             "gatewayresponse.header.X-Asked": "method.request.querystring.q",
                             "gatewayresponse.header.X-Gone": "method.request.header.X-No"},
      "responseTemplates": {
        "application/json": "{\"m\": $context.error.messageString, \"t\": \"$context.error.responseType\", \"s\": \"$context.stage/$context.resourcePath\"}",
        "text/plain": "no: $context.error.message ($method.request.header.X-Id)"}},
    "DEFAULT_4XX": {"responseParameters": {
      "gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}}})json");
  const http::Response lost = call("GET", "/nowhere?q=1");
  EXPECT_EQ(lost.status, 404);
  EXPECT_EQ(lost.body, R"({"m": "Missing Authentication Token", )"
                       R"("t": "MISSING_AUTHENTICATION_TOKEN", "s": "s/"})");
  EXPECT_EQ(lost.headers.get("content-type"), "application/json");
  EXPECT_EQ(lost.headers.get("x-who"), "me");
  EXPECT_EQ(lost.headers.get("x-asked"), "1");
  EXPECT_FALSE(lost.headers.find("x-gone"));
  EXPECT_EQ(lost.headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
  EXPECT_FALSE(lost.headers.get("x-amzn-requestid").empty());
  const http::Response text = call("GET", "/nowhere", {{"Accept", "text/plain"}, {"X-Id", "7"}});
  EXPECT_EQ(text.body, "no: Missing Authentication Token (7)");
  EXPECT_EQ(text.headers.get("content-type"), "text/plain");
  // The others of the class keep status and body.
  const http::Response media = call("POST", "/x/1", {{"Content-Type", "text/csv"}}, "a");
  EXPECT_EQ(media.status, 415);
  EXPECT_EQ(media.body, R"({"message": "Unsupported Media Type"})");
  EXPECT_EQ(media.headers.get("access-control-allow-origin"), "*");
  EXPECT_EQ(call("GET", "/x/1").status, 200);
}

TEST_F(GatewayResponses, OfTheClassStandInForTheRest) {
  deploy(R"({"DEFAULT_5XX": {"statusCode": "599",
             "responseTemplates": {"text/html": "<p>$context.error.responseType</p>"}},
             "INTEGRATION_FAILURE": {"statusCode": "502"}})",
         R"("x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET",
            "uri": "${stageVariables.none}ftp://x/"})");
  const http::Response r = call("GET", "/x/1");
  EXPECT_EQ(r.status, 599);
  EXPECT_EQ(r.body, "<p>API_CONFIGURATION_ERROR</p>");
  EXPECT_EQ(r.headers.get("content-type"), "text/html");
}

}  // namespace
}  // namespace sluice::gateway
