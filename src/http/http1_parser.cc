#include "http/http1_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cassert>
#include <cstring>
#include <optional>
#include <utility>

namespace sluice::http {

namespace beast = boost::beast;
using beast::http::field;
using BeastError = boost::system::error_code;

namespace {

std::string_view plain(beast::string_view text) {
  return {text.data(), text.size()};
}

bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i]) return false;
  }
  return true;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What a Host header may hold (RFC 9110 §7.2: uri-host [ ":" port ]); no user, path or blanks.
bool valid_host(std::string_view host) {
  for (const char c : host) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
    if (!good) return false;
  }
  return true;
}

bool known_method(beast::http::verb method) {
  using beast::http::verb;
  switch (method) {
    case verb::get:
    case verb::head:
    case verb::post:
    case verb::put:
    case verb::delete_:
    case verb::options:
    case verb::patch:
      return true;
    default:
      return false;
  }
}

struct Refusal {
  int status = 0;
  std::string_view text;
};

// One request being parsed; Beast's parser is made for one message.
class Sink final : public beast::http::basic_parser<true> {
 public:
  explicit Sink(const ParserLimits& limits) : limits_(limits) {
    eager(true);
    // Both are checked by us first: Beast counts what is left in the buffer, not the whole.
    header_limit(static_cast<std::uint32_t>(limits.header_bytes + 4));
    body_limit(limits.body_bytes);
  }

  Request request;
  Refusal refusal;
  bool http10 = false;
  bool expects_continue = false;
  bool header_done = false;

 private:
  void refuse(int status, std::string_view text, BeastError& ec) {
    refusal = {status, text};
    ec = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb verb, beast::string_view method, beast::string_view target,
                       int version, BeastError& ec) override {
    if (target.size() > limits_.target_bytes) return refuse(414, "The URI is too long.", ec);
    if (!known_method(verb)) return refuse(501, "This method is not implemented.", ec);
    http10 = version == 10;
    request.method.assign(method.data(), method.size());
    request.target.assign(target.data(), target.size());
    request.headers.reserve(16, 768);
  }

  void on_field_impl(field name, beast::string_view name_text, beast::string_view value,
                     BeastError& ec) override {
    if (++fields_ > limits_.headers) return refuse(431, "There are too many headers.", ec);
    if (header_done) return;  // trailers are checked and dropped: nothing here asks for them
    switch (name) {
      case field::host:
        if (std::exchange(has_host_, true)) return refuse(400, "Host is given twice.", ec);
        if (!valid_host(plain(value))) return refuse(400, "Host is malformed.", ec);
        break;
      case field::content_length:
        if (std::exchange(has_length_, true) || !all_digits(plain(value))) {
          return refuse(400, "Content-Length must be given once, as digits.", ec);
        }
        break;
      case field::transfer_encoding:
        if (http10) return refuse(400, "HTTP/1.0 knows no Transfer-Encoding.", ec);
        if (!equals_lower(plain(value), "chunked")) {
          return refuse(501, "The only Transfer-Encoding is chunked.", ec);
        }
        break;
      case field::expect:
        if (!equals_lower(plain(value), "100-continue")) {
          return refuse(417, "The only expectation is 100-continue.", ec);
        }
        expects_continue = !http10;
        break;
      default:
        break;
    }
    request.headers.add(plain(name_text), plain(value));
  }

  void on_header_impl(BeastError& ec) override {
    header_done = true;
    fields_ = 0;
    std::string& target = request.target;
    if (target[0] != '/') {
      if (!to_origin_form(ec)) return;
    }
    if (!has_host_ && !http10) return refuse(400, "Host is missing.", ec);
  }

