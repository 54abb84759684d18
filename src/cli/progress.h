// Progress on standard error: one moving line on a terminal, a plain line now and then in a pipe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::cli {

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // What happens now. On a terminal it replaces the line; in a pipe it is printed at most every two
  // seconds.
  void update(std::string_view text);
  // A finished step: stays.
  void done(std::string_view text);

 private:
  void clear_line();
  bool terminal_;
  bool line_open_ = false;
  std::int64_t printed_ns_ = 0;
};

}  // namespace sluice::cli
