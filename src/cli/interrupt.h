// Ctrl-C and SIGTERM for commands that run until told to end: a flag to look at and a wait that it
// cuts short.
#pragma once

#include <cstdint>

namespace sluice::cli {

// From construction to destruction, SIGINT and SIGTERM set the flag instead of ending the process;
// a second one ends it.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
  // False: interrupted meanwhile.
  bool wait_ms(std::int64_t ms) const;
};

}  // namespace sluice::cli
