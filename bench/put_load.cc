// Puts records of one size into a stream over many pipelined connections, and writes down every
// answer:
//   put_load PORT STREAM --seconds 5                  closed loop: each connection keeps --depth
//   puts on their way put_load PORT STREAM --seconds 60 --rate 50000    open loop: as many a
//   second, whatever the answers
// --connections N --depth N --bytes N --name PREFIX --log FILE (a line an answer: partition key,
// status, sequence number or error type). Data is the partition key over and over. One thread;
// prints a line of JSON. tests/e2e/overload.py runs it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"

namespace {

using namespace sluice;
using Clock = std::chrono::steady_clock;

// An open loop drops what a connection would have to hold beyond this: it says so in `withheld`.
constexpr std::size_t kUnsentMax = std::size_t{1} << 20;
constexpr auto kLastAnswersWithin = std::chrono::seconds(60);

struct Options {
  std::uint16_t port = 0;
  std::string stream, name = "p", log = "/dev/null";
  double seconds = 5, rate = 0;
  std::size_t connections = 32, depth = 16, bytes = 512;
};

[[noreturn]] void give_up(std::string_view what) {
  fmt::print(stderr, "put_load: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

struct Connection {
  int fd = -1;
  std::string out, in;
  std::size_t out_done = 0;
  std::deque<std::uint64_t> waiting;  // numbers of the puts without an answer, in their order
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        connections_(options.connections),
        log_(std::fopen(options.log.c_str(), "w")) {
    if (log_ == nullptr) give_up(options.log);
    for (auto& connection : connections_) {
      connection.fd = connect_to(options.port);
      polls_.push_back({.fd = connection.fd, .events = POLLIN, .revents = 0});
    }
  }
  ~Load() {
    for (const auto& connection : connections_)
      close(connection.fd);
    std::fclose(log_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void run() {
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(options_.seconds));
    for (auto now = start; now < end; now = Clock::now()) {
      issue(std::chrono::duration<double>(now - start).count());
      exchange();
    }
    const auto deadline = Clock::now() + kLastAnswersWithin;
    while (answered_ < sent_) {
      if (Clock::now() > deadline) {
        errno = ETIMEDOUT;
        give_up(fmt::format("{} puts have no answer", sent_ - answered_));
      }
      exchange();
    }
    print();
  }

 private:
  static int connect_to(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      give_up("connect");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) give_up("fcntl");
    return fd;
  }

  std::string key(std::uint64_t number) const {
    return fmt::format("{}-{}", options_.name, number);
  }

  void put(Connection& connection) {
    const std::string partition_key = key(sent_);
    std::string data;
    data.reserve(options_.bytes + partition_key.size());
    while (data.size() < options_.bytes)
      data += partition_key;
    data.resize(options_.bytes);
    const std::string body = fmt::format(R"({{"StreamName":"{}","PartitionKey":"{}","Data":"{}"}})",
                                         options_.stream, partition_key, base::base64_encode(data));
    fmt::format_to(
        std::back_inserter(connection.out),
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\n"
        "Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body);
    connection.waiting.push_back(sent_++);
  }

  // What is due by now.
  void issue(double elapsed_s) {
    if (options_.rate <= 0) {
      for (auto& connection : connections_) {
        while (connection.waiting.size() < options_.depth)
          put(connection);
      }
      return;
    }
    for (const auto due = static_cast<std::uint64_t>(elapsed_s * options_.rate); due_ < due;
         ++due_) {
      Connection& connection = connections_[due_ % connections_.size()];
      if (connection.out.size() - connection.out_done > kUnsentMax) {
        ++withheld_;
      } else {
        put(connection);
      }
    }
  }

  void exchange() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      flush(connections_[i]);
      const bool unsent = connections_[i].out_done < connections_[i].out.size();
      polls_[i].events = static_cast<short>(POLLIN | (unsent ? POLLOUT : 0));
    }
    if (poll(polls_.data(), polls_.size(), 1) < 0 && errno != EINTR) give_up("poll");
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if ((polls_[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive(connections_[i]);
    }
  }

  static void flush(Connection& connection) {
    while (connection.out_done < connection.out.size()) {
      const ssize_t n = send(connection.fd, connection.out.data() + connection.out_done,
                             connection.out.size() - connection.out_done, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) give_up("send");
      connection.out_done += static_cast<std::size_t>(n);
    }
    connection.out.clear();
    connection.out_done = 0;
  }

  void receive(Connection& connection) {
    char buffer[65536];
    const ssize_t n = recv(connection.fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) give_up("the server closed a connection");
    connection.in.append(buffer, static_cast<std::size_t>(n));
    std::size_t done = 0;
    while (const std::size_t size =
               answer(connection, std::string_view(connection.in).substr(done)))
      done += size;
    connection.in.erase(0, done);
  }

  // Takes one answer off the front; its size, 0: not whole yet.
  std::size_t answer(Connection& connection, std::string_view in) {
    const auto head = in.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    const auto body_size =
        static_cast<std::size_t>(std::stoul(field(in.substr(0, head), "Content-Length: ", "\r")));
    if (in.size() < head + 4 + body_size) return 0;
    const auto body = in.substr(head + 4, body_size);
    const std::string status(in.substr(sizeof("HTTP/1.1 ") - 1, 3));
    const std::string text =
        field(body, status == "200" ? "\"SequenceNumber\":\"" : "\"__type\":\"", "\"");
    ++answers_[status == "200" ? status : status + " " + text];
    fmt::print(log_, "{} {} {}\n", key(connection.waiting.front()), status, text);
    connection.waiting.pop_front();
    ++answered_;
    return head + 4 + body_size;
  }

  static std::string field(std::string_view text, std::string_view before, std::string_view after) {
    const auto at = text.find(before);
    if (at == std::string_view::npos) {
      errno = EPROTO;
      give_up(fmt::format("no {} in {}", before, text.substr(0, 400)));
    }
    const auto value = text.substr(at + before.size());
    return std::string(value.substr(0, value.find(after)));
  }

  void print() const {
    std::string answers;
    for (const auto& [answer, count] : answers_)
      answers += fmt::format("{}\"{}\":{}", answers.empty() ? "" : ",", answer, count);
    fmt::print("{{\"sent\":{},\"withheld\":{},\"seconds\":{},\"answers\":{{{}}}}}\n", sent_,
               withheld_, options_.seconds, answers);
  }

  const Options& options_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polls_;
  std::FILE* log_;
  std::uint64_t sent_ = 0, answered_ = 0, due_ = 0, withheld_ = 0;
  std::map<std::string, std::uint64_t> answers_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Load of PutRecord on one server of this machine.");
  app.add_option("port", options.port)->required();
  app.add_option("stream", options.stream)->required();
  app.add_option("--seconds", options.seconds)->check(CLI::Range(0.1, 600.0));
  app.add_option("--rate", options.rate)->check(CLI::NonNegativeNumber);
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 1'000));
  app.add_option("--depth", options.depth)->check(CLI::Range(1, 64));
  app.add_option("--bytes", options.bytes)->check(CLI::Range(0, 1 << 20));
  app.add_option("--name", options.name);
  app.add_option("--log", options.log);
  CLI11_PARSE(app, argc, argv);
  Load(options).run();
  return 0;
}
