// The client of one thread against the real server of this room.
#include "http/async_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "http/test_support.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Answer = base::Result<Response, ClientError>;

std::string url(const TestServer& server, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

std::future<Answer> fetch(AsyncClient& client, ClientRequest request) {
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  client.fetch(std::move(request), [promise](Answer a) { promise->set_value(std::move(a)); });
  return future;
}

TEST(AsyncClient, CarriesManyAtOnceAndKeepsConnections) {
  HeldResponders held;
  TestServer server([&](Request&& r, Responder responder) {
    if (r.target == "/now") return responder.send(plain(r.method + r.body));
    held.keep(r.target, std::move(responder));
  });
  AsyncClient client;
  client.start();
  std::vector<std::future<Answer>> waiting;
  for (int i = 0; i < 50; ++i)
    waiting.push_back(fetch(client, {.url = url(server, "/" + std::to_string(i))}));
  held.wait_for(50);  // all of them at the server, none answered
  for (int i = 49; i >= 0; --i)
    held.take("/" + std::to_string(i)).send(plain(std::to_string(i)));
  for (int i = 0; i < 50; ++i) {
    const Answer a = waiting[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(a) << a.error().message;
    EXPECT_EQ(a->body, std::to_string(i));
  }
  for (int i = 0; i < 20; ++i) {
    const Answer a =
        fetch(client, {.method = "POST", .url = url(server, "/now"), .body = "x"}).get();
    ASSERT_TRUE(a) << a.error().message;
    EXPECT_EQ(a->body, "POSTx");
  }
  EXPECT_LE(server.metrics().counter("sluice_http_accepted_total", "").value(), 50U);
}

TEST(AsyncClient, KeepsOnlySoManyConnections) {
  HeldResponders held;
  TestServer server(
      [&](Request&& r, Responder responder) { held.keep(r.target, std::move(responder)); });
  AsyncClient client({}, {.idle_connections_max = 1});
  client.start();
  for (int round = 0; round < 2; ++round) {
    std::vector<std::future<Answer>> waiting;
    for (const char* path : {"/a", "/b", "/c"})
      waiting.push_back(fetch(client, {.url = url(server, path)}));
    held.wait_for(3);
    for (const char* path : {"/a", "/b", "/c"})
      held.take(path).send(plain("."));
    for (auto& answer : waiting)
      EXPECT_TRUE(answer.get());
  }
  EXPECT_EQ(server.metrics().counter("sluice_http_accepted_total", "").value(), 5U);
}

TEST(AsyncClient, RefusesMoreThanItMayCarryAndEndsWhatIsUnderWay) {
  HeldResponders held;
  TestServer server(
      [&](Request&& r, Responder responder) { held.keep(r.target, std::move(responder)); });
  AsyncClient client({}, {.requests_max = 2});
  client.start();
  auto first = fetch(client, {.url = url(server, "/1")});
  auto second = fetch(client, {.url = url(server, "/2")});
  held.wait_for(2);
  const Answer third = fetch(client, {.url = url(server, "/3")}).get();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ClientError::kBusy);
  held.take("/1").send(plain("one"));
  EXPECT_EQ(first.get()->body, "one");
  client.stop();
  EXPECT_EQ(second.get().error().code, ClientError::kBroken);
  const Answer late = fetch(client, {.url = url(server, "/4")}).get();
  EXPECT_EQ(late.error().code, ClientError::kBusy);
  held.take("/2");
}

TEST(AsyncClient, AnswersTogetherHaveALimit) {
  TestServer server(
      [](Request&&, Responder responder) { responder.send(plain(std::string(300'000, 'x'))); });
  AsyncClient client({}, {.answers_bytes_max = 200'000});
  client.start();
  for (int i = 0; i < 3; ++i) {
    const Answer a = fetch(client, {.url = url(server, "/")}).get();
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().code, ClientError::kBusy);
    EXPECT_THAT(a.error().message, HasSubstr("200000 bytes"));
  }
}

TEST(AsyncClient, BadRequestsAndTimeoutsAreTold) {
  HeldResponders held;
  TestServer server(
      [&](Request&& r, Responder responder) { held.keep(r.target, std::move(responder)); });
  AsyncClient client;
  client.start();
  EXPECT_EQ(fetch(client, {.url = "ftp://127.0.0.1/"}).get().error().code,
            ClientError::kBadRequest);
  EXPECT_EQ(fetch(client, {.method = "get", .url = url(server, "/")}).get().error().code,
            ClientError::kBadRequest);
  const Answer late = fetch(client, {.url = url(server, "/"), .timeout = milliseconds(50)}).get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ClientError::kTimeout);
  held.take("/");
}

TEST(AsyncClient, UnpacksWhatItAskedFor) {
  TestServer server([](Request&& r, Responder responder) {
    Response response = plain(std::string(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x48\x4c\xce\x4e\x4d\x51\x28\x40\xa6"
        "\x00\xe6\x91\x8b\x05\x14\x00\x00\x00",
        29));
    response.headers.add("Content-Encoding", "gzip");
    response.headers.add("X-Accepted", r.headers.get("accept-encoding"));
    responder.send(std::move(response));
  });
  AsyncClient client;
  client.start();
  const Answer a = fetch(client, {.url = url(server, "/"), .decompress = true}).get();
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->body, "packed packed packed");
  EXPECT_EQ(a->headers.get("x-accepted"), "gzip, deflate");
}

// Answers the first request of a connection and closes it when the second one has come.
class ClosesAtTheSecond {
 public:
  ClosesAtTheSecond() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~ClosesAtTheSecond() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  int requests() const { return requests_; }

 private:
  void run() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      for (int i = 0; i < 2 && read_request(fd); ++i) {
        ++requests_;
        constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if (i == 0) ::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      }
      ::close(fd);
    }
  }
  static bool read_request(int fd) {
    std::string text;
    char byte = 0;
    while (!text.ends_with("\r\n\r\n") && ::recv(fd, &byte, 1, 0) == 1)
      text += byte;
    return text.ends_with("\r\n\r\n");
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

TEST(AsyncClient, WhatIsToBeSentOnceIsNotSentTwice) {
  ClosesAtTheSecond server;
  AsyncClient client;
  client.start();
  const ClientRequest request{.method = "POST", .url = server.url(), .once = true};
  ASSERT_TRUE(fetch(client, request).get());
  const Answer second = fetch(client, request).get();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ClientError::kBroken);
  EXPECT_EQ(server.requests(), 2);
  // Without `once` libcurl tries again.
  ClientRequest again = request;
  again.once = false;
  ASSERT_TRUE(fetch(client, again).get());
  EXPECT_TRUE(fetch(client, again).get());
  EXPECT_EQ(server.requests(), 5);
  client.stop();
}

TEST(AsyncClient, AListedHostMayHaveAnyAddress) {
  TestServer server([](Request&&, Responder responder) { responder.send(plain("here")); });
  const std::string port = std::to_string(server.port());
  const auto listed = EgressPolicy::public_and({"LocalHost", "internal.example"});
  ASSERT_TRUE(listed) << listed.error().message;
  AsyncClient client({.egress = *listed});
  client.start();
  EXPECT_TRUE(fetch(client, {.url = "http://localhost:" + port + "/"}).get());
  EXPECT_EQ(fetch(client, {.url = "http://127.0.0.1:" + port + "/"}).get().error().code,
            ClientError::kForbidden);
  for (const char* bad : {"a b.c", "1.2.3", "1.2.3.400", ".com", "com.", "a_b.c/8"})
    EXPECT_FALSE(EgressPolicy::public_and({bad})) << bad;
}

}  // namespace
}  // namespace sluice::http
