// One connection of HTTP/1.1: bytes in, requests to the handler, answers out in order, and every
// deadline of limits.h.
#include "http/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "http/answer_queue.h"
#include "http/http1_parser.h"
#include "http/output_queue.h"

namespace sluice::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr base::Logger kLog{"http"};
constexpr std::size_t kInputMin = std::size_t{16} << 10;
constexpr std::size_t kInputBody = std::size_t{64} << 10;  // once a large body came
constexpr std::size_t kLingerBytesMax = std::size_t{32} << 20;
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n";

// HTTP/2: empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED and words (RFC 9113 §6.5, §6.8).
std::string http2_refusal() {
  constexpr std::string_view text = "HTTP/2 is not spoken here yet; use HTTP/1.1";
  std::string out(9, '\0');
  out[3] = 4;
  const std::size_t length = 8 + text.size();
  out.push_back('\0');
  out.push_back('\0');
  out.push_back(static_cast<char>(length));
  out.push_back(7);
  out.append(5 + 4 + 3, '\0');  // flags, stream 0; last stream 0; error …
  out.push_back(0x0d);          // … HTTP_1_1_REQUIRED
  return out.append(text);
}

// A fatal TLS alert, handshake_failure: clients report it as such.
constexpr std::string_view kTlsRefusal{"\x15\x03\x01\x00\x02\x02\x28", 7};

class Http1Connection;

// What a responder holds: outlives the connection.
struct Peer {
  runtime::Loop* loop;
  Http1Connection* connection;   // on the loop only; null once closed
  std::size_t stream_bytes_max;  // above it a stream is cut off
  std::atomic<bool> gone{false};
  std::atomic<std::size_t> posted{0};  // stream bytes on their way to the loop
  std::atomic<std::size_t> queued{0};  // output the socket has not taken
};

class Http1Connection final : public Connection,
                              public std::enable_shared_from_this<Http1Connection> {
 public:
  Http1Connection(std::shared_ptr<ConnectionHost> host, int fd, bool ipv6, std::string peer,
                  Admission admission);
  ~Http1Connection() override;

  void start() override;
  void begin_drain() override;
  void cut() override { close(); }
  void check_deadlines(SteadyTime now) override;

  AnswerQueue& answers() { return answers_; }
  // An answer changed: one flush for all that change now.
  void schedule_flush();

 private:
  enum class Stage {
    kOpen,
    kLastAnswer,  // no more requests; closed when what is in flight has left
    kLingering,   // all is sent: reading on for a while, so that no reset overtakes the answer
    kClosed,
  };

  bool paused() const {
    return answers_.size() >= limits_.pipelined ||
           out_.size() + answers_.buffered_bytes() >= limits_.output_bytes;
  }
  std::string_view input() const { return {in_.data() + in_begin_, in_end_ - in_begin_}; }

  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void make_room();
  void drive();
  void parse();
  bool refuse_other_protocols();
  void note_phase();
  bool charge_body();
  void dispatch();
  void refuse(int status, std::string_view text);
  void flush();
  void write();
  void wait_writable();
  void finish();
  void close();
  void time_out_request(std::string_view text);

  const std::shared_ptr<ConnectionHost> keep_host_;
  ConnectionHost& host_;
  const ServerLimits& limits_;
  tcp::socket socket_;
  const std::string peer_address_;
  const Admission admission_;
  std::shared_ptr<Peer> peer_;
  Http1Parser parser_;
  AnswerQueue answers_;
  OutputQueue out_;
  std::string in_;
  std::size_t in_begin_ = 0, in_end_ = 0;
  Stage stage_ = Stage::kOpen;
  bool reading_ = false, write_waiting_ = false, flush_due_ = false, driving_ = false;
  bool stalled_ = false;  // input waits because paused() held
  bool draining_ = false;
  bool untouched_ = true;  // no byte was parsed: it may be another protocol
  bool linger_ = false;
  bool continue_due_ = false;
  std::uint64_t charged_ = 0;  // body bytes of the request being read
  std::size_t lingered_ = 0;
  SteadyTime now_ = std::chrono::steady_clock::now();
  Http1Parser::State phase_ = Http1Parser::State::kIdle;
  SteadyTime phase_since_ = now_;
  SteadyTime write_since_ = now_;  // of the last progress while output waits
  SteadyTime linger_until_{};
};

class Sink final : public ResponseSink {
 public:
  Sink(std::shared_ptr<Peer> peer, Ticket ticket) : peer_(std::move(peer)), ticket_(ticket) {}

