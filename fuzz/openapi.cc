// API documents: any text must be imported or refused; what is imported survives its own document.
#include "gateway/openapi.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/model_json.h"
#include "gateway/runtime.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::gateway;
  if (size > 16384) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  sluice::base::SeededRandom random(1);
  auto api = import_openapi(text, random);
  if (!api) return 0;
  if (api->id.empty()) api->id = "id";
  const auto again = read_api_document(api_document(*api));
  if (!again || again->resources.size() != api->resources.size()) std::abort();
  (void)find_problems(*api);
  return 0;
}
