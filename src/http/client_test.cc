// The client against the real server of this room.
#include "http/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "http/test_support.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string url(const TestServer& server, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

Response echo(const Request& request) {
  Response response;
  response.status = 201;
  response.headers.add("X-Method", request.method);
  response.headers.add("X-Target", request.target);
  response.headers.add("X-Type", request.headers.get("content-type"));
  response.headers.add("X-Empty", request.headers.find("x-empty") ? "there" : "absent");
  response.headers.add("X-Host", request.headers.get("host"));
  response.body = request.body;
  return response;
}

TEST(Client, SendsMethodHeadersAndBodyAndReadsThemBack) {
  TestServer server([](Request&& r, Responder responder) { responder.send(echo(r)); });
  Client client;
  ClientRequest request{.method = "PUT", .url = url(server, "/a/../b?x=%20"), .body = "{\"a\":1}"};
  request.headers.add("Content-Type", "application/json");
  request.headers.add("X-Empty", "");
  request.headers.add("Host", "api.execute-api.us-east-1.amazonaws.com");
  const auto response = client.fetch(request);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, request.body);
  EXPECT_EQ(response->headers.get("x-method"), "PUT");
  EXPECT_EQ(response->headers.get("x-target"), "/a/../b?x=%20");
  EXPECT_EQ(response->headers.get("x-type"), "application/json");
  EXPECT_EQ(response->headers.get("x-empty"), "there");
  EXPECT_EQ(response->headers.get("x-host"), "api.execute-api.us-east-1.amazonaws.com");
}

TEST(Client, KeepsItsConnection) {
  TestServer server([](Request&& r, Responder responder) { responder.send(echo(r)); });
  Client client;
  for (int i = 0; i < 20; ++i) {
    ClientRequest request{.method = i % 2 == 0 ? "POST" : "GET", .url = url(server, "/")};
    ASSERT_TRUE(client.fetch(request).has_value());
  }
  EXPECT_EQ(server.metrics().counter("sluice_http_accepted_total", "").value(), 1U);
}

TEST(Client, ManyClientsInThreads) {
  TestServer server([](Request&& r, Responder responder) { responder.send(echo(r)); });
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Client client;
      for (int i = 0; i < 100; ++i) {
        const auto response =
            client.fetch({.method = "POST", .url = url(server, "/"), .body = std::to_string(i)});
        if (response && response->body == std::to_string(i)) ++good;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(good, 400);
}

TEST(Client, HeadHasNoBodyAndLargeBodiesGoThrough) {
  TestServer server([](Request&& r, Responder responder) { responder.send(echo(r)); });
  Client client;
  const auto head = client.fetch({.method = "HEAD", .url = url(server, "/")});
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->body, "");
  const std::string large(std::size_t{9} << 20, 'x');
  const auto response = client.fetch({.method = "POST", .url = url(server, "/"), .body = large});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_TRUE(response->body == large);
}

TEST(Client, RefusesAnAnswerOverItsLimit) {
  TestServer server([](Request&&, Responder responder) {
    Response response;
    response.body.assign(2000, 'x');
    responder.send(std::move(response));
  });
  Client client(ClientOptions{.response_bytes_max = 1999});
  const auto response = client.fetch({.url = url(server, "/")});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ClientError::kTooLarge);
}

TEST(Client, DoesNotFollowRedirects) {
  TestServer server([](Request&&, Responder responder) {
    Response response;
    response.status = 302;
    response.headers.add("Location", "http://127.0.0.1:1/");
    responder.send(std::move(response));
  });
  Client client;
  const auto response = client.fetch({.url = url(server, "/")});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 302);
}

TEST(Client, TimesOut) {
  std::vector<Responder> kept;
  TestServer server([&](Request&&, Responder r) { kept.push_back(std::move(r)); }, {}, 1);
  Client client;
  const auto response = client.fetch({.url = url(server, "/"), .timeout = milliseconds(50)});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ClientError::kTimeout);
  server.server().stop(milliseconds(0));
  kept.clear();
}