  void send(Response response) override {
    on_loop([ticket = ticket_, response = std::move(response)](AnswerQueue& answers) mutable {
      answers.send(ticket, std::move(response));
    });
  }
  void start(Response head) override {
    on_loop([ticket = ticket_, head = std::move(head)](AnswerQueue& answers) mutable {
      answers.start(ticket, std::move(head));
    });
  }
  bool write(std::string chunk) override {
    if (peer_->gone.load(std::memory_order_acquire)) return false;
    if (pending_bytes() > peer_->stream_bytes_max) {
      abort();
      return false;
    }
    const std::size_t size = chunk.size();
    peer_->posted.fetch_add(size, std::memory_order_relaxed);
    on_loop([ticket = ticket_, peer = peer_.get(), size,
             chunk = std::move(chunk)](AnswerQueue& answers) mutable {
      peer->posted.fetch_sub(size, std::memory_order_relaxed);
      answers.write(ticket, std::move(chunk));
      peer->queued.fetch_add(size, std::memory_order_relaxed);  // until the flush says exactly
    });
    return true;
  }
  void finish() override {
    on_loop([ticket = ticket_](AnswerQueue& answers) { answers.finish(ticket); });
  }
  void abort() override {
    on_loop([ticket = ticket_](AnswerQueue& answers) { answers.abort(ticket); });
  }
  std::size_t pending_bytes() const override {
    return peer_->posted.load(std::memory_order_relaxed) +
           peer_->queued.load(std::memory_order_relaxed);
  }
  void when_writable(std::function<void()> ready) override {
    if (!peer_->loop->in_loop()) {
      peer_->loop->post([peer = peer_, ticket = ticket_, ready = std::move(ready)]() mutable {
        wait_on_loop(*peer, ticket, std::move(ready));
      });
    } else {
      wait_on_loop(*peer_, ticket_, std::move(ready));
    }
  }
  void resume(std::function<void()> task) override {
    if (peer_->loop->in_loop()) return task();
    peer_->loop->post(std::move(task));
  }

 private:
  static void wait_on_loop(Peer& peer, Ticket ticket, std::function<void()> ready) {
    if (peer.connection == nullptr) {
      peer.loop->defer(std::move(ready));
      return;
    }
    peer.connection->answers().when_writable(ticket, std::move(ready));
    peer.connection->schedule_flush();
  }

  template <class Change>
  void on_loop(Change change) {
    if (peer_->gone.load(std::memory_order_acquire)) return;
    if (peer_->loop->in_loop()) {
      apply(*peer_, change);
    } else {
      peer_->loop->post(
          [peer = peer_, change = std::move(change)]() mutable { apply(*peer, change); });
    }
  }
  template <class Change>
  static void apply(Peer& peer, Change& change) {
    if (peer.connection == nullptr) return;
    change(peer.connection->answers());
    peer.connection->schedule_flush();
  }

  const std::shared_ptr<Peer> peer_;
  const Ticket ticket_;
};

Http1Connection::Http1Connection(std::shared_ptr<ConnectionHost> host, int fd, bool ipv6,
                                 std::string peer, Admission admission)
    : keep_host_(std::move(host)),
      host_(*keep_host_),
      limits_(*host_.limits),
      socket_(host_.loop->context()),
      peer_address_(std::move(peer)),
      admission_(admission),
      peer_(std::make_shared<Peer>()),
      parser_(limits_.parser),
      answers_(host_) {
  boost::system::error_code error;
  static_cast<void>(socket_.assign(ipv6 ? tcp::v6() : tcp::v4(), fd, error));
  if (error) ::close(fd);  // start() finds it closed
  peer_->loop = host_.loop;
  peer_->connection = this;
  peer_->stream_bytes_max = 2 * limits_.output_bytes;
}

Http1Connection::~Http1Connection() {
  host_.inflight_body_bytes->fetch_sub(charged_, std::memory_order_relaxed);
}

void Http1Connection::start() {
  if (!socket_.is_open()) return close();
  boost::system::error_code ignored;  // a socket that fails here fails at its first read
  static_cast<void>(socket_.non_blocking(true, ignored));
  static_cast<void>(socket_.set_option(tcp::no_delay(true), ignored));
  if (admission_ == Admission::kOverLimit) {
    host_.metrics->refused_connections.add();
    refuse(503, "There are too many connections.");
    drive();
    return;
  }
  read();
}

void Http1Connection::read() {
  if (reading_ || stage_ == Stage::kClosed || stage_ == Stage::kLastAnswer) return;
  if (stage_ == Stage::kOpen && paused()) return;
  make_room();
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(in_.data() + in_end_, in_.size() - in_end_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
        self->on_read(error, bytes);
      });
}

