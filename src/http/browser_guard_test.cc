#include "http/browser_guard.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace sluice::http {
namespace {

using Header = std::pair<std::string_view, std::string_view>;

Request request(std::string method, std::initializer_list<Header> headers) {
  Request r;
  r.method = std::move(method);
  r.target = "/";
  for (const auto& [name, value] : headers)
    r.headers.add(name, value);
  return r;
}

// 0: may pass.
int status(const Request& r, PathClass path, bool is_signed = false) {
  const auto refused = BrowserGuard({"box.test", "*.Lab.test"}).check(r, path, is_signed);
  return refused ? refused->status : 0;
}

TEST(BrowserGuard, KnowsItsNames) {
  const BrowserGuard guard({"box.test", "*.Lab.test"});
  for (const char* host :
       {"localhost", "localhost:4566", "LOCALHOST", "localhost.", "127.0.0.1:1", "[::1]",
        "[::1]:4566", "a.localhost", "a.b.localhost:80", "localhost.localstack.cloud:4566",
        "abc.execute-api.localhost.localstack.cloud:4566", "kinesis.us-east-1.amazonaws.com",
        "apigateway.eu-west-1.amazonaws.com", "abc123.execute-api.us-east-1.amazonaws.com",
        "kinesis.cn-north-1.amazonaws.com.cn", "box.test:4566", "BOX.test", "a.lab.test"}) {
    EXPECT_TRUE(guard.knows_host(host)) << host;
  }
  for (const char* host : {"",
                           ":4566",
                           "evil.test",
                           "localhost.evil.test",
                           "notlocalhost",
                           "xlocalhost",
                           ".localhost",
                           "127.0.0.2",
                           "127.0.0.1.evil.test",
                           "0.0.0.0",
                           "[::1",
                           "[::1]x",
                           "[::2]",
                           "localhost:80x",
                           "localhost:x",
                           "kinesis.us-east-1.amazonaws.com.evil.test",
                           "kinesis.a.b.amazonaws.com",
                           "evil.kinesis.us-east-1.amazonaws.com",
                           "kinesis..amazonaws.com",
                           "s3.us-east-1.amazonaws.com",
                           "a.execute-api.evil.test",
                           "a.b.execute-api.us-east-1.amazonaws.com",
                           "x.box.test",
                           "lab.test",
                           "xlab.test",
                           "localhost.localstack.cloud.evil.test"}) {
    EXPECT_FALSE(guard.knows_host(host)) << host;
  }
}

TEST(BrowserGuard, UnknownHostIsMisdirectedOnEveryPath) {
  for (const auto path : {PathClass::kUserApi, PathClass::kPage, PathClass::kAws, PathClass::kAdmin,
                          PathClass::kConsoleApi}) {
    EXPECT_EQ(status(request("GET", {{"Host", "evil.test"}}), path), 421);
    EXPECT_EQ(status(request("GET", {{"Host", "evil.test"}}), path, true), 421);
    EXPECT_EQ(status(request("GET", {}), path), 421);
  }
}

TEST(BrowserGuard, ForeignOriginIsRefused) {
  for (const char* origin : {"http://evil.test", "null", "http://localhost:3000",
                             "http://localhost", "https://localhost", "http://127.0.0.1:4566",
                             "file://", "", "http://localhost:4566.evil.test",
                             "http://evil.test/localhost:4566", "chrome-extension://abc"}) {
    const auto r = request("GET", {{"Host", "localhost:4566"}, {"Origin", origin}});
    EXPECT_EQ(status(r, PathClass::kAws), 403) << origin;
    EXPECT_EQ(status(r, PathClass::kAdmin), 403) << origin;
    EXPECT_EQ(status(r, PathClass::kConsoleApi), 403) << origin;
    EXPECT_EQ(status(r, PathClass::kUserApi), 0) << origin;
    EXPECT_EQ(status(r, PathClass::kPage), 0) << origin;
    EXPECT_EQ(status(r, PathClass::kAws, true), 0) << origin;
  }
}

TEST(BrowserGuard, OwnOriginMayPass) {
  EXPECT_EQ(
      status(request("GET", {{"Host", "localhost:4566"}, {"Origin", "http://localhost:4566"}}),
             PathClass::kAdmin),
      0);
  EXPECT_EQ(status(request("GET", {{"Host", "LocalHost"}, {"Origin", "http://localhost:80"}}),
                   PathClass::kAdmin),
            0);
  EXPECT_EQ(status(request("GET", {{"Host", "localhost:80"}, {"Origin", "http://localhost"}}),
                   PathClass::kAdmin),
            0);
  EXPECT_EQ(status(request("GET", {{"Host", "[::1]:1"}, {"Origin", "http://[::1]:1"}}),
                   PathClass::kAdmin),
            0);
}

TEST(BrowserGuard, SecFetchSiteIsHeeded) {
  for (const auto& [site, expected] :
       std::initializer_list<std::pair<std::string_view, int>>{{"same-origin", 0},
                                                               {"none", 0},
                                                               {"same-site", 403},
                                                               {"cross-site", 403},
                                                               {"something-new", 403}}) {
    const auto r = request("GET", {{"Host", "localhost"}, {"Sec-Fetch-Site", site}});
    EXPECT_EQ(status(r, PathClass::kAws), expected) << site;
    EXPECT_EQ(status(r, PathClass::kAdmin), expected) << site;
    EXPECT_EQ(status(r, PathClass::kUserApi), 0) << site;
  }
}

TEST(BrowserGuard, ConsoleApiNeedsItsHeader) {
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}}), PathClass::kConsoleApi), 403);
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}, {"X-Sluice-Request", "1"}}),
                   PathClass::kConsoleApi),
            0);
}

TEST(BrowserGuard, UnsignedWritesMustNotLookLikeAForm) {
  const auto post = [](std::initializer_list<Header> more, std::string method = "POST") {
    Request r = request(std::move(method), {{"Host", "localhost"}});
    for (const auto& [name, value] : more)
      r.headers.add(name, value);
    return status(r, PathClass::kAws);
  };
  EXPECT_EQ(post({}), 403);
  EXPECT_EQ(post({{"Content-Type", "text/plain"}}), 403);
  EXPECT_EQ(post({{"Content-Type", "application/x-www-form-urlencoded"}}), 403);
  EXPECT_EQ(post({{"Content-Type", "text/plain; application/json"}}), 403);
  EXPECT_EQ(post({}, "PUT"), 403);
  EXPECT_EQ(post({}, "GET"), 0);
  EXPECT_EQ(post({}, "DELETE"), 0);
  EXPECT_EQ(post({{"X-Amz-Target", "Kinesis_20131202.ListStreams"}}), 0);
  EXPECT_EQ(post({{"Content-Type", "application/x-amz-json-1.1"}}), 0);
  EXPECT_EQ(post({{"Content-Type", "Application/JSON; charset=utf-8"}}), 0);
  EXPECT_EQ(post({{"Content-Type", "application/x-amz-cbor-1.1"}}), 0);
  EXPECT_EQ(post({{"Authorization", "AWS4-HMAC-SHA256 …"}}), 0);
}

}  // namespace
}  // namespace sluice::http
