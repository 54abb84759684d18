// HTTP and HTTP_PROXY integrations against a real server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "gateway/test_support.h"
#include "http/server.h"

namespace sluice::gateway {
namespace {

using testing::MatchesRegex;

// The endpoint: keeps the last request, answers what the test set.
class Endpoint final : public http::Handler {
 public:
  Endpoint() : server_(loops_, *this, {}, metrics_) {
    loops_.start();
    port_ = server_.start().value();
  }
  ~Endpoint() override { stop(); }
  void stop() {
    server_.stop(std::chrono::milliseconds(0));
    loops_.stop();
  }
  void handle(http::Request&& request, http::Responder responder) override {
    const std::lock_guard lock(mutex_);
    last = std::move(request);
    ++calls;
    if (silent) {
      held_.push_back(std::move(responder));
    } else {
      responder.send(reply);
    }
  }
  std::uint64_t accepted() { return metrics_.counter("sluice_http_accepted_total", "").value(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  http::Response reply;
  http::Request last;
  int calls = 0;
  bool silent = false;

 private:
  std::mutex mutex_;
  std::vector<http::Responder> held_;
  base::MetricsRegistry metrics_;
  runtime::LoopGroup loops_{1};
  http::Server server_;
  std::uint16_t port_ = 0;
};

class HttpIntegration : public DeployedApi {
 protected:
  HttpIntegration() { allow({"127.0.0.1"}); }

  void allow(const std::vector<std::string>& egress) {
    client_ = std::make_unique<http::AsyncClient>(
        http::ClientOptions{.egress = http::EgressPolicy::public_and(egress).value()});
    client_->start();
    open(client_.get());
  }
  // ENDPOINT in the integration is the endpoint's address.
  void deploy(const std::string& path, std::string integration,
              const std::string& stage_variables = "{}") {
    if (const auto at = integration.find("ENDPOINT"); at != std::string::npos)
      integration.replace(at, 8, endpoint_.url());
    DeployedApi::deploy(path, "\"x-amazon-apigateway-integration\": " + integration,
                        R"("x-amazon-apigateway-binary-media-types": ["image/png"])",
                        stage_variables);
  }
  std::string sent(std::string_view header) {
    return std::string(endpoint_.last.headers.get(header));
  }

  Endpoint endpoint_;
  std::unique_ptr<http::AsyncClient> client_;
};

TEST_F(HttpIntegration, AProxyHandsOnTheRequest) {
  deploy("/{proxy+}", R"json({"type": "http_proxy", "httpMethod": "ANY",
      "uri": "ENDPOINT/old/{proxy}",
      "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"}})json");
  endpoint_.reply.status = 418;
  endpoint_.reply.body = "tea";
  endpoint_.reply.headers.add("Content-Type", "text/plain");
  endpoint_.reply.headers.add("Set-Cookie", "a=1");
  endpoint_.reply.headers.add("Set-Cookie", "b=2");
  endpoint_.reply.headers.add("x-amzn-RequestId", "theirs");
  endpoint_.reply.headers.add("WWW-Authenticate", "Basic");
  const http::Response r = call("PUT", "/pots/a%20b%3F/c?x=1&y=%20&x=2",
                                {{"Host", "gateway.example:4566"},
                                 {"Content-Type", "text/csv"},
                                 {"User-Agent", "me"},
                                 {"Connection", "keep-alive, X-Mine"},
                                 {"X-Mine", "1"},
                                 {"X-Two", "1"},
                                 {"X-Two", "2"},
                                 {"TE", "trailers"},
                                 {"Via", "1.1 x"},
                                 {"X-Forwarded-For", "203.0.113.9"}},
                                "a,b");
  EXPECT_EQ(r.status, 418);
  EXPECT_EQ(r.body, "tea");
  EXPECT_EQ(r.headers.get("content-type"), "text/plain");
  EXPECT_EQ(r.headers.get("www-authenticate"), "Basic");
  EXPECT_EQ(r.headers.get("x-amzn-remapped-x-amzn-requestid"), "theirs");
  EXPECT_EQ(r.headers.get("x-amzn-remapped-content-length"), "3");
  EXPECT_FALSE(r.headers.get("x-amzn-remapped-date").empty());
  EXPECT_NE(r.headers.get("x-amzn-requestid"), "theirs");
  int cookies = 0;
  for (const auto& [name, value] : r.headers.items())
    cookies += name == "Set-Cookie" ? 1 : 0;
  EXPECT_EQ(cookies, 2);

