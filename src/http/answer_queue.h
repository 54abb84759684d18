// The answers of one connection: they may become ready in any order and leave in the order of their
// requests. Lives on the connection's loop; knows nothing of sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "http/http.h"
#include "http/output_queue.h"

namespace sluice::http {

// What the answer must know of its request.
struct Question {
  bool is_head = false;
  bool http10 = false;
  bool keep_alive = true;
  std::uint64_t body_bytes = 0;  // charged to inflight_body_bytes until the answer has left
  SteadyTime received{};
};

using Ticket = std::uint64_t;

class AnswerQueue {
 public:
  explicit AnswerQueue(ConnectionHost& host) : host_(host) {}
  ~AnswerQueue();
  AnswerQueue(const AnswerQueue&) = delete;
  AnswerQueue& operator=(const AnswerQueue&) = delete;

  Ticket open(const Question& question);
  void send(Ticket ticket, Response response);
  void start(Ticket ticket, Response head);
  void write(Ticket ticket, std::string chunk);
  void finish(Ticket ticket);
  void abort(Ticket ticket);
  void when_writable(Ticket ticket, std::function<void()> ready);

  enum class After { kGoOn, kClose, kAbort };
  // Moves what is ready and due to `out`. kClose: the last answer of this connection is in `out`;
  // kAbort: an answer broke off in the middle. `closing`: the last answer that waits is the last
  // one of the connection, and says so.
  After advance(OutputQueue& out, bool closing, SteadyTime now, std::string_view date);

  std::size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  std::size_t buffered_bytes() const { return buffered_; }  // ready, but not yet due
  // Takes the callbacks of streams that wait for room.
  std::vector<std::function<void()>> take_waiters();

 private:
  enum class Kind { kWaiting, kWhole, kStream };
  struct Slot {
    Question question;
    Kind kind = Kind::kWaiting;
    Response response;  // or the head of a stream
    std::vector<std::string> pieces;
    bool head_written = false;
    bool closes = false;  // the head said Connection: close
    bool finished = false;
    bool aborted = false;
    std::function<void()> waiter;
  };

  Slot* find(Ticket ticket);
  After advance_stream(Slot& slot, OutputQueue& out, bool close, std::string_view date);
  void write_head(Slot& slot, OutputQueue& out, bool close, bool chunked, std::string_view date);
  void pop_front(SteadyTime now);

  ConnectionHost& host_;
  std::deque<Slot> slots_;
  Ticket first_ = 0;  // of slots_.front()
  std::size_t buffered_ = 0;
  std::string head_;  // memory reused
};

}  // namespace sluice::http
