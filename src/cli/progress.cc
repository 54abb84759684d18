#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/clock.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kPipeIntervalNs = 2'000'000'000;

// Bytes of the text that fit in the terminal's width; the texts are nearly all ASCII.
std::string fitting(std::string_view text) {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || text.size() < size.ws_col)
    return std::string(text);
  return std::string(text.substr(0, size.ws_col - 1U));
}

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {}
Progress::~Progress() {
  clear_line();
}

void Progress::clear_line() {
  if (!line_open_) return;
  std::fputs("\r\x1b[K", stderr);
  line_open_ = false;
}

void Progress::update(std::string_view text) {
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", fitting(text).c_str());
    std::fflush(stderr);
    line_open_ = true;
    return;
  }
  const std::int64_t now = base::system_clock().monotonic_ns();
  if (printed_ns_ != 0 && now - printed_ns_ < kPipeIntervalNs) return;
  printed_ns_ = now;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void Progress::done(std::string_view text) {
  clear_line();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace sluice::cli
