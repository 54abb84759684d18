// The server by raw sockets, as clients meet it: order, streams, drain, other protocols. The limits
// are in limits_test.cc.
#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "http/test_support.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Server, AnswersARequestAndKeepsTheConnection) {
  TestServer server([](Request&& request, Responder responder) {
    responder.send(plain(request.method + " " + request.target + " " +
                         std::string(request.headers.get("x-a")) + " " + request.body + " " +
                         request.peer));
  });
  RawClient client(server.port());
  client.send("POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nX-A: one\r\nContent-Length: 2\r\n\r\nhi");
  const RawAnswer first = client.answer();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "POST /a?b=c one hi 127.0.0.1");
  EXPECT_THAT(first.head, HasSubstr("\r\nDate: "));
  EXPECT_THAT(first.head, HasSubstr(" GMT\r\n"));
  EXPECT_THAT(first.head, HasSubstr("\r\nContent-Length: 28\r\n"));
  client.send("GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.answer().body, StartsWith("GET /2 "));
}

TEST(Server, ReadsARequestThatComesByteByByte) {
  TestServer server([](Request&& request, Responder r) { r.send(plain(request.body)); });
  RawClient client(server.port());
  const std::string request =
      "\r\nPUT /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;ext=\"1\"\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char c : request)
    ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(client.answer().body, "abcde");
}

TEST(Server, PipelinedAnswersKeepTheOrderOfTheRequests) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 10; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  client.send(requests);
  held.wait_for(10);
  for (int i = 9; i >= 0; --i) {
    held.take("/" + std::to_string(i)).send(plain("answer " + std::to_string(i)));
  }
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(client.answer().body, "answer " + std::to_string(i));
}

TEST(Server, ARequestGoesOnOnItsLoopAlsoWhenTheClientIsGone) {
  HeldResponders held;
  std::atomic<std::thread::id> loop;
  TestServer server([&](Request&& request, Responder r) {
    loop = std::this_thread::get_id();
    held.keep(request.target, std::move(r));
  });
  for (const bool gone : {false, true}) {
    auto client = std::make_unique<RawClient>(server.port());
    client->send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    held.wait_for(1);
    auto responder = std::make_shared<Responder>(held.take("/x"));
    if (gone) client.reset();
    std::promise<std::thread::id> ran;
    responder->resume([&ran, responder] {
      responder->resume([] {});  // there already: at once
      responder->send(plain("here"));
      ran.set_value(std::this_thread::get_id());
    });
    EXPECT_EQ(ran.get_future().get(), loop.load());
    if (client) {
      EXPECT_EQ(client->answer().body, "here");
    }
  }
}

TEST(Server, RespondersAreFinishedFromManyThreads) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  constexpr int kClients = 8;
  constexpr int kEach = 40;
  std::vector<std::thread> finishers;
  for (int t = 0; t < 3; ++t) {
    finishers.emplace_back([&] {
      while (auto one = held.take_any())
        one->second.send(plain(one->first));
    });
  }
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(server.port());
      std::string requests;
      for (int i = 0; i < kEach; ++i) {
        requests += "GET /" + std::to_string(c) + "-" + std::to_string(i) +
                    " HTTP/1.1\r\nHost: localhost\r\n\r\n";
      }
      client.send(requests);
      for (int i = 0; i < kEach; ++i) {
        if (client.answer().body == "/" + std::to_string(c) + "-" + std::to_string(i)) ++good;
      }
    });
  }
  for (auto& thread : clients)
    thread.join();
  held.close();
  for (auto& thread : finishers)
    thread.join();
  EXPECT_EQ(good, kClients * kEach);
}

TEST(Server, AnUnusedResponderAnswers500) {
  TestServer server([](Request&&, Responder) {});
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, 500);
  EXPECT_EQ(client.answer().status, 500);
}

TEST(Server, AHandlerThatThrowsAnswers500) {
  TestServer server([](Request&&, Responder) { throw std::runtime_error("broken"); });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, 500);
}

