// How many seeds a simulation runs: its own number, or what SLUICE_SEEDS says (.ci/run --seeds N).
// For tests alone.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace sluice::base {

inline std::uint64_t test_seeds(std::uint64_t usual) {
  const char* wanted = std::getenv("SLUICE_SEEDS");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t number = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 0;
  return number > 0 ? number : usual;
}

}  // namespace sluice::base