  // http://host/path, as proxies are asked, means host and /path (RFC 9112 §3.2.2).
  bool to_origin_form(BeastError& ec) {
    std::string& target = request.target;
    if (target == "*" && request.method == "OPTIONS") return true;
    constexpr std::string_view scheme = "http://";
    if (!equals_lower(std::string_view(target).substr(0, scheme.size()), scheme)) {
      refuse(400, "The request target must be a path.", ec);
      return false;
    }
    const std::string rest = target.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string host = rest.substr(0, end);
    if (host.empty() || !valid_host(host)) {
      refuse(400, "The request target names no host.", ec);
      return false;
    }
    request.headers.set("Host", host);
    has_host_ = true;
    target = rest.substr(end);
    if (target.empty() || target[0] != '/') target.insert(0, "/");
    return true;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, BeastError&) override {
    if (length) request.body.reserve(*length + kBodyPadding);
  }
  std::size_t on_body_impl(beast::string_view body, BeastError&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, BeastError&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(BeastError&) override {
    if (!request.body.empty()) request.body.reserve(request.body.size() + kBodyPadding);
  }
  void on_response_impl(int, beast::string_view, int, BeastError&) override {}

  const ParserLimits& limits_;
  std::size_t fields_ = 0;
  bool has_host_ = false;
  bool has_length_ = false;
};

// The request line names HTTP in a version that is not ours, rather than being garbage.
bool names_other_version(std::string_view header) {
  const std::string_view line = header.substr(0, header.find('\r'));
  if (std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
         all_digits(version.substr(5, 1)) && all_digits(version.substr(7, 1));
}

Refusal explain(const BeastError& ec, std::string_view header) {
  using beast::http::error;
  if (ec == error::body_limit) return {413, "The body is too large."};
  if (ec == error::header_limit) return {431, "The headers are too large."};
  if (ec == error::bad_version && names_other_version(header)) {
    return {505, "HTTP/1.1 and HTTP/1.0 are spoken here."};
  }
  if (ec == error::bad_method) return {400, "The method is malformed."};
  if (ec == error::bad_target) return {400, "The request target is malformed."};
  if (ec == error::bad_version) return {400, "The request line is malformed."};
  if (ec == error::bad_field || ec == error::bad_value) return {400, "A header is malformed."};
  if (ec == error::bad_content_length || ec == error::multiple_content_length) {
    return {400, "Content-Length is malformed or contradicted."};
  }
  if (ec == error::bad_transfer_encoding) return {400, "Transfer-Encoding is contradicted."};
  if (ec == error::bad_chunk || ec == error::bad_chunk_extension) {
    return {400, "The chunked body is malformed."};
  }
  return {400, "The request is malformed."};
}

}  // namespace

class Http1Parser::Message {
 public:
  std::optional<Sink> sink;
};

Http1Parser::Http1Parser(const ParserLimits& limits)
    : limits_(limits), message_(std::make_unique<Message>()) {
  begin();
}

Http1Parser::~Http1Parser() = default;

void Http1Parser::begin() {
  message_->sink.emplace(limits_);
  state_ = State::kIdle;
  scanned_ = line_start_ = 0;
  first_line_ = true;
}

void Http1Parser::fail(int status, std::string_view text) {
  state_ = State::kFailed;
  error_status_ = status;
  error_text_ = text;
}

std::size_t Http1Parser::scan_header(std::string_view input) {
  while (true) {
    const void* found = scanned_ < input.size()
                            ? std::memchr(input.data() + scanned_, '\n', input.size() - scanned_)
                            : nullptr;
    const std::size_t at =
        found == nullptr ? input.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    if (at >= limits_.header_bytes) {
      fail(first_line_ ? 414 : 431,
           first_line_ ? "The request line is too long." : "The headers are too large.");
      return 0;
    }
    if (found == nullptr) {
      scanned_ = input.size();
      return 0;
    }
    if (at == line_start_ || input[at - 1] != '\r') {
      fail(400, "Lines must end with CR LF.");
      return 0;
    }
    if (at - 1 == line_start_ && !first_line_) return at + 1;
    if (!first_line_ && (input[line_start_] == ' ' || input[line_start_] == '\t')) {
      fail(400, "Folded headers are refused.");
      return 0;
    }
    if (first_line_ && at - 1 == line_start_) {
      fail(400, "The request line is empty.");
      return 0;
    }
    first_line_ = false;
    scanned_ = line_start_ = at + 1;
  }
}

std::size_t Http1Parser::feed(std::string_view input) {
  assert(state_ != State::kDone && state_ != State::kFailed);
  std::size_t taken = 0;
  if (state_ == State::kIdle) {
    // A line end too many behind the last request (RFC 9112 §2.2).
    while (input.substr(taken).starts_with("\r\n"))
      taken += 2;
    input.remove_prefix(taken);
    if (input.empty() || input == "\r") return taken;
    state_ = State::kHeader;
  }
  Sink& sink = *message_->sink;
  if (state_ == State::kHeader) {
    const std::size_t end = scan_header(input);
    if (end == 0) return taken;
  }
  // Beast asserts that the last chunk's head comes again with two bytes more ("0 CRLF CRLF").
  constexpr std::size_t least_chunked_rest = 5;
  if (state_ == State::kBody && sink.chunked() && input.size() < least_chunked_rest) return taken;
  BeastError ec;
  while (!input.empty() && !sink.is_done()) {
    const bool was_header = !sink.header_done;
    const std::size_t used = sink.put(boost::asio::const_buffer(input.data(), input.size()), ec);
    if (ec && ec != beast::http::error::need_more) {
      const Refusal refusal = sink.refusal.status != 0
                                  ? sink.refusal
                                  : explain(ec, was_header ? input : std::string_view());
      fail(refusal.status, refusal.text);
      return taken;
    }
    taken += used;
    input.remove_prefix(used);
    if (ec || used == 0) break;
  }
  // The header is whole, but Beast waits for more of it: a line shorter than any good one.
  if (!sink.header_done) {
    fail(400, "The request is malformed.");
    return taken;
  }
  state_ = sink.is_done() ? State::kDone : State::kBody;
  // What is left of a chunk's head or of the trailers waits for its end.
  if (state_ == State::kBody && input.size() >= limits_.header_bytes) {
    fail(431, "A chunk's head or the trailers are too large.");
  }
  return taken;
}

bool Http1Parser::expects_continue() const {
  return state_ == State::kBody && message_->sink->expects_continue;
}

std::size_t Http1Parser::body_bytes() const {
  return message_->sink->request.body.size();
}

bool Http1Parser::keep_alive() const {
  return message_->sink->keep_alive();
}

bool Http1Parser::is_http10() const {
  return message_->sink->http10;
}

Request Http1Parser::take() {
  assert(state_ == State::kDone);
  Request request = std::move(message_->sink->request);
  begin();
  return request;
}

}  // namespace sluice::http