TEST(Server, HeadAndBodylessStatusesCarryNoBody) {
  TestServer server([](Request&& request, Responder r) {
    r.send(plain("12345", request.target == "/204" ? 204 : request.target == "/304" ? 304 : 200));
  });
  RawClient client(server.port());
  client.send(
      "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /204 HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /304 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawAnswer head = client.answer(/*to_head=*/true);
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 5\r\n"));
  const RawAnswer none = client.answer();
  EXPECT_EQ(none.status, 204);
  EXPECT_THAT(none.head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(client.answer().status, 304);
  EXPECT_EQ(client.answer().body, "12345");
}

TEST(Server, HeadersThatBreakTheFramingAnswer500) {
  TestServer server([](Request&& request, Responder r) {
    Response response = plain("x");
    if (request.target == "/value") response.headers.add("X-A", "b\r\nSet-Cookie: c");
    if (request.target == "/name") response.headers.add("X A", "b");
    if (request.target == "/ours") {
      response.headers.add("content-length", "999");
      response.headers.add("Transfer-Encoding", "chunked");
      response.headers.add("CONNECTION", "close");
    }
    r.send(std::move(response));
  });
  RawClient client(server.port());
  client.send(
      "GET /value HTTP/1.1\r\nHost: localhost\r\n\r\nGET /name HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /ours HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawAnswer value = client.answer();
  EXPECT_EQ(value.status, 500);
  EXPECT_THAT(value.head, Not(HasSubstr("Set-Cookie")));
  EXPECT_EQ(client.answer().status, 500);
  EXPECT_EQ(client.answer().body, "x");
  EXPECT_EQ(client.answer().body, "x");
}

TEST(Server, ConnectionCloseAndHttp10) {
  TestServer server([](Request&&, Responder r) { r.send(plain("x")); });
  RawClient close(server.port());
  close.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const RawAnswer closing = close.answer();
  EXPECT_THAT(closing.head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(close.ended());

  RawClient old(server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.answer().body, "x");
  EXPECT_TRUE(old.ended());

  RawClient kept(server.port());
  kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(kept.answer().head, HasSubstr("Connection: keep-alive\r\n"));
  kept.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(kept.answer().status, 200);
}

TEST(Server, AClientThatClosedItsSideStillGetsItsAnswers) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  RawClient client(server.port());
  client.send(
      "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.close_sending();
  held.wait_for(2);
  held.take("/b").send(plain("b"));
  held.take("/a").send(plain("a"));
  EXPECT_EQ(client.answer().body, "a");
  EXPECT_EQ(client.answer().body, "b");
  EXPECT_TRUE(client.ended());
}

TEST(Server, ContinueIsSentBeforeTheBodyAndInOrder) {
  HeldResponders held;
  TestServer server([&](Request&& request, Responder r) {
    if (request.target == "/first") return held.keep(request.target, std::move(r));
    r.send(plain(request.body));
  });
  RawClient client(server.port());
  client.send(
      "GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  held.wait_for(1);
  held.take("/first").send(plain("first"));
  EXPECT_EQ(client.answer().body, "first");
  EXPECT_EQ(client.answer().status, 100);
  client.send("body");
  EXPECT_EQ(client.answer().body, "body");
  // Whoever sends the body at once is not told to.
  client.send(
      "PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(client.answer().status, 200);
}

TEST(Server, StreamsInChunksFromAnotherThread) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  RawClient client(server.port());
  client.send(
      "GET /s HTTP/1.1\r\nHost: localhost\r\n\r\nGET /n HTTP/1.1\r\nHost: localhost\r\n\r\n");
  held.wait_for(2);
  held.take("/n").send(plain("next"));
  Responder stream = held.take("/s");
  stream.start(plain(""));
  EXPECT_TRUE(stream.write("one "));
  EXPECT_TRUE(stream.write(""));
  EXPECT_TRUE(stream.write("two"));
  stream.finish();
  const RawAnswer answer = client.answer();
  EXPECT_THAT(answer.head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(answer.body, "one two");
  EXPECT_EQ(client.answer().body, "next");
}

TEST(Server, AStreamToHttp10EndsWithTheConnection) {
  TestServer server([](Request&&, Responder r) {
    r.start(plain(""));
    r.write("one ");
    r.write("two");
    r.finish();
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const RawAnswer answer = client.answer();
  EXPECT_THAT(answer.head, Not(HasSubstr("chunked")));
  EXPECT_EQ(answer.body, "one two");
}

TEST(Server, AStreamThatIsDroppedIsNotWhole) {
  TestServer server([](Request&&, Responder r) {
    r.start(plain(""));
    r.write("part");
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawAnswer answer = client.answer();
  EXPECT_EQ(answer.body, "part");
  EXPECT_FALSE(answer.whole);
}

TEST(Server, AStreamLearnsThatItsClientIsGone) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  auto client = std::make_unique<RawClient>(server.port());
  client->send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  held.wait_for(1);
  Responder stream = held.take("/s");
  stream.start(plain(""));
  client = nullptr;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool there = true;
  while (there && std::chrono::steady_clock::now() < until) {
    there = stream.write("x");
    std::this_thread::yield();
  }
  EXPECT_FALSE(there);
  stream.finish();
}

TEST(Server, AProducerThatHeedsWhenWritableIsNeverCutOff) {
  HeldResponders held;
  ServerLimits limits;
  limits.output_bytes = std::size_t{64} << 10;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); }, limits);
  RawClient client(server.port(), 8192);
  client.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  held.wait_for(1);
  Responder stream = held.take("/s");
  constexpr std::size_t kTotal = std::size_t{8} << 20;
  std::thread producer([&] {
    stream.start(plain(""));
    for (std::size_t sent = 0; sent < kTotal;) {
      if (stream.pending_bytes() > (std::size_t{32} << 10)) {
        std::promise<void> writable;
        stream.when_writable([&] { writable.set_value(); });
        writable.get_future().wait();
        continue;
      }
      ASSERT_TRUE(stream.write(std::string(16384, static_cast<char>('a' + sent / 16384 % 26))));
      sent += 16384;
    }
    stream.finish();
  });
  const RawAnswer answer = client.answer();
  producer.join();
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body.size(), kTotal);
}

TEST(Server, DrainFinishesWhatIsInFlightAndRefusesNewWork) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); }, {},
      1);  // one loop: its listener closes before its idle connections
  RawClient idle(server.port());
  RawClient busy(server.port());
  busy.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  held.wait_for(2);
  std::atomic<bool> clean{false};
  std::thread stopper([&] { clean = server.server().stop(std::chrono::seconds(10)); });
  EXPECT_TRUE(idle.ended());  // so the drain has begun
  EXPECT_THROW(RawClient(server.port()), std::runtime_error);
  held.take("/b").send(plain("b"));
  held.take("/a").send(plain("a"));
  const RawAnswer a = busy.answer();
  EXPECT_EQ(a.body, "a");
  EXPECT_THAT(a.head, Not(HasSubstr("Connection: close")));
  const RawAnswer b = busy.answer();
  EXPECT_EQ(b.body, "b");
  EXPECT_THAT(b.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.ended());
  stopper.join();
  EXPECT_TRUE(clean);
  EXPECT_EQ(server.server().connections(), 0U);
}

TEST(Server, DrainCutsOffAtItsDeadline) {
  HeldResponders held;
  TestServer server(
      [&](Request&& request, Responder r) { held.keep(request.target, std::move(r)); });
  RawClient client(server.port());
  client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  held.wait_for(1);
  EXPECT_FALSE(server.server().stop(milliseconds(20)));
  EXPECT_TRUE(client.ended());
  held.take("/a").send(plain("too late"));  // harmless
}

TEST(Server, AllLoopsShareTheFreePortAndASecondServerIsToldSo) {
  TestServer server([](Request&&, Responder r) { r.send(plain("x")); }, {}, 4);
  for (int i = 0; i < 32; ++i) {
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.answer().status, 200);
  }
  base::MetricsRegistry metrics;
  FunctionHandler handler([](Request&&, Responder) {});
  Server second(server.loops(), handler, {.port = server.port()}, metrics);
  const auto started = second.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ServerError::kAddressInUse);
  Server elsewhere(server.loops(), handler, {.address = "example"}, metrics);
  EXPECT_EQ(elsewhere.start().error().code, ServerError::kBadAddress);
  Server foreign(server.loops(), handler, {.address = "192.0.2.1"}, metrics);
  EXPECT_EQ(foreign.start().error().code, ServerError::kBadAddress);
}