// Space behind the input: its rest moves to the front; headers may grow to their limit.
void Http1Connection::make_room() {
  const std::size_t rest = in_end_ - in_begin_;
  if (in_begin_ > 0) {
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(in_end_), in_.begin());
    in_begin_ = 0;
    in_end_ = rest;
  }
  std::size_t wanted = kInputMin;
  if (parser_.state() == Http1Parser::State::kBody && parser_.body_bytes() > kInputMin) {
    wanted = kInputBody;
  }
  wanted = std::max(wanted, rest + kInputMin / 2);
  if (in_.size() < wanted) in_.resize(wanted);
}

void Http1Connection::on_read(const boost::system::error_code& error, std::size_t bytes) {
  reading_ = false;
  if (stage_ == Stage::kClosed) return;
  now_ = std::chrono::steady_clock::now();
  if (stage_ == Stage::kLingering) {
    lingered_ += bytes;
    if (error || lingered_ > kLingerBytesMax) return close();
    return read();
  }
  if (error == asio::error::eof) {
    // The client may have closed its side only: what is in flight is still answered.
    if (stage_ == Stage::kOpen) stage_ = Stage::kLastAnswer;
    in_begin_ = in_end_ = 0;
    linger_ = false;
    return drive();
  }
  if (error) return close();
  in_end_ += bytes;
  drive();
}

void Http1Connection::drive() {
  if (driving_ || stage_ == Stage::kClosed) return;
  const auto self = shared_from_this();
  driving_ = true;
  do {
    parse();
    flush();
  } while (stalled_ && stage_ == Stage::kOpen && !paused());
  driving_ = false;
  read();
}

void Http1Connection::parse() {
  stalled_ = false;
  while (stage_ == Stage::kOpen && in_begin_ < in_end_) {
    if (paused()) {
      stalled_ = true;
      return;
    }
    if (draining_ && parser_.state() == Http1Parser::State::kIdle) return;
    if (untouched_ && refuse_other_protocols()) return;
    in_begin_ += parser_.feed(input());
    note_phase();
    if (parser_.state() == Http1Parser::State::kFailed) {
      host_.metrics->refused_requests.add();
      return refuse(parser_.error_status(), parser_.error_text());
    }
    if (!charge_body()) return refuse(503, "Too many bytes of bodies are in flight.");
    if (parser_.state() != Http1Parser::State::kDone) return;
    dispatch();
  }
}

// True: nothing more to parse now.
bool Http1Connection::refuse_other_protocols() {
  const std::string_view in = input();
  if (in[0] == 0x16) {
    kLog.warn("{} speaks TLS to a port that does not yet: use http://", peer_address_);
    out_.append(kTlsRefusal);
  } else if (in.starts_with(kHttp2Preface)) {
    kLog.warn("{} speaks HTTP/2, which is not supported yet", peer_address_);
    out_.append(std::string_view(http2_refusal()));
  } else {
    if (kHttp2Preface.starts_with(in)) return true;  // wait for the rest
    untouched_ = false;
    return false;
  }
  host_.metrics->refused_requests.add();
  stage_ = Stage::kLastAnswer;
  linger_ = true;
  return true;
}

void Http1Connection::note_phase() {
  const auto state = parser_.state();
  if (state == phase_) return;
  if (state == Http1Parser::State::kBody) continue_due_ = parser_.expects_continue();
  phase_ = state;
  phase_since_ = now_;
}

bool Http1Connection::charge_body() {
  const std::uint64_t received = parser_.body_bytes();
  if (received == charged_) return true;
  continue_due_ = false;
  auto& total = *host_.inflight_body_bytes;
  const std::uint64_t more = received - charged_;
  charged_ = received;
  return total.fetch_add(more, std::memory_order_relaxed) + more <= limits_.inflight_body_bytes;
}

void Http1Connection::dispatch() {
  Question question;
  question.http10 = parser_.is_http10();
  question.keep_alive = parser_.keep_alive();
  question.body_bytes = std::exchange(charged_, 0);
  question.received = now_;
  Request request = parser_.take();
  request.peer = peer_address_;
  question.is_head = request.method == "HEAD";
  continue_due_ = false;
  note_phase();
  host_.metrics->requests.add();
  if (!question.keep_alive) stage_ = Stage::kLastAnswer;
  Responder responder(std::make_shared<Sink>(peer_, answers_.open(question)));
  try {
    host_.handler->handle(std::move(request), std::move(responder));
  } catch (const std::exception& e) {
    kLog.error("a handler threw: {}", e.what());  // its responder is gone and has answered 500
  }
}

void Http1Connection::refuse(int status, std::string_view text) {
  Question question;
  question.keep_alive = false;
  question.received = now_;
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body.append(text).append("\n");
  answers_.send(answers_.open(question), std::move(response));
  stage_ = Stage::kLastAnswer;
  linger_ = true;
}

