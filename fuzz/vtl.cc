// Templates: any text must compile or be refused, and a compiled one must end within its limits.
#include "gateway/vtl/vtl.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::gateway;
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto compiled = vtl::Template::compile(text);
  if (!compiled) return 0;
  vtl::Parameters params;
  params.path.emplace_back("stream-name", "s");
  vtl::Limits limits;
  limits.steps = 20'000;
  limits.output_bytes = 1 << 18;
  limits.arena_bytes = 1 << 22;
  vtl::Environment env(params, limits);
  env.context = Value::of(make_map(env.arena()));
  const std::string body = R"({"Data":{"a":[1,"x",{"b":1.50}]},"records":[{"data":"x"}],"k":null})";
  std::string out;
  (void)compiled->render(env, body, out);
  return 0;
}
