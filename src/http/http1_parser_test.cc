// The parser without a socket: what it takes, what it refuses and with which status, wherever the
// bytes are cut.
#include "http/http1_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::http {
namespace {

struct Outcome {
  std::vector<Request> requests;
  int refused = 0;
  std::size_t left = 0;  // bytes that wait for more
};

// Feeds as a connection does, at most `step` new bytes at a time.
Outcome parse(std::string_view bytes, std::size_t step = SIZE_MAX,
              const ParserLimits& limits = {}) {
  Http1Parser parser(limits);
  Outcome outcome;
  std::string pending;
  while (!bytes.empty()) {
    const std::string_view some = bytes.substr(0, std::min(step, bytes.size()));
    pending.append(some);
    bytes.remove_prefix(some.size());
    while (!pending.empty()) {
      pending.erase(0, parser.feed(pending));
      if (parser.state() == Http1Parser::State::kFailed) {
        outcome.refused = parser.error_status();
        return outcome;
      }
      if (parser.state() != Http1Parser::State::kDone) break;
      outcome.requests.push_back(parser.take());
    }
  }
  outcome.left = pending.size();
  return outcome;
}

constexpr std::string_view kHost = "Host: localhost\r\n";

std::string request(std::string_view line, std::string_view headers = kHost,
                    std::string_view body = "") {
  return std::string(line) + "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

TEST(Http1Parser, TheCutsBetweenReadsDoNotMatter) {
  const std::string bytes =
      request("GET /a?b HTTP/1.1", "Host: x\r\nA:  b c \t\r\nEmpty:\r\n") + "\r\n" +
      request("PUT /b HTTP/1.1", "Host: x\r\nContent-Length: 5\r\n", "12345") +
      request("POST /c HTTP/1.1", "Host: x\r\nTransfer-Encoding: Chunked\r\n",
              "5\r\nabcde\r\n00A;x=y\r\n0123456789\r\n0\r\nT: x\r\nContent-Type: y\r\n\r\n") +
      request("DELETE /d HTTP/1.0", "");
  for (const std::size_t step :
       {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{50}}) {
    const Outcome outcome = parse(bytes, step);
    EXPECT_EQ(outcome.refused, 0) << step;
    EXPECT_EQ(outcome.left, 0U) << step;
    ASSERT_EQ(outcome.requests.size(), 4U) << step;
    const Request& get = outcome.requests[0];
    EXPECT_EQ(get.method, "GET");
    EXPECT_EQ(get.target, "/a?b");
    EXPECT_EQ(get.path(), "/a");
    EXPECT_EQ(get.query(), "b");
    EXPECT_EQ(get.headers.get("a"), "b c");
    EXPECT_EQ(get.headers.find("EMPTY"), "");
    EXPECT_EQ(get.headers.find("none"), std::nullopt);
    EXPECT_EQ(outcome.requests[1].body, "12345");
    EXPECT_EQ(outcome.requests[2].body, "abcde0123456789");
    EXPECT_EQ(outcome.requests[2].headers.size(), 2U);  // trailers are dropped
    EXPECT_GE(outcome.requests[2].body.capacity() - outcome.requests[2].body.size(), kBodyPadding);
    EXPECT_EQ(outcome.requests[3].method, "DELETE");
  }
}

TEST(Http1Parser, AbsoluteFormNamesTheHost) {
  const Outcome outcome =
      parse(request("GET HTTP://a.test:1/b?c HTTP/1.1", "Host: other\r\n") +
            request("GET http://a.test HTTP/1.1") + request("GET http://a.test?q HTTP/1.1") +
            request("OPTIONS * HTTP/1.1"));
  ASSERT_EQ(outcome.requests.size(), 4U);
  EXPECT_EQ(outcome.requests[0].target, "/b?c");
  EXPECT_EQ(outcome.requests[0].headers.get("host"), "a.test:1");
  EXPECT_EQ(outcome.requests[1].target, "/");
  EXPECT_EQ(outcome.requests[2].target, "/?q");
  EXPECT_EQ(outcome.requests[3].target, "*");
}

TEST(Http1Parser, RefusesWhatIsMalformedOrAmbiguous) {
  struct Case {
    int status;
    std::string bytes;
  };
  const std::string chunked = std::string(kHost) + "Transfer-Encoding: chunked\r\n";
  const std::vector<Case> cases = {
      // Framing that two readers could read in two ways.
      {400, request("PUT / HTTP/1.1", chunked + "Content-Length: 3\r\n", "abc")},
      {400, request("PUT / HTTP/1.1",
                    std::string(kHost) + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")},
      {400, request("PUT / HTTP/1.1",
                    std::string(kHost) + "Content-Length: 3\r\nContent-Length: 3\r\n")},
      {400, request("PUT / HTTP/1.1",
                    std::string(kHost) + "Content-Length: 3\r\nContent-Length: 4\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length: 3, 3\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length: +3\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length: -3\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length: 0x3\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length:\r\n")},
      {400, request("PUT / HTTP/1.1", std::string(kHost) + "Content-Length : 3\r\n")},
      {400, request("PUT / HTTP/1.1", chunked + "Transfer-Encoding: chunked\r\n")},
      {400, request("PUT / HTTP/1.0", chunked)},
      {501, request("PUT / HTTP/1.1", std::string(kHost) + "Transfer-Encoding: gzip, chunked\r\n")},
      {501, request("PUT / HTTP/1.1", std::string(kHost) + "Transfer-Encoding: xchunked\r\n")},
      {501, request("PUT / HTTP/1.1", std::string(kHost) + "Transfer-Encoding: identity\r\n")},
      {400, request("PUT / HTTP/1.1", chunked, "x\r\nabcd")},
      {400, request("PUT / HTTP/1.1", chunked, "-1\r\nabc")},
      {400, request("PUT / HTTP/1.1", chunked, "1\r\nabc\r\n0\r\n\r\n")},
      {400, request("PUT / HTTP/1.1", chunked, "10000000000000000\r\n")},
      {400, request("PUT / HTTP/1.1", chunked, "1 x\r\na\r\n")},
      {400, request("PUT / HTTP/1.1", chunked, "0\r\nContent-Length: 5\r\n\r\n")},
      {413, request("PUT / HTTP/1.1", chunked, "ffffffffffffffff\r\n")},
      // Lines.
      {400, "GET / HTTP/1.1\nHost: x\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\n\r\n"},
      {400, request("GET / HTTP/1.1", "Host: x\r\nA: b\r\n c\r\n")},
      {400, request("GET / HTTP/1.1", "Host: x\r\nA:\r\n\tc\r\n")},
      {400, request("GET / HTTP/1.1", " A: b\r\nHost: x\r\n")},
      {400, request("GET / HTTP/1.1", "Host: x\r\nA b\r\n")},
      {400, request("GET / HTTP/1.1", "Host: x\r\n: b\r\n")},
      {400, request("GET / HTTP/1.1", std::string("Host: x\r\nA: b\0c\r\n", 17))},
      {400, request("GET / HTTP/1.1", "Host: x\r\nA: b\rc\r\n")},
      {400, request("GET / HTTP/1.1", "Host: x\r\nA\x80: b\r\n")},
      // The request line.
      {400, request("GET  / HTTP/1.1")},
      {400, request("GET /a b HTTP/1.1")},
      {400, request("GET / HTTP/1.1 ")},
      {400, request("GET /\x01 HTTP/1.1")},
      {400, request("GET a HTTP/1.1")},
      {400, request("GET * HTTP/1.1")},
      {400, request("GET ftp://x/ HTTP/1.1")},
      {400, request("GET http:/// HTTP/1.1")},
      {400, request("GET http://a@b HTTP/1.1")},
      {400, request("GET /")},
      {400, "GET / x\r\n\r\n"},
      {400,
       "GET / HTTP/1.1\r\n"
       "Host: x\r\nA\r\n\r\n"},
      {400, request("G@T / HTTP/1.1")},
      {400, request("GET / HTTP/x.1")},
      {400, request("GET / http/1.1")},
      {501, request("CONNECT x:1 HTTP/1.1")},
      {501, request("TRACE / HTTP/1.1")},
      {501, request("FOO / HTTP/1.1")},
      {501, request("get / HTTP/1.1")},
      {505, request("GET / HTTP/2.0")},
      {505, request("GET / HTTP/1.2")},
      {505, request("GET / HTTP/0.9")},
      // Host and Expect.
      {400, request("GET / HTTP/1.1", "")},
      {400, request("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n")},
      {400, request("GET / HTTP/1.1", "Host: a b\r\n")},
      {400, request("GET / HTTP/1.1", "Host: a/b\r\n")},
      {400, request("GET / HTTP/1.1", "Host: u@a\r\n")},
      {417, request("GET / HTTP/1.1", "Host: a\r\nExpect: more\r\n")},
  };
  for (const Case& c : cases) {
    for (const std::size_t step : {SIZE_MAX, std::size_t{1}}) {
      const Outcome outcome = parse(c.bytes, step);
      EXPECT_EQ(outcome.refused, c.status) << c.bytes;
      EXPECT_TRUE(outcome.requests.empty()) << c.bytes;
    }
  }
}

TEST(Http1Parser, WaitsForTheRest) {
  for (const std::string_view part :
       {"G", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", "\r",
        "\r\n"}) {
    const Outcome outcome = parse(part);
    EXPECT_EQ(outcome.refused, 0) << part;
    EXPECT_TRUE(outcome.requests.empty()) << part;
  }
}

TEST(Headers, KeepOrderAndIgnoreCase) {
  Headers headers;
  headers.add("A", "1");
  headers.add("b", "2");
  headers.add("a", "3");
  EXPECT_EQ(headers.get("a"), "1");
  headers.set("B", headers.get("a"));
  EXPECT_EQ(headers.get("b"), "1");
  headers.add("c", headers.get("b"));
  EXPECT_EQ(headers.get("C"), "1");
  headers.remove("a");
  std::string all;
  for (const auto& [name, value] : headers.items())
    all.append(name).append("=").append(value) += ";";
  EXPECT_EQ(all, "B=1;c=1;");
}

TEST(Url, PercentCodingAndQueries) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d", false), "a b/c+d");
  EXPECT_EQ(percent_decode("a+b%2b", true), "a b+");
  EXPECT_EQ(percent_decode("%00", false), std::string(1, '\0'));
  for (const char* bad : {"%", "%1", "%g0", "a%2", "%%41"}) {
    EXPECT_EQ(percent_decode(bad, false), std::nullopt) << bad;
  }
  EXPECT_EQ(percent_encode("a b/\xc3\xa4~-_."), "a%20b%2F%C3%A4~-_.");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(parse_query("a=1&b=x+y%26&c&&=d&a=%zz"),
            (Pairs{{"a", "1"}, {"b", "x y&"}, {"c", ""}, {"", "d"}, {"a", "%zz"}}));
  EXPECT_EQ(parse_query(""), Pairs{});
}

}  // namespace
}  // namespace sluice::http
