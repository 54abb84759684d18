#include "base/random.h"

#include <openssl/rand.h>

#include <cstdlib>

namespace sluice::base {
namespace {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    // OpenSSL's generator fails only when the system has no entropy at all: nothing sane can go on
    // then.
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) != 1) std::abort();
    return value;
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace sluice::base
