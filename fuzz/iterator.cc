// Opaque tokens and sequence numbers as a client may send them: nothing that was not sealed opens;
// what parses prints as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/random.h"
#include "streams/sealed_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  static base::SeededRandom random(1);
  static const streams::TokenSealer sealer(std::string(streams::TokenSealer::kKeyBytes, 'k'),
                                           random);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (streams::open_iterator(sealer, text)) std::abort();
  const std::string sealed = sealer.seal('I', text.substr(0, 400));
  if (sealer.open('I', sealed) != text.substr(0, 400)) std::abort();
  // A sealed token of ours with a body that is no iterator must not be taken for one.
  const auto iterator = streams::open_iterator(sealer, sealed);
  if (iterator && streams::seal_iterator(sealer, *iterator).empty()) std::abort();
  const auto number = streams::SequenceNumber::parse(text);
  if (number && number->to_string() != text) std::abort();
  (void)streams::parse_shard_id(text);
  return 0;
}