  EXPECT_EQ(endpoint_.last.method, "PUT");
  EXPECT_EQ(endpoint_.last.target, "/old/pots/a%20b%3F/c?x=1&y=%20&x=2");
  EXPECT_EQ(endpoint_.last.body, "a,b");
  EXPECT_EQ(sent("host"), endpoint_.url().substr(7));
  EXPECT_EQ(sent("content-type"), "text/csv");
  EXPECT_EQ(sent("user-agent"), "me");
  EXPECT_EQ(sent("accept"), "application/json");
  EXPECT_EQ(sent("x-two"), "1");
  for (const char* gone : {"x-mine", "te", "via"})
    EXPECT_FALSE(endpoint_.last.headers.find(gone)) << gone;
  EXPECT_EQ(sent("x-forwarded-for"), "203.0.113.9, 192.0.2.7");
  EXPECT_EQ(sent("x-forwarded-port"), "4566");
  EXPECT_EQ(sent("x-forwarded-proto"), "http");
  EXPECT_EQ(sent("x-amzn-apigateway-api-id"), id_);
  EXPECT_THAT(sent("x-amzn-trace-id"), MatchesRegex("Root=1-6553f100-[0-9a-f]{24}"));
}

TEST_F(HttpIntegration, AProxyAddsWhatIsMapped) {
  deploy("/things/{id}",
         R"json({"type": "http_proxy", "httpMethod": "POST",
      "uri": "ENDPOINT/${stageVariables.base}/{id}?fixed=1", "requestParameters": {
        "integration.request.header.X-Stage": "context.stage",
        "integration.request.header.X-Given": "'mapped'",
        "integration.request.querystring.id": "method.request.path.id",
        "integration.request.querystring.all": "method.request.multivaluequerystring.q"}})json",
         R"({"base": "v2"})");
  EXPECT_EQ(call("GET", "/things/a%2Fb?q=1&q=2", {{"X-Given", "own"}}).status, 200);
  EXPECT_EQ(endpoint_.last.method, "POST");
  EXPECT_EQ(endpoint_.last.target, "/v2/a%2Fb?fixed=1&q=1&q=2&id=a%2Fb&all=1&all=2");
  EXPECT_EQ(sent("x-stage"), "s");
  EXPECT_EQ(sent("x-given"), "mapped");
  EXPECT_EQ(call("GET", "/things/%2E%2E").status, 500);
  EXPECT_EQ(endpoint_.calls, 1);
}

TEST_F(HttpIntegration, HttpSendsWhatIsMappedAndMapsTheAnswer) {
  deploy("/things/{id}", R"json({"type": "http", "httpMethod": "POST",
      "uri": "ENDPOINT/v1/{name}", "requestParameters": {
        "integration.request.path.name": "method.request.path.id",
        "integration.request.querystring.from": "method.request.header.X-From"},
      "requestTemplates": {"application/json":
        "#set($r = $context.requestOverride)#set($r.header.X-Over = 'o')#set($r.querystring.more = ['1', '2'])#set($r.path.name = 'over ride')got $input.path('$.a')"},
      "responses": {
        "default": {"statusCode": "200"},
        "4\\d{2}": {"statusCode": "404",
          "responseParameters": {
            "method.response.header.X-Why": "integration.response.header.X-Reason",
            "method.response.header.Date": "'now'",
            "method.response.header.X-Id": "integration.response.body.id"},
          "responseTemplates": {"application/json": "no $input.path('$.id')"}}}})json");
  endpoint_.reply.status = 410;
  endpoint_.reply.body = R"({"id": 7})";
  endpoint_.reply.headers.add("X-Reason", "gone");
  const http::Response r =
      call("PATCH", "/things/x?q=1",
           {{"Content-Type", "application/json"}, {"X-From", "here & there"}, {"X-Own", "1"}},
           R"({"a": "b"})");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body, "no 7");
  EXPECT_EQ(r.headers.get("x-why"), "gone");
  EXPECT_EQ(r.headers.get("x-id"), "7");
  EXPECT_EQ(r.headers.get("x-amzn-remapped-date"), "now");
  EXPECT_FALSE(r.headers.find("x-reason"));
  EXPECT_EQ(endpoint_.last.target, "/v1/over%20ride?from=here%20%26%20there&more=1&more=2");
  EXPECT_EQ(endpoint_.last.body, "got b");
  EXPECT_EQ(sent("content-type"), "application/json");
  EXPECT_EQ(sent("user-agent"), "AmazonAPIGateway_" + id_);
  EXPECT_EQ(sent("x-over"), "o");
  EXPECT_FALSE(endpoint_.last.headers.find("x-own"));

  endpoint_.reply.status = 201;
  EXPECT_EQ(call("PATCH", "/things/x").status, 200);
}

