// Bytes as a client might send them, in one piece and cut in two, through the parser of HTTP/1.1.
// The cut must not change what comes out, and what comes out must keep its promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/http1_parser.h"

namespace {

struct Outcome {
  std::vector<sluice::http::Request> requests;
  int refused = 0;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void take_all(sluice::http::Http1Parser& parser, std::string& pending, Outcome& out) {
  using State = sluice::http::Http1Parser::State;
  while (!pending.empty() && out.refused == 0) {
    const std::size_t taken = parser.feed(pending);
    require(taken <= pending.size());
    pending.erase(0, taken);
    if (parser.state() == State::kFailed) out.refused = parser.error_status();
    if (parser.state() != State::kDone) return;
    out.requests.push_back(parser.take());
  }
}

Outcome parse(std::string_view bytes, std::size_t cut, const sluice::http::ParserLimits& limits) {
  sluice::http::Http1Parser parser(limits);
  Outcome out;
  std::string pending(bytes.substr(0, cut));
  take_all(parser, pending, out);
  if (out.refused == 0) {
    pending.append(bytes.substr(cut));
    take_all(parser, pending, out);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  sluice::http::ParserLimits limits;
  limits.target_bytes = 256;
  limits.header_bytes = 1024;
  limits.headers = 16;
  limits.body_bytes = 4096;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(bytes, bytes.size(), limits);
  const Outcome cut = parse(bytes, bytes.size() * data[0] / 255, limits);
  // A cut may only delay a refusal's discovery, never change a request.
  require(whole.requests.size() == cut.requests.size());
  require(cut.refused == 0 || whole.refused != 0);
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const auto& a = whole.requests[i];
    const auto& b = cut.requests[i];
    require(a.method == b.method && a.target == b.target && a.body == b.body);
    require(a.headers.size() == b.headers.size() && a.headers.size() <= limits.headers + 1);
    require(a.body.size() <= limits.body_bytes && a.target.size() <= limits.target_bytes + 1);
    require(a.target[0] == '/' || a.target == "*");
    require(a.headers.find("Transfer-Encoding") == std::nullopt ||
            a.headers.find("Content-Length") == std::nullopt);
    for (const auto& [name, value] : a.headers.items()) {
      require(name.find_first_of("\r\n: ") == std::string_view::npos);
      require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
    static_cast<void>(sluice::http::parse_query(a.query()));
    static_cast<void>(sluice::http::percent_decode(a.path(), false));
  }
  return 0;
}
