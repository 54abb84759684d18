// A server that answers 200 with a short JSON text, on one loop, to be measured from outside:
//   http_bench 8080 & wrk -t1 -c32 -d5s http://127.0.0.1:8080/
// `--post` answers from another thread, as the journal does. Ends with SIGINT or SIGTERM.
#include <fmt/format.h>

#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>

#include "base/bounded_queue.h"
#include "http/server.h"
#include "runtime/signals.h"

namespace {

using namespace sluice;

http::Response answer() {
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.body = R"({"SequenceNumber":"1","ShardId":"shardId-000000000000"})";
  return response;
}

class Direct final : public http::Handler {
 public:
  void handle(http::Request&&, http::Responder responder) override { responder.send(answer()); }
};

class FromThread final : public http::Handler {
 public:
  FromThread()
      : thread_([this] {
          while (auto responder = queue_.pop())
            responder->send(answer());
        }) {}
  ~FromThread() override {
    queue_.close();
    thread_.join();
  }
  void handle(http::Request&&, http::Responder responder) override {
    static_cast<void>(queue_.try_push(std::move(responder)));  // full: dropped, which answers 500
  }

 private:
  base::BoundedQueue<http::Responder> queue_{100'000};
  std::thread thread_;
};

int serve(std::uint16_t port, http::Handler& handler) {
  base::MetricsRegistry metrics;
  runtime::LoopGroup loops(1, &metrics);
  loops.start();
  std::promise<void> stop;
  bool asked = false;
  runtime::Signals signals(loops.loop(0), [&](int) {
    if (!std::exchange(asked, true)) stop.set_value();
  });
  http::Server server(loops, handler, {.port = port}, metrics);
  const auto started = server.start();
  if (!started) {
    fmt::print(stderr, "{}\n", started.error().message);
    return 1;
  }
  fmt::print("http://127.0.0.1:{}/\n", *started);
  std::fflush(stdout);
  stop.get_future().wait();
  server.stop(std::chrono::seconds(1));
  loops.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  if (argc > 2 && std::string_view(argv[2]) == "--post") {
    FromThread handler;
    return serve(port, handler);
  }
  Direct handler;
  return serve(port, handler);
}
