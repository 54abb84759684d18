#include "http/test_support.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>

namespace sluice::http {

namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

}  // namespace

TestServer::TestServer(FunctionHandler::Function function, ServerLimits limits, std::size_t loops)
    : loops_(loops),
      handler_(std::move(function)),
      server_(loops_, handler_, ServerOptions{.limits = limits}, metrics_) {
  loops_.start();
  const auto port = server_.start();
  if (!port) throw std::runtime_error(port.error().message);
  port_ = *port;
}

TestServer::~TestServer() {
  server_.stop(std::chrono::milliseconds(0));
  loops_.stop();
}

Response plain(std::string body, int status) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

void HeldResponders::keep(const std::string& target, Responder responder) {
  const std::lock_guard lock(mutex_);
  held_.emplace(target, std::move(responder));
  changed_.notify_all();
}

void HeldResponders::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds(10), [&] { return held_.size() >= count; })) {
    throw std::runtime_error("the requests did not arrive");
  }
}

Responder HeldResponders::take(const std::string& target) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(target);
  if (found == held_.end()) throw std::runtime_error("no request for " + target);
  Responder responder = std::move(found->second);
  held_.erase(found);
  return responder;
}

std::optional<std::pair<std::string, Responder>> HeldResponders::take_any() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !held_.empty(); });
  if (held_.empty()) return std::nullopt;
  const auto last = std::prev(held_.end());
  std::pair<std::string, Responder> one(last->first, std::move(last->second));
  held_.erase(last);
  return one;
}

void HeldResponders::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

RawClient::RawClient(std::uint16_t port, int receive_buffer)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const timeval ten_seconds{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof ten_seconds);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &ten_seconds, sizeof ten_seconds);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
}

RawClient::~RawClient() {
  ::close(fd_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::close_sending() {
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::fill() {
  std::array<char, 65536> some;
  const ssize_t got = ::recv(fd_, some.data(), some.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    ADD_FAILURE() << "ten seconds of silence";
  if (got <= 0) return false;
  buffer_.append(some.data(), static_cast<std::size_t>(got));
  return true;
}

std::string RawClient::bytes(std::size_t size) {
  while (buffer_.size() < size && fill()) {
  }
  const std::string out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

std::string RawClient::rest() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::ended() {
  return buffer_.empty() && !fill();
}

RawAnswer RawClient::answer(bool to_head) {
  RawAnswer answer;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return answer;
  }
  answer.head = bytes(end + 4);
  answer.status = std::stoi(answer.head.substr(9, 3));
  const std::string head = lower(answer.head);
  if (to_head || answer.status < 200 || answer.status == 204 || answer.status == 304) {
    answer.whole = true;
  } else if (const auto at = head.find("\r\ncontent-length: "); at != std::string::npos) {
    const std::size_t size = std::stoul(head.substr(at + 18));
    answer.body = bytes(size);
    answer.whole = answer.body.size() == size;
  } else if (head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos) {
    while (true) {
      while (buffer_.find("\r\n") == std::string::npos) {
        if (!fill()) return answer;
      }
      const std::size_t size = std::stoul(buffer_, nullptr, 16);
      buffer_.erase(0, buffer_.find("\r\n") + 2);
      const std::string chunk = bytes(size + 2);
      if (chunk.size() != size + 2) return answer;
      if (size == 0) break;
      answer.body += chunk.substr(0, size);
    }
    answer.whole = true;
  } else {
    answer.body = rest();
    answer.whole = true;
  }
  return answer;
}

}  // namespace sluice::http