TEST_F(HttpIntegration, AnEndpointThatIsSlowGoneOrTooLong) {
  deploy("/x", R"({"type": "http_proxy", "httpMethod": "GET", "uri": "ENDPOINT/"})");
  endpoint_.reply.body.assign((std::size_t{10} << 20) + 1, 'x');
  EXPECT_EQ(call("GET", "/x").status, 500);
  deploy("/x", R"({"type": "http_proxy", "httpMethod": "GET", "uri": "ENDPOINT/",
                   "timeoutInMillis": 50})");
  endpoint_.silent = true;
  const http::Response late = call("GET", "/x");
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.body, R"({"message": "Endpoint request timed out"})");
  deploy("/x", R"({"type": "http_proxy", "httpMethod": "GET", "uri": "ENDPOINT/"})");
  endpoint_.stop();
  const http::Response gone = call("GET", "/x");
  EXPECT_EQ(gone.status, 504);
  EXPECT_EQ(gone.body, R"({"message": "Network error communicating with endpoint"})");
}

TEST_F(HttpIntegration, WhatIsNotListedIsNotReached) {
  allow({});
  deploy("/x", R"json({"type": "http_proxy", "httpMethod": "GET", "uri": "ENDPOINT/"})json");
  const http::Response r = call("GET", "/x");
  EXPECT_EQ(r.status, 500);
  EXPECT_EQ(r.body, R"({"message": "Internal server error"})");
  EXPECT_EQ(endpoint_.calls, 0);
}

TEST_F(HttpIntegration, MistakesOfTheConfigurationAre500) {
  const auto status = [&](const std::string& integration) {
    deploy("/x", integration);
    return call("GET", "/x").status;
  };
  // "ftp://host/" itself is refused at import.
  EXPECT_EQ(status(R"({"type": "http_proxy", "httpMethod": "GET",
                       "uri": "${stageVariables.none}ftp://host/"})"),
            500);
  EXPECT_EQ(status(R"({"type": "http_proxy", "httpMethod": "GET",
                       "uri": "http://${stageVariables.host}/"})"),
            500);
  EXPECT_EQ(
      status(R"json({"type": "http_proxy", "httpMethod": "GET", "uri": "ENDPOINT/{id}"})json"),
      500);
  EXPECT_EQ(status(R"json({"type": "http", "httpMethod": "GET", "uri": "ENDPOINT/",
      "requestParameters": {"integration.request.header.Transfer-Encoding": "'chunked'"}})json"),
            500);
  EXPECT_EQ(endpoint_.calls, 0);
}

TEST_F(HttpIntegration, ConnectionsAreKept) {
  deploy("/x", R"json({"type": "http_proxy", "httpMethod": "ANY", "uri": "ENDPOINT/"})json");
  for (const char* method : {"GET", "POST", "HEAD", "DELETE", "OPTIONS"})
    EXPECT_EQ(call(method, "/x").status, 200) << method;
  EXPECT_EQ(endpoint_.calls, 5);
  EXPECT_EQ(endpoint_.accepted(), 1U);
}

}  // namespace
}  // namespace sluice::gateway
