// Each limit of limits.h, hit on a real server. docs/limits.md names these tests.
#include "http/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/test_support.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

void answer_ok(Request&& request, Responder responder) {
  responder.send(plain(std::to_string(request.body.size())));
}

std::string get(std::string_view target = "/") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

// The status of the one answer, which must be the last of its connection.
int last_status(const TestServer& server, std::string_view request) {
  RawClient client(server.port());
  client.send(request);
  const RawAnswer answer = client.answer();
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.ended());
  return answer.status;
}

TEST(HttpLimits, TargetBytes) {
  ServerLimits limits;
  limits.parser.target_bytes = 100;
  TestServer server(answer_ok, limits);
  RawClient client(server.port());
  client.send(get("/" + std::string(99, 'a')));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(last_status(server, get("/" + std::string(100, 'a'))), 414);
}

TEST(HttpLimits, HeaderBytes) {
  ServerLimits limits;
  limits.parser.header_bytes = 1000;
  TestServer server(answer_ok, limits);
  const auto request = [](std::size_t header) {
    return "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(header, 'a') + "\r\n\r\n";
  };
  RawClient client(server.port());
  client.send(request(900));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(last_status(server, request(1000)), 431);
  // Many small reads do not add up to more.
  RawClient slow(server.port());
  slow.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 100 && slow.send("X-Header: some value\r\n"); ++i) {
  }
  EXPECT_EQ(slow.answer().status, 431);
  EXPECT_EQ(last_status(server, std::string(1001, 'A')), 414);
}

TEST(HttpLimits, HeaderBytesOfTrailersAndChunkHeads) {
  ServerLimits limits;
  limits.parser.header_bytes = 1000;
  TestServer server(answer_ok, limits);
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(last_status(server, head + "0\r\nX: " + std::string(1500, 'a')), 431);
  EXPECT_EQ(last_status(server, head + "1;a=" + std::string(1500, 'a')), 431);
}

TEST(HttpLimits, Headers) {
  ServerLimits limits;
  limits.parser.headers = 10;
  TestServer server(answer_ok, limits);
  const auto request = [](int more) {
    std::string text = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < more; ++i)
      text += "X: y\r\n";
    return text + "\r\n";
  };
  RawClient client(server.port());
  client.send(request(9));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(last_status(server, request(10)), 431);
}

TEST(HttpLimits, BodyBytes) {
  ServerLimits limits;
  limits.parser.body_bytes = 1000;
  TestServer server(answer_ok, limits);
  const std::string head = "PUT / HTTP/1.1\r\nHost: localhost\r\n";
  RawClient client(server.port());
  client.send(head + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'a'));
  EXPECT_EQ(client.answer().body, "1000");
  EXPECT_EQ(last_status(server, head + "Content-Length: 1001\r\n\r\n"), 413);
  EXPECT_EQ(last_status(server, head + "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"),
            413);
  EXPECT_EQ(last_status(server, head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" +
                                    std::string(1000, 'a') + "\r\n1\r\n"),
            413);
  EXPECT_EQ(last_status(server, head + "Content-Length: 18446744073709551615\r\n\r\n"), 413);
  EXPECT_EQ(last_status(server, head + "Content-Length: 18446744073709551616\r\n\r\n"), 400);
}

TEST(HttpLimits, ARefusalArrivesThoughTheBodyIsStillBeingSent) {
  ServerLimits limits;
  limits.parser.body_bytes = 1000;
  TestServer server(answer_ok, limits);
  RawClient client(server.port());
  client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
  client.send(std::string(4'000'000, 'a'));
  EXPECT_EQ(client.answer().status, 413);
}

TEST(HttpLimits, DefaultBodyFitsPutRecords) {
  // 500 records, 10 MiB of data and keys in all, in base64, with names and quotes.
  const std::uint64_t base64 = (std::uint64_t{10} << 20) / 3 * 4 + 500 * 4;
  EXPECT_GT(ParserLimits{}.body_bytes, base64 + 500 * (256 * 6 + 200));
}

TEST(HttpLimits, Connections) {
  ServerLimits limits;
  limits.connections = 3;
  TestServer server(answer_ok, limits);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(get());
    EXPECT_EQ(clients.back()->answer().status, 200);
  }
  EXPECT_EQ(last_status(server, get()), 503);
  clients.pop_back();
  // The place is free once the server has seen the end of the third.
  int status = 503;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (status == 503 && std::chrono::steady_clock::now() < until) {
    RawClient again(server.port());
    again.send(get());
    status = again.answer().status;
  }
  EXPECT_EQ(status, 200);
}

TEST(HttpLimits, Pipelined) {
  HeldResponders held;
  ServerLimits limits;
  limits.pipelined = 3;
  TestServer server([&](Request&& r, Responder to) { held.keep(r.target, std::move(to)); }, limits);
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 5; ++i)
    requests += get("/" + std::to_string(i));
  client.send(requests);
  held.wait_for(3);
  EXPECT_EQ(server.metrics().counter("sluice_http_requests_total", "").value(), 3U);
  held.take("/0").send(plain("0"));
  EXPECT_EQ(client.answer().body, "0");
  held.wait_for(3);  // 1, 2 and now 3
  EXPECT_EQ(server.metrics().counter("sluice_http_requests_total", "").value(), 4U);
  for (int i = 1; i < 4; ++i)
    held.take("/" + std::to_string(i)).send(plain("x"));
  held.wait_for(1);
  held.take("/4").send(plain("4"));
  for (int i = 1; i < 4; ++i)
    EXPECT_EQ(client.answer().body, "x");
  EXPECT_EQ(client.answer().body, "4");
}

