// YAML as a project's spec: it is taken or refused with words, and what is taken keeps its
// promises.
#include "pipeline/spec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto spec = sluice::pipeline::parse_spec(text, "fuzz.yml");
  if (!spec) {
    if (spec.error().message.empty()) std::abort();
    return 0;
  }
  if (spec->storage.find(':') == std::string::npos) std::abort();
  for (const auto& glob : spec->libraries)
    if (glob.empty() || glob.front() == '/' || glob.starts_with("../")) std::abort();
  static_cast<void>(sluice::pipeline::library_files(*spec, {{"a.sql", ""}, {"t/b.sql", ""}}));
  return 0;
}
