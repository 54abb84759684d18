// The gateway end to end: examples/pinterest/api.yaml imported and deployed through the control
// plane, called through the data plane, with a fake service behind it.
#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/base64.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway {
namespace {

using testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class FakeService final : public aws::ServiceInvoker {
 public:
  void call(aws::ServiceRequest request, aws::ServiceDone done) override {
    last = std::move(request);
    ++calls;
    done(reply);
  }
  aws::ServiceRequest last;
  int calls = 0;
  aws::ServiceResponse reply{200, "application/x-amz-json-1.1", {}, "{\"ShardId\":\"s\"}"};
};

class Sink final : public http::ResponseSink {
 public:
  explicit Sink(http::Response& out, std::function<void()>* held = nullptr)
      : out_(out), held_(held) {}
  void send(http::Response response) override { out_ = std::move(response); }
  void start(http::Response) override {}
  bool write(std::string) override { return false; }
  void finish() override {}
  void abort() override {}
  std::size_t pending_bytes() const override { return 0; }
  void when_writable(std::function<void()> ready) override { ready(); }
  void resume(std::function<void()> task) override {
    if (held_ == nullptr) return task();
    *held_ = std::move(task);
  }

 private:
  http::Response& out_;
  std::function<void()>* held_;  // keeps what is to go on on the loop
};

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    open();
    const http::Response imported =
        control("POST", "/restapis?mode=import",
                read_file(std::string(SLUICE_SOURCE_DIR) + "/examples/pinterest/api.yaml"));
    ASSERT_EQ(imported.status, 201) << imported.body;
    id_ = field(imported.body, "id");
    const http::Response deployed =
        control("POST", "/restapis/" + id_ + "/deployments", "{\"stageName\":\"Prod\"}");
    ASSERT_EQ(deployed.status, 201) << deployed.body;
  }

  void open() {
    auto opened = Gateway::open(":memory:", {service_, clock_, random_, metrics_, {}});
    ASSERT_TRUE(opened) << opened.error().message;
    gateway_ = std::move(*opened);
  }

  static std::string field(const std::string& json, std::string_view name) {
    Arena arena;
    const auto v = read_json(arena, json);
    if (!v || v->kind != Kind::kMap) return "";
    std::string out;
    append_java(out, v->map->get(name), 1 << 20);
    return out;
  }

  http::Response control(const std::string& method, const std::string& target,
                         const std::string& body = "") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    http::Response out;
    gateway_->control_plane().handle(std::move(request),
                                     http::Responder(std::make_shared<Sink>(out)));
    return out;
  }

  http::Response call(const std::string& method, const std::string& path,
                      const std::string& body = "",
                      const std::string& content_type = "application/json") {
    http::Request request;
    request.method = method;
    request.target = "/Prod" + path;
    request.body = body;
    if (!content_type.empty()) request.headers.add("Content-Type", content_type);
    http::Response out;
    const auto url = gateway_->resolve_default(id_, request.target);
    EXPECT_TRUE(url);
    gateway_->invoke(*url, std::move(request), http::Responder(std::make_shared<Sink>(out)));
    return out;
  }

  // What the service was asked to store.
  std::string data() {
    return base::base64_decode(field(service_.last.body, "Data")).value_or("no base64");
  }

  FakeService service_;
  base::ManualClock clock_{1'700'000'000'000};
  base::SeededRandom random_{7};
  base::MetricsRegistry metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::string id_;
};

TEST_F(GatewayTest, PutRecordStoresTheDataAsCompactJson) {
  const http::Response r = call("PUT", "/streams/streaming-0e36c8cd403d-geo/record",
                                R"({"StreamName": "x", "Data": {"ind": 7528, "n": 1.50,
      "country": "Cote d'Ivoire"}, "PartitionKey": "ind"})");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "{\"ShardId\":\"s\"}");
  EXPECT_EQ(r.headers.get("content-type"), "application/json");
  EXPECT_FALSE(r.headers.get("x-amzn-RequestId").empty());
  EXPECT_EQ(r.headers.get("x-amzn-RequestId"), service_.last.request_id);
  EXPECT_FALSE(r.headers.get("x-amz-apigw-id").empty());
  EXPECT_EQ(service_.last.service, "kinesis");
  EXPECT_EQ(service_.last.action, "PutRecord");
  EXPECT_EQ(service_.last.content_type, "application/x-amz-json-1.1");
  EXPECT_EQ(service_.last.caller.region, "us-east-1");
  EXPECT_EQ(service_.last.caller.account, "000000000000");
  EXPECT_EQ(field(service_.last.body, "StreamName"), "streaming-0e36c8cd403d-geo");
  EXPECT_EQ(field(service_.last.body, "PartitionKey"), "ind");
  EXPECT_EQ(data(), R"({"ind":7528,"n":1.5,"country":"Cote d'Ivoire"})");
}