TEST(HttpLimits, OutputBytesStopTheReading) {
  ServerLimits limits;
  limits.output_bytes = std::size_t{64} << 10;
  std::atomic<int> handled{0};
  TestServer server(
      [&](Request&&, Responder r) {
        ++handled;
        r.send(plain(std::string(std::size_t{1} << 20, 'x')));
      },
      limits);
  RawClient client(server.port(), 4096);
  std::string requests;
  for (int i = 0; i < 60; ++i)
    requests += get();
  client.send(requests);
  // The client reads nothing: only what the sockets' buffers hold is answered, not 60 MiB.
  EXPECT_EQ(client.answer().body.size(), std::size_t{1} << 20);
  EXPECT_LT(handled, 60);
  for (int i = 1; i < 60; ++i)
    ASSERT_EQ(client.answer().body.size(), std::size_t{1} << 20);
}

TEST(HttpLimits, OutputBytesCutOffAStreamThatDoesNotPause) {
  HeldResponders held;
  ServerLimits limits;
  limits.output_bytes = std::size_t{64} << 10;
  TestServer server([&](Request&& r, Responder to) { held.keep(r.target, std::move(to)); }, limits);
  RawClient client(server.port(), 4096);
  client.send(get("/s"));
  held.wait_for(1);
  Responder stream = held.take("/s");
  stream.start(plain(""));
  const std::string chunk(std::size_t{64} << 10, 'x');
  std::size_t written = 0;
  while (stream.write(chunk) && written < (std::size_t{1} << 30))
    written += chunk.size();
  EXPECT_LT(written, std::size_t{1} << 30);
  stream.finish();
  EXPECT_FALSE(client.answer().whole);
}

TEST(HttpLimits, InflightBodyBytes) {
  HeldResponders held;
  ServerLimits limits;
  limits.inflight_body_bytes = 1500;
  TestServer server([&](Request&& r, Responder to) { held.keep(r.target, std::move(to)); }, limits);
  const std::string head = " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
  RawClient first(server.port());
  first.send("PUT /1" + head + std::string(1000, 'a'));
  held.wait_for(1);
  EXPECT_EQ(last_status(server, "PUT /2" + head + std::string(1000, 'a')), 503);
  held.take("/1").send(plain("done"));
  EXPECT_EQ(first.answer().body, "done");
  first.send("PUT /3" + head + std::string(1000, 'a'));
  held.wait_for(1);
  held.take("/3").send(plain("done"));
  EXPECT_EQ(first.answer().status, 200);
}

TEST(HttpLimits, IdleTimeout) {
  ServerLimits limits;
  limits.idle_timeout = milliseconds(500);
  TestServer server(answer_ok, limits);
  RawClient silent(server.port());
  RawClient client(server.port());
  client.send(get());
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(silent.ended());
}

TEST(HttpLimits, IdleTimeoutDoesNotEndAWaitForTheHandler) {
  HeldResponders held;
  ServerLimits limits;
  limits.idle_timeout = limits.header_timeout = limits.body_timeout = milliseconds(500);
  TestServer server([&](Request&& r, Responder to) { held.keep(r.target, std::move(to)); }, limits);
  RawClient waiting(server.port());
  waiting.send(get("/a"));
  held.wait_for(1);
  // Another connection idles out twice, one after the other, meanwhile.
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(RawClient(server.port()).ended());
  held.take("/a").send(plain("late"));
  EXPECT_EQ(waiting.answer().body, "late");
}

TEST(HttpLimits, HeaderTimeout) {
  ServerLimits limits;
  limits.header_timeout = milliseconds(200);
  TestServer server(answer_ok, limits);
  EXPECT_EQ(last_status(server, "GET / HTTP/1.1\r\nHost: loc"), 408);
}

TEST(HttpLimits, BodyTimeout) {
  ServerLimits limits;
  limits.body_timeout = milliseconds(200);
  TestServer server(answer_ok, limits);
  EXPECT_EQ(
      last_status(server, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"),
      408);
}

TEST(HttpLimits, WriteTimeout) {
  ServerLimits limits;
  limits.write_timeout = milliseconds(40);
  TestServer server(
      [&](Request&&, Responder r) { r.send(plain(std::string(std::size_t{32} << 20, 'x'))); },
      limits);
  RawClient client(server.port(), 4096);
  client.send(get());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto& timeouts = server.metrics().counter("sluice_http_timeouts_total", "");
  while (timeouts.value() == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(client.answer().whole);
}

TEST(HttpLimits, LingerTimeout) {
  ServerLimits limits;
  limits.linger_timeout = milliseconds(40);
  TestServer server(answer_ok, limits);
  RawClient client(server.port());
  client.send("NONSENSE\r\n\r\n");
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_TRUE(client.ended());  // its sending side
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server.server().connections() != 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(server.server().connections(), 0U);
}

}  // namespace
}  // namespace sluice::http
