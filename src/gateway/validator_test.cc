// Request validators of a deployed method.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/schema.h"
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

TEST_F(Validators, BodiesMustFitTheModel) {
  deploy("body", R"("requestBody": {"content": {"application/json": {"schema": {
      "type": "object", "required": ["name", "n"],
      "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}}}}})");
  const auto put = [&](const std::string& body, const std::string& type = "application/json") {
    return call("PUT", "/x/1", {{"Content-Type", type}}, body).status;
  };
  EXPECT_EQ(put(R"({"name": "a", "n": 1, "more": []})"), 200);
  EXPECT_EQ(put(R"({"statusCode": 200})", "text/csv"), 200);  // no model for it
  for (const char* bad : {R"({"name": "a", "n": 1.5})", R"({"name": "a"})", "[]", "not json", "{",
                          "", R"({"name": null, "n": 1})"}) {
    const http::Response r = call("PUT", "/x/1", {{"Content-Type", "application/json"}}, bad);
    EXPECT_EQ(r.status, 400) << bad;
    EXPECT_EQ(r.body, R"({"message": "Invalid request body"})") << bad;
  }
}

// What the model m says of the body; empty: it fits.
std::string verdict(const std::string& schema, const std::string& body) {
  std::map<std::string, BodyModel> models;
  models["m"].schema = schema;
  models["tree"].schema = R"({"type": "object", "additionalProperties":
                              {"$ref": "#/components/schemas/tree"}})";
  const Schemas schemas(models);
  Arena arena;
  return schemas.check("m", *read_json(arena, body)).value_or("");
}

TEST(Schema, KeywordsOfDraft4) {
  struct Case {
    const char *schema, *good, *bad;
  };
  for (
      const auto& [schema, good, bad] : {
          Case{R"({"type": ["string", "null"]})", "null", "1"},
          {R"({"type": "number"})", "1", "true"},
          {R"({"enum": [1, {"a": [2]}]})", R"({"a": [2.0]})", R"({"a": [3]})"},
          {R"({"allOf": [{"minimum": 1}, {"maximum": 2}]})", "2", "3"},
          {R"({"anyOf": [{"type": "string"}, {"minimum": 5}]})", "5", "4"},
          {R"({"oneOf": [{"minimum": 1}, {"minimum": 5}]})", "4", "6"},
          {R"({"not": {"type": "string"}})", "1", "\"a\""},
          {R"({"minimum": 1, "exclusiveMinimum": true})", "2", "1"},
          {R"({"maximum": 1, "exclusiveMaximum": true})", "0.9", "1"},
          {R"({"multipleOf": 0.01})", "0.07", "0.075"},
          {R"({"minLength": 2, "maxLength": 2})", "\"\xF0\x9F\x98\x80x\"", "\"abc\""},
          {R"({"pattern": "^a+$"})", "\"aa\"", "\"ba\""},
          {R"({"pattern": "b"})", "\"abc\"", "\"ac\""},
          {R"({"items": {"type": "integer"}})", "[1, 2]", "[1, \"2\"]"},
          {R"({"items": [{"type": "integer"}], "additionalItems": false})", "[1]", "[1, 2]"},
          {R"({"minItems": 1, "maxItems": 2})", "[1]", "[]"},
          {R"({"uniqueItems": true})", "[1, 2]", "[1, 1.0]"},
          {R"({"required": ["a"]})", R"({"a": null})", "{}"},
          {R"({"minProperties": 1, "maxProperties": 1})", R"({"a": 1})", R"({"a": 1, "b": 2})"},
          {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})",
           R"({"b": 1})"},
          {R"({"patternProperties": {"^x": {"type": "integer"}}})", R"({"x1": 1, "y": "a"})",
           R"({"x1": "a"})"},
          {R"({"additionalProperties": {"type": "integer"}})", R"({"a": 1})", R"({"a": "b"})"},
          {R"({"dependencies": {"a": ["b"]}})", R"({"b": 1})", R"({"a": 1})"},
          {R"({"dependencies": {"a": {"required": ["c"]}}})", R"({"a": 1, "c": 1})", R"({"a": 1})"},
          {R"({"$ref": "#/components/schemas/tree"})", R"({"a": {"b": {}}})", R"({"a": {"b": 1}})"},
          {R"({"definitions": {"x": {"type": "null"}}, "items": {"$ref": "#/components/schemas/x"}})",
           "[null]", "[0]"},
      }) {
    EXPECT_EQ(verdict(schema, good), "") << schema << " " << good;
    EXPECT_NE(verdict(schema, bad), "") << schema << " " << bad;
  }
  EXPECT_EQ(verdict(R"({"required": ["a", "b"]})", "{}"),
            R"([object has missing required properties (["a","b"])])");
}

TEST(Schema, HasLimits) {
  EXPECT_THAT(verdict(R"({"$ref": "#"})", "1"), testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(verdict(R"({"not": {"$ref": "#"}})", "1"), testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(verdict(R"({"not": {"$ref": "#/x"}})", "1"), testing::HasSubstr("no such schema"));
  std::string many = "[0";
  for (int i = 1; i < 2000; ++i)
    many += "," + std::to_string(i);
  EXPECT_THAT(verdict(R"({"uniqueItems": true})", many + "]"),
              testing::HasSubstr("too long to validate"));
}

}  // namespace
}  // namespace sluice::gateway