// The rows of a reference of what AWS stores for odd payloads.
TEST_F(GatewayTest, PutRecordPayloads) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"Data":"some data","PartitionKey":"k"})", "\"some data\""},
      {R"({"Data":{"a":"b","n":1.50},"PartitionKey":"k"})", R"({"a":"b","n":1.5})"},
      {R"({"Data":[1, "x"],"PartitionKey":"k"})", R"([1,"x"])"},
      {R"({"Data":42,"PartitionKey":"k"})", "42"},
      {R"({"Data":null,"PartitionKey":"k"})", "\"\""},
      {R"({"PartitionKey":"k"})", "\"\""},
      {R"({"Data":{"e":"😀 \u0141","s":"a/b\"c\\"},"PartitionKey":"k"})",
       "{\"e\":\"😀 Ł\",\"s\":\"a/b\\\"c\\\\\"}"},
      {"", "\"\""},
      {"not json", "\"\""},
  };
  for (const auto& [body, stored] : cases) {
    EXPECT_EQ(call("PUT", "/streams/s/record", body).status, 200) << body;
    EXPECT_EQ(data(), stored) << body;
  }
  call("PUT", "/streams/s/record", R"({"Data":1,"PartitionKey":7})");
  EXPECT_EQ(field(service_.last.body, "PartitionKey"), "7");
  call("PUT", "/streams/s/record", R"({"data":1,"partitionkey":7})");
  EXPECT_EQ(field(service_.last.body, "PartitionKey"), "");
  // Inserted as it is, quotes and all: the service gets broken JSON, as on AWS.
  call("PUT", "/streams/s/record", R"({"Data":1,"PartitionKey":"a\"b"})");
  EXPECT_THAT(service_.last.body, HasSubstr("\"PartitionKey\": \"a\"b\""));
}

TEST_F(GatewayTest, PutRecordsPayloads) {
  call(
      "PUT", "/streams/s/records",
      R"({"records":[{"data":"some data","partition-key":"k1"},{"data":42,"partition-key":"k2"}]})");
  EXPECT_EQ(service_.last.action, "PutRecords");
  EXPECT_EQ(service_.last.body,
            "{\n    \"StreamName\": \"s\",\n    \"Records\": [\n                 {\n"
            "            \"Data\": \"c29tZSBkYXRh\",\n            \"PartitionKey\": \"k1\"\n"
            "          },                  {\n            \"Data\": \"NDI=\",\n"
            "            \"PartitionKey\": \"k2\"\n          }            ] \n}\n");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a":"b","l":[1,{"c":"d"}],"o":{"x":null}})", R"({a=b, l=[1,{"c":"d"}], o={x=null}})"},
      {R"([1,"x",{"a":1}])", R"([1,"x",{"a":1}])"},
      {"null", ""},
  };
  for (const auto& [given, stored] : cases) {
    call("PUT", "/streams/s/records", "{\"records\":[{\"data\":" + std::string(given) + "}]}");
    const std::string body = service_.last.body;
    const std::size_t at = body.find("\"Data\": \"") + 9;
    EXPECT_EQ(base::base64_decode(body.substr(at, body.find('"', at) - at)), stored) << given;
  }
  for (const char* none :
       {"{}", R"({"records":[]})", R"({"records":"abc"})", R"({"Records":[1]})", ""}) {
    call("PUT", "/streams/s/records", none);
    EXPECT_THAT(service_.last.body, HasSubstr("\"Records\": [\n           ]")) << none;
  }
}

