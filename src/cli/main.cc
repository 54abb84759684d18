// The `sluice` command.
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <variant>

#include "base/log.h"
#include "cli/arguments.h"

namespace {

// A write of standard output failed.
int ended(int error, const char* why) {
  if (error == EPIPE) return 0;  // the reader had enough: `sluice … | head`
  std::fprintf(stderr, "sluice: %s\n", why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths of characters; nothing else depends on the locale
  std::signal(SIGPIPE, SIG_IGN);        // a closed pipe is a failed write, not the end
  sluice::base::set_log_level(sluice::base::LogLevel::kError);
  const auto arguments = sluice::cli::parse_arguments(argc, argv);
  if (!arguments) return arguments.error();
  try {
    const int status = std::visit([](const auto& a) { return sluice::cli::run(a); }, *arguments);
    return std::fflush(stdout) == 0 ? status : ended(errno, std::strerror(errno));
  } catch (const std::system_error& error) {  // fmt::print throws it
    return ended(error.code().value(), error.what());
  }
}
