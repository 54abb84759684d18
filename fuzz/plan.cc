// The JSON files below _sluice: whatever is taken reads back equal from what is written of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pipeline/flow_files.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace pipeline = sluice::pipeline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto plan = pipeline::parse_plan(text, "plan")) {
    require(pipeline::parse_plan(pipeline::to_json(*plan), "plan") == *plan);
    for (const auto& stream : plan->streams)
      for (const auto& range : stream.shards)
        require(range.from <= range.to && range.count <= range.to - range.from);
  }
  if (const auto flow = pipeline::parse_flow_file(text, "flow"))
    require(pipeline::parse_flow_file(pipeline::to_json(*flow), "flow") == *flow);
  if (const auto head = pipeline::parse_head(text, "head"))
    require(pipeline::parse_head(pipeline::to_json(*head), "head") == *head);
  if (const auto record = pipeline::parse_commit_record(text, "commit"))
    require(pipeline::parse_commit_record(pipeline::to_json(*record), "commit") == *record);
  return 0;
}