TEST_F(GatewayTest, CreateStreamPayloads) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "  5 "},
      {"", "  5 "},
      {R"({"ShardCount":""})", "  5 "},
      {"null", "  5 "},
      {"not json", "  5 "},
      {"[1]", "  5 "},
      {R"({"ShardCount":3})", "  3 "},
      {R"({"ShardCount":"3"})", "  3 "},
      {R"({"ShardCount":0})", "  0 "},
      {R"({"ShardCount":1.0})", "  1.0 "},
      {R"({"ShardCount":true})", "  true "},
      {R"({"ShardCount":{"a":1}})", "  {a=1} "},
  };
  for (const auto& [body, count] : cases) {
    EXPECT_EQ(call("POST", "/streams/s", body).status, 200) << body;
    EXPECT_THAT(service_.last.body, HasSubstr("\"ShardCount\":" + std::string(count) + ","))
        << body;
  }
  const http::Response broken = call("POST", "/streams/s", R"({"ShardCount":)");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body,
              HasSubstr("Could not process payloadnet.minidev.json.parser.ParseException"));
}

TEST_F(GatewayTest, MethodsWithoutABody) {
  for (const auto& [method, path, action] : {std::tuple{"GET", "/streams", "ListStreams"},
                                             std::tuple{"GET", "/streams/s", "DescribeStream"},
                                             std::tuple{"DELETE", "/streams/s", "DeleteStream"}}) {
    EXPECT_EQ(call(method, path, "", "").status, 200);
    EXPECT_EQ(service_.last.action, action);
  }
  call("GET", "/streams/a%20b%2Fc/", "", "");
  EXPECT_EQ(field(service_.last.body, "StreamName"), "a b/c");
}

TEST_F(GatewayTest, TheServicesErrorsPassAs200) {
  service_.reply = {
      400, "application/x-amz-json-1.1", {}, R"({"__type":"ResourceNotFoundException"})"};
  const http::Response r = call("PUT", "/streams/s/record", R"({"Data":1,"PartitionKey":"k"})");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, R"({"__type":"ResourceNotFoundException"})");
}

TEST_F(GatewayTest, ContentTypesAndPassthrough) {
  call("PUT", "/streams/s/record", R"({"Data":1})", "application/json; charset=UTF-8");
  EXPECT_EQ(data(), "1");
  const int before = service_.calls;
  const http::Response r = call("PUT", "/streams/s/record", "{}", "application/x-amz-json-1.1");
  EXPECT_EQ(r.status, 415);
  EXPECT_EQ(r.body, "{\"message\": \"Unsupported Media Type\"}");
  EXPECT_EQ(r.headers.get("x-amzn-ErrorType"), "BadRequestException");
  EXPECT_EQ(service_.calls, before);
}

TEST_F(GatewayTest, MockAndCors) {
  http::Response r = call("OPTIONS", "/anything/at/all", "", "");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(r.headers.get("Access-Control-Allow-Origin"), "*");
  r = call("GET", "/anything", "", "");
  EXPECT_EQ(r.status, 200);
  r = call("POST", "/streams", "{}");  // no POST on /streams: back to {proxy+}
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(service_.calls, 0);
}

