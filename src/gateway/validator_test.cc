// Request validators of a deployed method.
#include <gtest/gtest.h>

#include "gateway/test_support.h"

namespace sluice::gateway {
namespace {

class Validators : public DeployedApi {
 protected:
  Validators() { open(); }

  // `more` are members of the operation.
  void deploy(const std::string& validator, const std::string& more) {
    DeployedApi::deploy("/x/{id}",
                        more + R"(, "x-amazon-apigateway-integration": {"type": "mock",
                 "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
                 "responses": {"default": {"statusCode": "200"}}},
                 "x-amazon-apigateway-request-validator": ")" +
                            validator + "\"",
                        R"("x-amazon-apigateway-request-validators": {
             "all": {"validateRequestBody": true, "validateRequestParameters": true},
             "body": {"validateRequestBody": true, "validateRequestParameters": false}},
           "x-amazon-apigateway-gateway-responses": {"BAD_REQUEST_PARAMETERS": {
             "responseTemplates": {"text/plain": "$context.error.message"}}})");
  }
};

constexpr const char* kParameters = R"("parameters": [
    {"name": "id", "in": "path", "required": true},
    {"name": "q", "in": "query", "required": true},
    {"name": "other", "in": "query", "required": false},
    {"name": "X-B", "in": "header", "required": true},
    {"name": "X-A", "in": "header", "required": true}])";

TEST_F(Validators, RequiredParametersMustBeThereAndNotBlank) {
  deploy("all", kParameters);
  EXPECT_EQ(call("GET", "/x/1?q=1", {{"x-a", "1"}, {"X-B", "2"}}).status, 200);
  const http::Response r = call("GET", "/x/1?q=", {{"X-B", "2"}});
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body, "Missing required request parameters: [X-A, q]");
  EXPECT_EQ(r.headers.get("x-amzn-errortype"), "BadRequestException");
  deploy("body", kParameters);
  EXPECT_EQ(call("GET", "/x/1").status, 200);
}

}  // namespace
}  // namespace sluice::gateway
