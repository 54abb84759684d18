// HTTP as handlers see it: a whole request in, one response (or a stream of chunks) out. Knows
// nothing of AWS. handle() runs on the event loop that read the request and must not block; a
// Responder may be kept and finished later from any thread. Destroying an unused Responder answers
// 500.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

// In the order received; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }
  // Replaces all of that name.
  void set(std::string name, std::string value);
  // The first of that name; nullptr: absent.
  const std::string* find(std::string_view name) const;
  std::string_view get(std::string_view name) const;  // the first, or empty
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, still percent-encoded
  Headers headers;
  std::string body;
  std::string peer;                // address of the client, without port
  std::string_view path() const;   // of target, before '?'
  std::string_view query() const;  // of target, after '?'
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date, Connection are the server's business
  std::string body;
};

// What the server does for a Responder; one of the two answers, once.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual void send(Response response) = 0;
  // Chunked: the head, then any number of chunks, then finish. False: the client is gone.
  virtual void start(Response head) = 0;
  virtual bool write(std::string chunk) = 0;
  virtual void finish() = 0;
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&&) = default;
  ~Responder();

  void send(Response response);
  void start(Response head);
  bool write(std::string chunk);
  void finish();

 private:
  std::shared_ptr<ResponseSink>
      sink_;  // null once finished; shared with the connection, which may die first
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Request&& request, Responder responder) = 0;
};

// %XX and, in queries, '+' decoded. nullopt: a broken escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text, std::string_view keep = "-_.~");
// name=value&…, decoded, in order; broken escapes are kept as they are.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace sluice::http
