// HTTP/1.1 requests from bytes, without any input or output: the connection feeds it what arrived.
// Strict where leniency has been used to smuggle requests: both of Content-Length and
// Transfer-Encoding, folded headers, bare line feeds, repeated Host or Content-Length are refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/http.h"
#include "http/limits.h"

namespace sluice::http {

class Http1Parser {
 public:
  enum class State {
    kIdle,    // not a byte of the next request yet
    kHeader,  // in the request line or the headers
    kBody,
    kDone,    // take() it
    kFailed,  // answer error_status() and close: where the next request begins is unknown
  };

  explicit Http1Parser(const ParserLimits& limits);
  ~Http1Parser();
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  // How many bytes it took. Until the header is complete it takes nothing: give it the same bytes
  // again with more behind them. It stops at the end of a request.
  std::size_t feed(std::string_view input);

  State state() const { return state_; }
  int error_status() const { return error_status_; }
  std::string_view error_text() const { return error_text_; }

  // In kBody: the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const;
  std::size_t body_bytes() const;  // received so far

  // In kDone, before take():
  bool keep_alive() const;
  bool is_http10() const;
  // The request, its body with at least kBodyPadding bytes of capacity behind it (none if empty);
  // the parser is ready for the next one.
  Request take();

 private:
  class Message;

  // The offset behind the empty line, or 0 when it is not there yet (or the state is kFailed).
  std::size_t scan_header(std::string_view input);
  void fail(int status, std::string_view text);
  void begin();

  const ParserLimits limits_;
  std::unique_ptr<Message> message_;  // a flat place, remade for each request
  State state_ = State::kIdle;
  int error_status_ = 0;
  std::string_view error_text_;
  std::size_t scanned_ = 0;     // no line end before this offset is unseen
  std::size_t line_start_ = 0;  // of the line that holds scanned_
  bool first_line_ = true;
};

}  // namespace sluice::http