TEST_F(GatewayTest, WhatIsNotThere) {
  http::Request request;
  request.method = "GET";
  http::Response out;
  gateway_->data_plane().handle(id_, "Nope", "/streams", std::move(request),
                                http::Responder(std::make_shared<Sink>(out)));
  EXPECT_EQ(out.status, 403);
  EXPECT_EQ(out.body, "{\"message\":\"Forbidden\"}");
  request = {};
  request.method = "GET";
  gateway_->data_plane().handle(id_, "Prod", "/", std::move(request),
                                http::Responder(std::make_shared<Sink>(out)));
  EXPECT_EQ(out.status, 403);
  EXPECT_EQ(out.body, "{\"message\":\"Missing Authentication Token\"}");
  EXPECT_EQ(out.headers.get("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  EXPECT_EQ(call("PUT", "/streams/s/record", std::string(kPayloadBytesMax + 1, ' ')).status, 413);
}

TEST_F(GatewayTest, RetriesThatNameThemselvesKeepTheirName) {
  http::Request request;
  request.method = "PUT";
  request.headers.add("amz-sdk-invocation-id", "9f6c");
  request.body = "{}";
  http::Response out;
  gateway_->data_plane().handle(id_, "Prod", "/streams/s/record", std::move(request),
                                http::Responder(std::make_shared<Sink>(out)));
  EXPECT_EQ(service_.last.invocation_id, id_ + "/9f6c");
  call("PUT", "/streams/s/record", "{}");
  EXPECT_EQ(service_.last.invocation_id, "");
}

TEST_F(GatewayTest, ControlPlaneShowsWhatIsThere) {
  EXPECT_EQ(field(control("GET", "/restapis/" + id_).body, "name"), "0e36c8cd403d");
  EXPECT_THAT(control("GET", "/restapis").body, HasSubstr("\"item\":[{\"id\":\"" + id_));
  const std::string resources =
      control("GET", "/restapis/" + id_ + "/resources?embed=methods&limit=500").body;
  EXPECT_THAT(resources, HasSubstr("\"path\":\"/streams/{stream-name}/records\""));
  EXPECT_THAT(resources, HasSubstr("\"passthroughBehavior\":\"WHEN_NO_TEMPLATES\""));
  EXPECT_THAT(control("GET", "/restapis/" + id_ + "/stages").body,
              HasSubstr("\"stageName\":\"Prod\""));
  EXPECT_EQ(control("GET", "/restapis/" + id_ + "/stages/Prod").status, 200);
  EXPECT_THAT(control("GET", "/restapis/" + id_ + "/deployments").body,
              HasSubstr("\"createdDate\":1700000000"));
  const http::Response missing = control("GET", "/restapis/nope");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.get("x-amzn-ErrorType"), "NotFoundException");
  EXPECT_EQ(control("GET", "/restapis/" + id_ + "/stages/Test").status, 404);
  EXPECT_EQ(control("GET", "/restapis/" + id_ + "/authorizers").status, 501);
}

std::string api_of(const std::vector<std::string>& paths, const std::string& operations = "{}") {
  std::string out;
  for (const auto& path : paths)
    out += (out.empty() ? "\"" : ",\"") + path + "\":" + operations;
  return R"({"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{)" + out + "}}";
}

TEST_F(GatewayTest, AnApiHasAtMost300Resources) {
  std::vector<std::string> paths;  // the root is one of them
  for (std::size_t i = 1; i < kResourcesMax; ++i)
    paths.push_back("/p" + std::to_string(i));
  EXPECT_EQ(control("POST", "/restapis?mode=import", api_of(paths)).status, 201);
  paths.emplace_back("/more");
  const auto refused = control("POST", "/restapis?mode=import", api_of(paths));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("more than 300 resources"));
}

TEST_F(GatewayTest, ApisAreCountedAndListedInPages) {
  while (gateway_->store().apis().size() < kApisMax)
    ASSERT_EQ(control("POST", "/restapis?mode=import", api_of({"/p"})).status, 201);
  const auto refused = control("POST", "/restapis?mode=import", api_of({"/p"}));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("x-amzn-ErrorType"), "LimitExceededException");
  const auto page = control("GET", "/restapis?limit=1000").body;
  std::size_t listed = 0;
  for (auto at = page.find("\"createdDate\""); at != std::string::npos;
       at = page.find("\"createdDate\"", at + 1))
    ++listed;
  EXPECT_EQ(listed, 500U);
  EXPECT_NE(field(page, "position"), "");
}

