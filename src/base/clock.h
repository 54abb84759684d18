// Time as a door: a simulation owns it. Thread-safe.
#pragma once

#include <cstdint>

namespace sluice::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970 UTC; may go back.
  virtual std::int64_t now_ms() const = 0;
  // Nanoseconds of a clock that never goes back; for durations only.
  virtual std::int64_t monotonic_ns() const = 0;
};

Clock& system_clock();

// A clock that stands until it is told to move. Put back, its time goes back and its durations do
// not.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ms) : now_ms_(now_ms), monotonic_ms_(now_ms) {}
  std::int64_t now_ms() const override { return now_ms_; }
  std::int64_t monotonic_ns() const override { return monotonic_ms_ * 1'000'000; }
  void set_ms(std::int64_t now_ms) { advance_ms(now_ms - now_ms_); }
  void advance_ms(std::int64_t by_ms) {
    now_ms_ += by_ms;
    if (by_ms > 0) monotonic_ms_ += by_ms;
  }

 private:
  std::int64_t now_ms_;
  std::int64_t monotonic_ms_;
};

}  // namespace sluice::base
