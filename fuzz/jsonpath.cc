// The input is a path, a newline, and a payload: reading and walking must end.
#include "gateway/jsonpath/jsonpath.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "gateway/value/json_read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::gateway;
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\n');
  const std::string body = split == std::string::npos ? "{}" : text.substr(split + 1);
  Arena arena(std::size_t{1} << 22);
  const auto document = read_json(arena, body);
  if (!document) return 0;
  const auto path = jsonpath::Path::compile(text.substr(0, split));
  if (!path) return 0;
  std::size_t steps = 20'000;
  bool missing = false;
  const auto found = path->read(arena, *document, *document, steps, missing);
  if (!found) return 0;
  std::string out;
  (void)append_json(out, *found, Slash::kEscaped, 1 << 18);
  (void)append_java(out, *found, 1 << 18);
  return 0;
}