void Http1Connection::schedule_flush() {
  if (driving_ || std::exchange(flush_due_, true)) return;
  host_.loop->defer([self = shared_from_this()] {
    self->flush_due_ = false;
    self->now_ = std::chrono::steady_clock::now();
    self->drive();
  });
}

void Http1Connection::flush() {
  if (stage_ == Stage::kClosed || stage_ == Stage::kLingering) return;
  const bool between = parser_.state() != Http1Parser::State::kBody;
  const auto after = answers_.advance(out_, draining_ && between, now_,
                                      host_.date.at(base::system_clock().now_ms()));
  if (after == AnswerQueue::After::kAbort) {
    write();  // the answers before it
    return close();
  }
  if (after == AnswerQueue::After::kClose && stage_ == Stage::kOpen) stage_ = Stage::kLastAnswer;
  if (continue_due_ && answers_.empty()) {
    out_.append(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
    continue_due_ = false;
  }
  write();
  if (stage_ == Stage::kClosed) return;
  peer_->queued.store(out_.size() + answers_.buffered_bytes(), std::memory_order_relaxed);
  if (out_.size() + answers_.buffered_bytes() <= limits_.output_bytes / 4) {
    for (auto& ready : answers_.take_waiters())
      host_.loop->defer(std::move(ready));
  }
  if (!out_.empty() || !answers_.empty()) return;
  if (stage_ == Stage::kLastAnswer || (draining_ && between)) finish();
}

void Http1Connection::write() {
  while (!out_.empty() && !write_waiting_) {
    std::array<iovec, 64> parts;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = out_.fill(parts);
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      out_.consume(static_cast<std::size_t>(sent));
      write_since_ = now_;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_writable();
    } else if (errno != EINTR) {
      return close();
    }
  }
}

void Http1Connection::wait_writable() {
  write_waiting_ = true;
  write_since_ = now_;
  socket_.async_wait(tcp::socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->write_waiting_ = false;
                       if (error) return self->close();
                       self->now_ = std::chrono::steady_clock::now();
                       self->drive();
                     });
}

// All is sent and nothing more will be.
void Http1Connection::finish() {
  if (!linger_ && in_begin_ == in_end_) return close();
  stage_ = Stage::kLingering;
  linger_until_ = now_ + limits_.linger_timeout;
  in_begin_ = in_end_ = 0;
  boost::system::error_code ignored;  // then the read that follows fails
  static_cast<void>(socket_.shutdown(tcp::socket::shutdown_send, ignored));
}

void Http1Connection::close() {
  if (stage_ == Stage::kClosed) return;
  const auto self = shared_from_this();
  stage_ = Stage::kClosed;
  peer_->connection = nullptr;
  peer_->gone.store(true, std::memory_order_release);
  for (auto& ready : answers_.take_waiters())
    host_.loop->defer(std::move(ready));
  boost::system::error_code ignored;
  static_cast<void>(socket_.close(ignored));
  host_.closed(*this);
}

void Http1Connection::begin_drain() {
  draining_ = true;
  now_ = std::chrono::steady_clock::now();
  schedule_flush();
}

void Http1Connection::time_out_request(std::string_view text) {
  host_.metrics->timeouts.add();
  refuse(408, text);
  drive();
}

void Http1Connection::check_deadlines(SteadyTime now) {
  now_ = now;
  if (stage_ == Stage::kClosed) return;
  if (stage_ == Stage::kLingering) {
    if (now >= linger_until_) close();
    return;
  }
  if (!out_.empty()) {
    if (now - write_since_ >= limits_.write_timeout) {
      host_.metrics->timeouts.add();
      close();
    }
    return;
  }
  if (stage_ != Stage::kOpen) return;
  if (paused()) {
    phase_since_ = now;  // it is we who do not read
    return;
  }
  switch (phase_) {
    case Http1Parser::State::kHeader:
      if (now - phase_since_ >= limits_.header_timeout) {
        time_out_request("The headers did not arrive in time.");
      }
      return;
    case Http1Parser::State::kBody:
      if (now - phase_since_ >= limits_.body_timeout) {
        time_out_request("The body did not arrive in time.");
      }
      return;
    default:
      if (!answers_.empty()) {
        phase_since_ = now;  // it is we who do not answer
      } else if (now - phase_since_ >= limits_.idle_timeout) {
        close();
      }
      return;
  }
}

}  // namespace

std::shared_ptr<Connection> make_connection(std::shared_ptr<ConnectionHost> host, int fd, bool ipv6,
                                            std::string peer, Admission admission) {
  return std::make_shared<Http1Connection>(std::move(host), fd, ipv6, std::move(peer), admission);
}

}  // namespace sluice::http
