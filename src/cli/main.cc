// The `sluice` command.
#include <clocale>
#include <csignal>
#include <variant>

#include "base/log.h"
#include "cli/arguments.h"

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths of characters; nothing else depends on the locale
  std::signal(SIGPIPE, SIG_IGN);        // a closed pipe is a failed write, not the end
  sluice::base::set_log_level(sluice::base::LogLevel::kError);
  const auto arguments = sluice::cli::parse_arguments(argc, argv);
  if (!arguments) return arguments.error();
  return std::visit([](const auto& a) { return sluice::cli::run(a); }, *arguments);
}
