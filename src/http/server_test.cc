// The server by raw sockets, as clients and attackers meet it.
#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/test_support.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

Response text(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

TEST(Server, AnswersARequestAndKeepsTheConnection) {
  TestServer server([](Request&& request, Responder responder) {
    responder.send(text(request.method + " " + request.target + " " +
                        std::string(request.headers.get("x-a")) + " " + request.body + " " +
                        request.peer));
  });
  RawClient client(server.port());
  client.send("POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nX-A: one\r\nContent-Length: 2\r\n\r\nhi");
  const RawAnswer first = client.answer();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "POST /a?b=c one hi 127.0.0.1");
  EXPECT_THAT(first.head, HasSubstr("\r\nDate: "));
  EXPECT_THAT(first.head, HasSubstr("\r\nContent-Length: 28\r\n"));
  client.send("GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.answer().body, StartsWith("GET /2 "));
}

}  // namespace
}  // namespace sluice::http
