// HTTP as handlers see it: a whole request in, one response (or a stream of chunks) out. Knows
// nothing of AWS. handle() runs on the event loop that read the request and must not block; a
// Responder may be kept and finished later from any thread. Destroying an unused Responder answers
// 500.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

// In the order received; names compare without case. One flat text and a table of places in it:
// two allocations however many headers there are. Views are valid until the next change.
class Headers {
 public:
  using Item = std::pair<std::string_view, std::string_view>;  // name, value

  void add(std::string_view name, std::string_view value);
  // Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  // The first of that name; nullopt: absent.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const;  // the first, or empty
  void remove(std::string_view name);
  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  void clear();
  void reserve(std::size_t headers, std::size_t text_bytes);

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Item;
    Iterator() = default;
    Iterator(const Headers* headers, std::size_t at) : headers_(headers), at_(at) {}
    Item operator*() const { return headers_->item(at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return {headers_, at_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    const Headers* headers_ = nullptr;
    std::size_t at_ = 0;
  };
  class Items {
   public:
    explicit Items(const Headers* headers) : headers_(headers) {}
    Iterator begin() const { return {headers_, 0}; }
    Iterator end() const { return {headers_, headers_->size()}; }
    std::size_t size() const { return headers_->size(); }
    bool empty() const { return headers_->empty(); }

   private:
    const Headers* headers_;
  };
  // for (const auto& [name, value] : headers.items())
  Items items() const { return Items(this); }

 private:
  struct Place {
    std::uint32_t name_at, name_size, value_size;  // the value follows the name
  };
  Item item(std::size_t at) const {
    const Place& p = places_[at];
    const std::string_view text = text_;
    return {text.substr(p.name_at, p.name_size),
            text.substr(p.name_at + p.name_size, p.value_size)};
  }

  std::string text_;
  std::vector<Place> places_;
};

// What a server leaves free behind a body, so that simdjson can parse it where it is:
// padded_string_view(body.data(), body.size(), body.capacity()). An empty body has no padding.
inline constexpr std::size_t kBodyPadding = 64;

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

// What the server does for a Responder; one of the two answers, once. Every member may be called
// from any thread, one at a time.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual void send(Response response) = 0;
  // Chunked: the head, then any number of chunks, then finish. write: false when the client is
  // gone, or was cut off because more than the allowed output waited for it.
  virtual void start(Response head) = 0;
  virtual bool write(std::string chunk) = 0;
  virtual void finish() = 0;
  // Breaks a started answer off, so that the client sees that it is not whole.
  virtual void abort() = 0;
  // Bytes written that the client's socket has not taken yet.
  virtual std::size_t pending_bytes() const = 0;
  // Calls `ready` once, on the connection's loop, when little output waits or the client is gone.
  virtual void when_writable(std::function<void()> ready) = 0;
  // Runs `task` on the connection's loop, whether or not the client is still there; at once when
  // called there. A sink without a loop runs it on the caller's thread.
  virtual void resume(std::function<void()> task) { task(); }
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  void send(Response response);
  void start(Response head);
  bool write(std::string chunk);
  void finish();
  // A producer of much output pauses above some 256 KiB pending and goes on in when_writable's
  // call.
  std::size_t pending_bytes() const;
  void when_writable(std::function<void()> ready);
  // Goes on with the request on its loop: for what a service's thread, which answered, must not do.
  void resume(std::function<void()> task);

 private:
  void abandon();

  // Null once finished; shared with the connection, which may die first.
  std::shared_ptr<ResponseSink> sink_;
  bool started_ = false;
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
