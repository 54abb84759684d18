#include "cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace sluice::cli {
namespace {

std::atomic<bool> g_requested{false};
int g_pipe[2] = {-1, -1};  // readable once interrupted: what wait_ms polls

extern "C" void on_signal(int signal_number) {
  if (g_requested.exchange(true)) {  // asked twice: the default meaning
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  const char byte = 0;
  [[maybe_unused]] const auto written =
      write(g_pipe[1], &byte, 1);  // a full pipe is readable already
}

}  // namespace

Interrupt::Interrupt() {
  g_requested = false;
  if (pipe(g_pipe) != 0)
    g_pipe[0] = g_pipe[1] = -1;  // then wait_ms ends with its time, not earlier
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Interrupt::~Interrupt() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  for (int& fd : g_pipe) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
}

bool Interrupt::requested() const {
  return g_requested;
}

bool Interrupt::wait_ms(std::int64_t ms) const {
  pollfd wake{.fd = g_pipe[0], .events = POLLIN, .revents = 0};
  poll(&wake, 1, static_cast<int>(ms));
  return !g_requested;
}

}  // namespace sluice::cli
