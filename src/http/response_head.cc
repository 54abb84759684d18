#include "http/response_head.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>
#include <iterator>

namespace sluice::http {

namespace {

constexpr std::array<bool, 256> token_bytes() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c)
    table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    table[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}

bool valid_name(std::string_view name) {
  static constexpr auto token = token_bytes();
  if (name.empty()) return false;
  for (const char c : name) {
    if (!token[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

bool valid_value(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

bool equals_nocase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != (lower[i] | 0x20)) return false;
  }
  return true;
}

bool is_ours(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equals_nocase(name, "date");
    case 10:
      return equals_nocase(name, "connection") || equals_nocase(name, "keep-alive");
    case 14:
      return equals_nocase(name, "content-length");
    case 17:
      return equals_nocase(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_number(std::string& out, std::uint64_t n) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string_view status_text(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

bool status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

bool append_head(std::string& out, const Response& response, const Framing& framing,
                 std::string_view date) {
  if (response.status < 200 || response.status > 999) return false;
  for (const auto& [name, value] : response.headers.items()) {
    if (!valid_name(name) || !valid_value(value)) return false;
  }
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(status_text(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers.items()) {
    if (!is_ours(name)) out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append(date);
  if (framing.chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (!framing.until_close && status_has_body(response.status)) {
    out.append("Content-Length: ");
    append_number(out, framing.content_length);
    out.append("\r\n");
  }
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (framing.http10) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return true;
}

std::string_view DateLine::at(std::int64_t now_ms) {
  static constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed",
                                                           "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::int64_t second = now_ms / 1000;
  if (second != second_) {
    second_ = second;
    const std::time_t time = second;
    std::tm tm{};
    gmtime_r(&time, &tm);
    text_.clear();
    fmt::format_to(std::back_inserter(text_), "Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                   tm.tm_min, tm.tm_sec);
  }
  return text_;
}

}  // namespace sluice::http
