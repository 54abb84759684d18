// Randomness as a door: a seed replays a run.
#pragma once

#include <cstdint>

namespace sluice::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); bound > 0. The bias of the remainder is below 2^-32 for bounds below
  // 2^32.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

// From the operating system's generator; thread-safe.
Random& system_random();

// splitmix64: the same numbers for the same seed, on every machine. Not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::base
