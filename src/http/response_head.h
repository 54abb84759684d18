// Status line and headers of an answer as bytes. What concerns the connection (Content-Length,
// Transfer-Encoding, Connection, Date) is written here, whatever the handler put there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/http.h"

namespace sluice::http {

// "OK" for 200; "" for a status without a registered phrase.
std::string_view status_text(int status);

// 204, 304 and 1xx never carry a body.
bool status_has_body(int status);

struct Framing {
  bool http10 = false;
  bool keep_alive = true;
  bool chunked = false;      // else content_length, where the status has a body
  bool until_close = false;  // a stream to a client of HTTP/1.0
  std::uint64_t content_length = 0;
};

// False, and nothing appended: the status, a name or a value could not be written without breaking
// the framing (line breaks, control characters).
[[nodiscard]] bool append_head(std::string& out, const Response& response, const Framing& framing,
                               std::string_view date);

// "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n", formatted once a second. One a loop.
class DateLine {
 public:
  std::string_view at(std::int64_t now_ms);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace sluice::http
