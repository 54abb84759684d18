#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "http/connection.h"

namespace sluice::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr base::Logger kLog{"http"};
constexpr int kBacklog = 1024;
constexpr int kAcceptsAtOnce = 64;
constexpr std::size_t kRefusedAtOnce = 64;  // beyond the limit, told so; more are closed at once
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the process is out of descriptors
constexpr std::chrono::milliseconds kCutPatience{5'000};

std::unexpected<base::Failure<ServerError>> system_failure(std::string_view what, int error) {
  const auto code = error == EADDRINUSE                         ? ServerError::kAddressInUse
                    : error == EADDRNOTAVAIL || error == EACCES ? ServerError::kBadAddress
                                                                : ServerError::kOther;
  return base::fail(code, fmt::format("{}: {}", what, std::generic_category().message(error)));
}

// Shared by the parts on all loops, and kept by them.
struct Shared {
  Shared(ServerOptions o, base::MetricsRegistry& registry)
      : options(std::move(o)), metrics(registry) {}
  const ServerOptions options;
  ServerMetrics metrics;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> inflight_body_bytes{0};
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t drained_parts = 0;  // guarded by mutex
};

// The server on one loop.
class Part final : public ConnectionHost, public std::enable_shared_from_this<Part> {
 public:
  Part(runtime::Loop& on, Handler& to, std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), acceptor_(on.context()), sweep_(on), pause_(on) {
    loop = &on;
    handler = &to;
    limits = &shared_->options.limits;
    metrics = &shared_->metrics;
    inflight_body_bytes = &shared_->inflight_body_bytes;
    const ServerLimits& of = *limits;
    const auto shortest = std::min(
        {of.idle_timeout, of.header_timeout, of.body_timeout, of.write_timeout, of.linger_timeout});
    sweep_period_ =
        std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
  }

  boost::system::error_code take_listener(int fd, bool ipv6) {
    ipv6_ = ipv6;
    boost::system::error_code error;
    static_cast<void>(acceptor_.assign(ipv6 ? tcp::v6() : tcp::v4(), fd, error));
    return error;
  }

  void begin() {
    accept();
    sweep();
  }

  void drain() {
    draining_ = true;
    boost::system::error_code ignored;
    static_cast<void>(acceptor_.close(ignored));
    pause_.cancel();
    for_all([](Connection& c) { c.begin_drain(); });
    check_drained();
  }

  void cut_all() {
    for_all([](Connection& c) { c.cut(); });
  }

  std::size_t connections() const { return connections_.size(); }

  void closed(Connection& connection) override {
    const auto found = connections_.find(&connection);
    assert(found != connections_.end());
    if (found->second.admission == Admission::kWelcome) {
      shared_->connections.fetch_sub(1, std::memory_order_relaxed);
      metrics->connections.add(-1);
    } else {
      --refused_;
    }
    connections_.erase(found);
    check_drained();
  }

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    Admission admission;
  };

  // `f` may close connections, others than the one it is given too.
  template <class F>
  void for_all(F f) {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(connections_.size());
    for (const auto& [key, entry] : connections_)
      all.push_back(entry.connection);
    for (const auto& connection : all)
      f(*connection);
  }

  void check_drained() {
    if (!draining_ || !connections_.empty() || std::exchange(drained_, true)) return;
    sweep_.cancel();
    const std::lock_guard lock(shared_->mutex);
    ++shared_->drained_parts;
    shared_->changed.notify_all();
  }

  void sweep() {
    sweep_.arm(sweep_period_, [this] {
      const auto now = std::chrono::steady_clock::now();
      for_all([now](Connection& c) { c.check_deadlines(now); });
      if (!drained_) sweep();
    });
  }

  void accept() {
    acceptor_.async_wait(tcp::acceptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error || self->draining_) return;
                           if (self->accept_some()) return self->accept();
                           self->pause_.arm(kAcceptPause, [self] { self->accept(); });
                         });
  }

  // False: the process can take no more for now.
  bool accept_some() {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int fd = ::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&address),
                               &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        admit(fd, address);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return true;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        kLog.error("cannot accept a connection: {}", std::generic_category().message(errno));
        return false;
      }  // anything else concerns the one connection only
    }
    return true;
  }

  void admit(int fd, const sockaddr_storage& address) {
    metrics->accepted.add();
    Admission admission = Admission::kWelcome;
    if (shared_->connections.fetch_add(1, std::memory_order_relaxed) >= limits->connections) {
      shared_->connections.fetch_sub(1, std::memory_order_relaxed);
      if (refused_ >= kRefusedAtOnce) {
        metrics->refused_connections.add();
        ::close(fd);
        return;
      }
      ++refused_;
      admission = Admission::kOverLimit;
    } else {
      metrics->connections.add(1);
    }
    auto connection =
        make_connection(shared_from_this(), fd, ipv6_, address_text(address), admission);
    connections_.emplace(connection.get(), Entry{connection, admission});
    connection->start();
  }

  static std::string address_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* at =
        address.ss_family == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
    return ::inet_ntop(address.ss_family, at, text.data(), text.size()) == nullptr ? ""
                                                                                   : text.data();
  }

  const std::shared_ptr<Shared> shared_;
  tcp::acceptor acceptor_;
  runtime::Timer sweep_;
  runtime::Timer pause_;
  std::chrono::milliseconds sweep_period_{};
  std::unordered_map<Connection*, Entry> connections_;
  std::size_t refused_ = 0;
  bool ipv6_ = false;
  bool draining_ = false;
  bool drained_ = false;
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A socket bound to `endpoint`; with `shared`, others of this user may bind there too.
base::Result<int, ServerError> bind_socket(const tcp::endpoint& endpoint, bool shared) {
  Descriptor fd(
      ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return system_failure("socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return system_failure("SO_REUSEPORT", errno);
  }
  if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    const int error = errno;
    return system_failure(
        fmt::format("cannot listen on {}:{}", endpoint.address().to_string(), endpoint.port()),
        error);
  }
  return fd.release();
}

