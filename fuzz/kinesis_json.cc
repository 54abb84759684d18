// Whole Kinesis calls with arbitrary bodies: the first byte picks the action, the rest is the body.
// Every call must be answered once, with a status AWS could give and JSON that is not cut short.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/json_protocol.h"
#include "base/clock.h"
#include "base/random.h"
#include "journal/fake_journal.h"
#include "kinesis/service.h"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace): a fuzzer is one file

constexpr std::string_view kActions[] = {
    "PutRecord",         "PutRecords",          "GetRecords",
    "GetShardIterator",  "ListShards",          "DescribeStreamSummary",
    "DescribeStream",    "ListStreams",         "CreateStream",
    "DeleteStream",      "AddTagsToStream",     "RemoveTagsFromStream",
    "ListTagsForStream", "TagResource",         "IncreaseStreamRetentionPeriod",
    "UpdateStreamMode",  "ListTagsForResource", "DescribeLimits"};

struct World {
  base::ManualClock clock{1'763'900'000'000};
  base::SeededRandom random{1};
  journal::FakeJournal journal{clock};
  std::unique_ptr<streams::Engine> engine;
  base::MetricsRegistry metrics;
  std::unique_ptr<kinesis::Service> service;

  World() {
    streams::EngineOptions options;
    options.shards_per_stream_max = 100;
    options.shards_max = 100;
    auto opened = streams::Engine::open(":memory:", journal, clock, random, options);
    if (!opened) std::abort();
    engine = std::move(*opened);
    service = std::make_unique<kinesis::Service>(*engine, metrics);
    if (!engine->create({{"000000000000", "us-east-1", "s"}})) std::abort();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  World world;  // each input stands alone: a finding is replayed from its file
  aws::ServiceRequest request;
  request.service = "kinesis";
  request.action = kActions[data[0] % std::size(kActions)];
  request.content_type = aws::kJson11;
  request.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  request.request_id = "id";
  int answers = 0;
  world.service->call(std::move(request), [&](const aws::ServiceResponse& response) {
    ++answers;
    const bool good = response.status == 200 || response.status == 400;
    if (!good || (!response.body.empty() && response.body.back() != '}')) std::abort();
  });
  if (answers != 1) std::abort();
  return 0;
}