TEST(Server, Http2IsTurnedAwayWithGoaway) {
  TestServer server([](Request&&, Responder r) { r.send(plain("x")); });
  RawClient client(server.port());
  client.send("PRI * HT");
  client.send("TP/2.0\r\n\r\nSM\r\n\r\n");
  const std::string answer = client.rest();
  ASSERT_GT(answer.size(), 26U);
  EXPECT_EQ(answer.substr(0, 9), std::string("\0\0\0\4\0\0\0\0\0", 9));
  EXPECT_EQ(answer[12], 7);  // GOAWAY
  EXPECT_EQ(answer[25], 0x0d);
  EXPECT_EQ(static_cast<std::size_t>(answer[11]), answer.size() - 18);
  EXPECT_THAT(answer, HasSubstr("HTTP/2 is not spoken here yet"));
}

TEST(Server, TlsIsTurnedAwayWithAnAlert) {
  TestServer server([](Request&&, Responder r) { r.send(plain("x")); });
  RawClient client(server.port());
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  EXPECT_EQ(client.rest(), std::string("\x15\x03\x01\x00\x02\x02\x28", 7));
}

TEST(Server, LargeBodiesGoInAndOut) {
  TestServer server([](Request&& request, Responder r) { r.send(plain(std::move(request.body))); });
  RawClient client(server.port());
  std::string body(std::size_t{15} << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>(i * 2654435761U >> 13);
  std::thread sender([&] {
    client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n");
    client.send(body);
  });
  const RawAnswer answer = client.answer();
  sender.join();
  EXPECT_TRUE(answer.body == body);
}

}  // namespace
}  // namespace sluice::http