TEST(Client, WaitsForAConnectionOnlySoLong) {
  // Nobody accepts, and the backlog is full: further handshakes get no answer.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::vector<int> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(waiting.back(), reinterpret_cast<const sockaddr*>(&address), size);
  }
  Client client(ClientOptions{.connect_timeout = milliseconds(100)});
  const auto start = std::chrono::steady_clock::now();
  const auto response =
      client.fetch({.url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/"});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ClientError::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  for (const int fd : waiting)
    ::close(fd);
  ::close(listener);
}

TEST(Client, RefusesEndlessHeaders) {
  TestServer server([](Request&&, Responder responder) {
    Response response;
    for (int i = 0; i < 10; ++i)
      response.headers.add("X-" + std::to_string(i), std::string(std::size_t{40} << 10, 'h'));
    responder.send(std::move(response));
  });
  Client client;
  const auto response = client.fetch({.url = url(server, "/")});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, ClientError::kBroken);
}

TEST(Client, SaysWhyThereIsNoConnection) {
  std::uint16_t closed_port = 0;
  {
    TestServer server([](Request&&, Responder) {});
    closed_port = server.port();
  }
  Client client;
  const auto refused =
      client.fetch({.url = "http://127.0.0.1:" + std::to_string(closed_port) + "/"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ClientError::kConnect);
  const auto scheme = client.fetch({.url = "file:///etc/passwd"});
  ASSERT_FALSE(scheme.has_value());
  EXPECT_EQ(scheme.error().code, ClientError::kBadRequest);
  ClientRequest split{.url = "http://127.0.0.1/"};
  split.headers.add("X-A", "b\r\nX-C: d");
  const auto injected = client.fetch(split);
  ASSERT_FALSE(injected.has_value());
  EXPECT_EQ(injected.error().code, ClientError::kBadRequest);
}

TEST(Client, TheEgressPolicyHoldsForNamesToo) {
  TestServer server([](Request&& r, Responder responder) { responder.send(echo(r)); });
  const auto closed = EgressPolicy::public_and({});
  ASSERT_TRUE(closed.has_value());
  Client client(ClientOptions{.egress = *closed});
  for (const std::string host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    const auto response =
        client.fetch({.url = "http://" + host + ":" + std::to_string(server.port()) + "/"});
    ASSERT_FALSE(response.has_value()) << host;
    EXPECT_EQ(response.error().code, ClientError::kForbidden) << host;
  }
  const auto listed = EgressPolicy::public_and({"127.0.0.0/8"});
  ASSERT_TRUE(listed.has_value());
  Client allowed(ClientOptions{.egress = *listed});
  EXPECT_TRUE(allowed.fetch({.url = url(server, "/")}).has_value());
}

TEST(EgressPolicy, ClosesWhatIsNotPublic) {
  const auto policy = EgressPolicy::public_and({"10.1.0.0/16", "fd00:1::/32"});
  ASSERT_TRUE(policy.has_value());
  for (const char* open : {"8.8.8.8", "93.184.216.34", "2600::1", "10.1.2.3", "fd00:1::5",
                           "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(policy->permits(open)) << open;
  }
  for (const char* closed : {"127.0.0.1",
                             "10.2.0.1",
                             "192.168.1.1",
                             "172.31.255.255",
                             "169.254.169.254",
                             "100.64.0.1",
                             "0.0.0.0",
                             "255.255.255.255",
                             "::1",
                             "::",
                             "fe80::1",
                             "fc00::1",
                             "fd00:2::1",
                             "::ffff:127.0.0.1",
                             "::ffff:169.254.169.254",
                             "64:ff9b::7f00:1",
                             "2002:7f00:1::",
                             "localhost",
                             "1.2.3",
                             ""}) {
    EXPECT_FALSE(policy->permits(closed)) << closed;
  }
  for (const char* bad : {"10.0.0.0/33", "x", "10.0.0.0/", "::/129", "10.0.0.0/-1"}) {
    EXPECT_FALSE(EgressPolicy::public_and({bad}).has_value()) << bad;
  }
  EXPECT_TRUE(EgressPolicy::allow_all().permits("127.0.0.1"));
}

}  // namespace
}  // namespace sluice::http