base::Result<tcp::endpoint, ServerError> endpoint_of(const std::string& name, std::uint16_t port) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(name == "localhost" ? "127.0.0.1" : name, error);
  if (error)
    return base::fail(ServerError::kBadAddress, fmt::format("'{}' is not a numeric address", name));
  return tcp::endpoint(address, port);
}

// A listening socket beside others of this server.
base::Result<int, ServerError> listen_at(const tcp::endpoint& endpoint) {
  auto bound = bind_socket(endpoint, true);
  if (!bound) return bound;
  Descriptor fd(*bound);
  if (::listen(fd.get(), kBacklog) != 0) return system_failure("listen", errno);
  return fd.release();
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

ServerMetrics::ServerMetrics(base::MetricsRegistry& r)
    : connections(r.gauge("sluice_http_connections", "Open connections")),
      inflight_body_bytes(r.gauge("sluice_http_inflight_body_bytes", "Bodies received or handled")),
      accepted(r.counter("sluice_http_accepted_total", "Connections accepted")),
      requests(r.counter("sluice_http_requests_total", "Requests handed to the handler")),
      refused_requests(r.counter("sluice_http_refused_requests_total",
                                 "Requests refused: malformed, over a limit, another protocol")),
      refused_connections(
          r.counter("sluice_http_refused_connections_total", "Connections over the limit")),
      timeouts(r.counter("sluice_http_timeouts_total", "Requests and writes that took too long")),
      server_errors(r.counter("sluice_http_server_errors_total", "Answers of 500 and above")),
      duration(r.histogram("sluice_http_request_duration_seconds",
                           "From the request read to its answer handed to the socket")) {}

class Server::Impl {
 public:
  Impl(runtime::LoopGroup& loops, Handler& handler, ServerOptions options,
       base::MetricsRegistry& metrics)
      : shared_(std::make_shared<Shared>(std::move(options), metrics)) {
    for (std::size_t i = 0; i < loops.size(); ++i) {
      parts_.push_back(std::make_shared<Part>(loops.loop(i), handler, shared_));
    }
  }
  ~Impl() {
    // A part's timers and sockets end on their loop.
    for (auto& part : parts_) {
      runtime::Loop& loop = *part->loop;
      loop.post([part = std::move(part)] {});
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const ServerOptions& options() const { return shared_->options; }

  // `first`: a listening socket, for the first part; the others get their own at its port.
  base::Result<std::uint16_t, ServerError> start(Descriptor first, std::uint16_t port) {
    const auto endpoint = endpoint_of(shared_->options.address, port);
    if (!endpoint) return std::unexpected(endpoint.error());
    for (const auto& part : parts_) {
      Descriptor fd(first.release());
      if (fd.get() < 0) {
        const auto more = listen_at(*endpoint);
        if (!more) return std::unexpected(more.error());
        fd = Descriptor(*more);
      }
      if (const auto failed = part->take_listener(fd.get(), endpoint->address().is_v6())) {
        return system_failure("epoll", failed.value());
      }
      fd.release();
    }
    for (const auto& part : parts_) {
      part->loop->post([part] { part->begin(); });
    }
    started_ = true;
    return port;
  }

  bool stop(std::chrono::milliseconds deadline) {
    if (!std::exchange(started_, false)) return true;
    for (const auto& part : parts_) {
      assert(!part->loop->in_loop());
      part->loop->post([part] { part->drain(); });
    }
    const bool clean = wait_drained(deadline);
    if (!clean) {
      for (const auto& part : parts_)
        part->loop->post([part] { part->cut_all(); });
      if (!wait_drained(kCutPatience)) kLog.error("a loop does not react; connections stay open");
    }
    return clean;
  }

  std::size_t connections() const { return shared_->connections.load(std::memory_order_relaxed); }

 private:
  bool wait_drained(std::chrono::milliseconds patience) {
    std::unique_lock lock(shared_->mutex);
    return shared_->changed.wait_for(lock, patience,
                                     [&] { return shared_->drained_parts == parts_.size(); });
  }

  const std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Part>> parts_;
  bool started_ = false;
};

base::Result<Listener, ServerError> Listener::open(const std::string& address, std::uint16_t port) {
  const auto endpoint = endpoint_of(address, port);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (port != 0) {
    // SO_REUSEPORT would let a second server of this user share the port without a word.
    const auto alone = bind_socket(*endpoint, false);
    if (!alone) return std::unexpected(alone.error());
    ::close(*alone);
  }
  const auto fd = listen_at(*endpoint);
  if (!fd) return std::unexpected(fd.error());
  return Listener(*fd, bound_port(*fd));
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
}

Server::Server(runtime::LoopGroup& loops, Handler& handler, ServerOptions options,
               base::MetricsRegistry& metrics)
    : impl_(std::make_unique<Impl>(loops, handler, std::move(options), metrics)) {}

Server::~Server() {
  impl_->stop(std::chrono::milliseconds(0));
}

base::Result<std::uint16_t, ServerError> Server::start() {
  auto listener = Listener::open(impl_->options().address, impl_->options().port);
  if (!listener) return std::unexpected(listener.error());
  return start(std::move(*listener));
}

base::Result<std::uint16_t, ServerError> Server::start(Listener listener) {
  return impl_->start(Descriptor(std::exchange(listener.fd_, -1)), listener.port());
}

bool Server::stop(std::chrono::milliseconds deadline) {
  return impl_->stop(deadline);
}

std::size_t Server::connections() const {
  return impl_->connections();
}

}  // namespace sluice::http