TEST_F(GatewayTest, DeploymentsStagesAndTheirVariablesAreCounted) {
  const auto deploy = [&](const std::string& body) {
    return control("POST", "/restapis/" + id_ + "/deployments", body);
  };
  for (std::size_t i = 1; i < kStagesMax; ++i)  // one is there
    ASSERT_EQ(deploy("{\"stageName\":\"s" + std::to_string(i) + "\"}").status, 201);
  EXPECT_EQ(deploy("{\"stageName\":\"more\"}").status, 429);
  EXPECT_EQ(deploy("{\"stageName\":\"Prod\"}").status, 201);
  std::string variables;
  for (int i = 0; i < 101; ++i)
    variables += (i == 0 ? "\"v" : ",\"v") + std::to_string(i) + "\":\"x\"";
  const auto refused = deploy("{\"stageName\":\"Prod\",\"variables\":{" + variables + "}}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("at most 100 variables"));
  while (gateway_->store().deployments(id_).size() < kDeploymentsMax)
    ASSERT_EQ(deploy("{}").status, 201);
  EXPECT_EQ(deploy("{}").status, 429);
}

TEST_F(GatewayTest, PutRestApiMergesOrOverwritesAndStagesStay) {
  const auto count = [&] { return gateway_->store().api(id_)->resources.size(); };
  const std::string mock = R"({"get":{"x-amazon-apigateway-integration":{"type":"mock"}}})";
  const std::size_t before = count();
  const http::Response merged = control("PUT", "/restapis/" + id_, api_of({"/extra"}, mock));
  EXPECT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(field(merged.body, "id"), id_);
  EXPECT_EQ(field(merged.body, "name"), "t");
  EXPECT_EQ(count(), before + 1);
  EXPECT_EQ(control("PUT", "/restapis/" + id_ + "?mode=overwrite", api_of({"/extra"}, mock)).status,
            200);
  EXPECT_EQ(count(), 2U);
  EXPECT_EQ(control("PUT", "/restapis/" + id_ + "?mode=mix", api_of({"/x"}, mock)).status, 400);
  EXPECT_EQ(control("PUT", "/restapis/" + id_, "{").status, 400);
  EXPECT_EQ(control("PUT", "/restapis/nope", api_of({"/x"}, mock)).status, 404);
  EXPECT_EQ(count(), 2U);
  call("GET", "/streams", "", "");  // as it was deployed
  EXPECT_EQ(service_.last.action, "ListStreams");
}

TEST_F(GatewayTest, GetExportGivesTheDeployedApi) {
  const std::string stage = "/restapis/" + id_ + "/stages/Prod";
  control("PUT", "/restapis/" + id_, api_of({"/later"}, "{}"));
  const http::Response json = control("GET", stage + "/exports/oas30?extensions=apigateway");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.headers.get("content-type"), "application/octet-stream");
  EXPECT_EQ(json.headers.get("content-disposition"),
            "attachment; filename=\"oas30_1700000000.json\"");
  EXPECT_THAT(json.body, HasSubstr("\"passthroughBehavior\" : \"when_no_templates\""));
  EXPECT_THAT(json.body, testing::Not(HasSubstr("/later")));
  const http::Response copy = control("POST", "/restapis?mode=import", json.body);
  EXPECT_EQ(copy.status, 201) << copy.body;
  EXPECT_THAT(control("GET", stage + "/exports/swagger").body, HasSubstr("\"swagger\" : \"2.0\""));
  EXPECT_EQ(control("GET", stage + "/exports/raml").status, 400);
  EXPECT_EQ(control("GET", stage + "/exports/oas30?extensions=postman").status, 400);
  EXPECT_EQ(control("GET", "/restapis/" + id_ + "/stages/No/exports/oas30").status, 404);
}

TEST_F(GatewayTest, WarningsOfAnImportAreCounted) {
  std::string api = api_of({"/p"});
  api.pop_back();
  for (int i = 0; i < 150; ++i)
    api += ",\"x-amazon-apigateway-unknown-" + std::to_string(i) + "\":{}";
  const auto imported = control("POST", "/restapis?mode=import", api + "}");
  ASSERT_EQ(imported.status, 201) << imported.body;
  EXPECT_EQ(gateway_->store().api(field(imported.body, "id"))->warnings.size(), 100U);
}

TEST_F(GatewayTest, DeletedStagesAndApisStopAnswering) {
  EXPECT_EQ(control("DELETE", "/restapis/" + id_ + "/stages/Prod").status, 202);
  EXPECT_FALSE(gateway_->resolve_default(id_, "/Prod/streams"));
  EXPECT_EQ(control("DELETE", "/restapis/" + id_).status, 202);
  EXPECT_EQ(control("GET", "/restapis/" + id_).status, 404);
}

TEST_F(GatewayTest, TheServicesThreadDoesNotMapTheAnswer) {
  http::Request request;
  request.method = "PUT";
  request.target = "/Prod/streams/s/record";
  request.body = R"({"StreamName": "s", "Data": {}, "PartitionKey": "k"})";
  request.headers.add("Content-Type", "application/json");
  http::Response out;
  out.status = 0;
  std::function<void()> held;
  gateway_->invoke(*gateway_->resolve_default(id_, request.target), std::move(request),
                   http::Responder(std::make_shared<Sink>(out, &held)));
  EXPECT_EQ(service_.calls, 1);
  EXPECT_EQ(out.status, 0);
  ASSERT_TRUE(held);
  held();
  EXPECT_EQ(out.status, 200);
}

TEST_F(GatewayTest, DefaultApiMayBeAName) {
  EXPECT_TRUE(gateway_->resolve_default("0e36c8cd403d", "/Prod/streams"));
  EXPECT_FALSE(gateway_->resolve_default("other", "/Prod/streams"));
  EXPECT_FALSE(gateway_->resolve_default("0e36c8cd403d", "/Test/streams"));
  EXPECT_EQ(control("DELETE", "/restapis/" + id_ + "/stages/Prod").status, 202);
  EXPECT_FALSE(gateway_->resolve_default("0e36c8cd403d", "/Prod/streams"));
}

TEST_F(GatewayTest, OfTwoApisOfOneNameTheSmallerIdServes) {
  const http::Response imported =
      control("POST", "/restapis?mode=import",
              read_file(std::string(SLUICE_SOURCE_DIR) + "/examples/pinterest/api.yaml"));
  const std::string second = field(imported.body, "id");
  EXPECT_EQ(gateway_->resolve_default("0e36c8cd403d", "/Prod/streams")->api_id, id_);
  control("POST", "/restapis/" + second + "/deployments", "{\"stageName\":\"Prod\"}");
  EXPECT_EQ(gateway_->resolve_default("0e36c8cd403d", "/Prod/streams")->api_id,
            std::min(id_, second));
  control("DELETE", "/restapis/" + std::min(id_, second) + "/stages/Prod");
  EXPECT_EQ(gateway_->resolve_default("0e36c8cd403d", "/Prod/streams")->api_id,
            std::max(id_, second));
}

TEST_F(GatewayTest, TemplatesOfTheExampleAreTheWalkthroughs) {
  const std::string folder =
      std::string(SLUICE_SOURCE_DIR) + "/../../shared/walkthrough/templates/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the walkthrough's templates are not here";
  const auto api = gateway_->store().api(id_);
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"/streams", "GET", "list-streams.get.vtl"},
      {"/streams/{stream-name}", "GET", "stream.get.vtl"},
      {"/streams/{stream-name}", "POST", "stream.post.vtl"},
      {"/streams/{stream-name}", "DELETE", "stream.delete.vtl"},
      {"/streams/{stream-name}/record", "PUT", "record.put.vtl"},
      {"/streams/{stream-name}/records", "PUT", "records.put.vtl"},
  };
  for (const auto& [path, method, file] : cases) {
    for (const Resource& r : api->resources) {
      if (r.path != path) continue;
      EXPECT_EQ(r.methods.at(method).integration->request_templates.at(0).second,
                read_file(folder + file))
          << file;
    }
  }
}

TEST(GatewayStore, ARestartKeepsStages) {
  const std::string folder = testing::TempDir() + "/gateway-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  FakeService service;
  base::MetricsRegistry metrics;
  base::SeededRandom random(3);
  std::string id;
  const auto open = [&] {
    auto opened =
        Gateway::open(folder + "/meta.db", {service, base::system_clock(), random, metrics, {}});
    EXPECT_TRUE(opened);
    return std::move(*opened);
  };
  const auto control = [](Gateway& gateway, const std::string& target, const std::string& body) {
    http::Request request;
    request.method = "POST";
    request.target = target;
    request.body = body;
    http::Response out;
    gateway.control_plane().handle(std::move(request),
                                   http::Responder(std::make_shared<Sink>(out)));
    return out;
  };
  {
    const auto gateway = open();
    const auto imported =
        control(*gateway, "/restapis?mode=import",
                read_file(std::string(SLUICE_SOURCE_DIR) + "/examples/pinterest/api.yaml"));
    ASSERT_EQ(imported.status, 201) << imported.body;
    id = gateway->store().apis().at(0)->id;
    ASSERT_EQ(
        control(*gateway, "/restapis/" + id + "/deployments", "{\"stageName\":\"Prod\"}").status,
        201);
  }
  const auto gateway = open();
  EXPECT_EQ(gateway->data_plane().find_api(id, "Prod"), id);
  EXPECT_EQ(gateway->store().deployments(id).size(), 1U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::gateway
