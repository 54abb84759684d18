// Rows a second of the example's pin schema on one core: our decoder, and for comparison simdjson's
// bare walk over the same records.
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "sparksql/functions/from_json.h"

namespace {

using sluice::types::DataType;
using sluice::types::Field;
using sluice::types::make_field;
using sluice::types::TypeKind;

constexpr int kRows = 200'000;

std::string record(int i) {
  const std::string n = std::to_string(i);
  return R"({"index":)" + n +
         R"(,"unique_id":"9bf39437-42a6-4f02-99a0-9a0383d8cd70","title":"25 Super Fun Summer Crafts for Kids - Of Life and Lisa","description":"Keep the kids busy this summer with these easy diy crafts and projects. Creative and...","poster_name":"Of Life & Lisa | Lifestyle Blog","follower_count":"124k","tag_list":"Summer Crafts For Kids,Fun Crafts For Kids,Summer Kids,Toddler Crafts,Crafts To Do,Diy For Kids,Summer Snow,Diys For Summer,Craft Ideas For Girls","is_image_or_video":"image","image_src":"https://example.invalid/)" +
         n +
         R"(.jpg","downloaded":1,"save_location":"Local save in /data/diy-and-crafts","category":"diy-and-crafts"})";
}

DataType pin_schema() {
  std::vector<Field> fields;
  for (const char* name :
       {"category", "description", "downloaded", "follower_count", "image_src", "index",
        "is_image_or_video", "poster_name", "save_location", "tag_list", "title", "unique_id"}) {
    const std::string_view text = name;
    const bool whole = text == "downloaded" || text == "index";
    fields.push_back(make_field(name, DataType::of(whole ? TypeKind::kInt : TypeKind::kString)));
  }
  return DataType::structure(std::move(fields));
}

template <class Work>
void measure(const char* name, std::size_t bytes, const Work& work) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  std::printf("%-22s %6.2f M rows/s  %7.1f MB/s\n", name, kRows / best / 1e6,
              static_cast<double>(bytes) / best / 1e6);
}

}  // namespace

int main() {
  std::string all;
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (int i = 0; i < kRows; ++i) {
    const std::string one = record(i);
    places.emplace_back(all.size(), one.size());
    all += one;
  }
  const std::size_t bytes = all.size();
  all.append(simdjson::SIMDJSON_PADDING, ' ');

  const auto decoder = sluice::sparksql::JsonDecoder::make(pin_schema(), {});
  sluice::sparksql::Arena arena;
  std::uint64_t seen = 0;
  measure("from_json", bytes, [&] {
    for (const auto& [at, size] : places) {
      arena.reset();
      sluice::sparksql::JsonValue value;
      decoder->decode({all.data() + at, size}, arena, value);
      seen += value.children[10].size;
    }
  });
  simdjson::ondemand::parser parser;
  measure("simdjson, bare walk", bytes, [&] {
    for (const auto& [at, size] : places) {
      simdjson::ondemand::document document;
      if (parser.iterate(all.data() + at, size, all.size() - at).get(document) != simdjson::SUCCESS)
        continue;
      for (auto field : document.get_object()) {
        simdjson::ondemand::raw_json_string key;
        if (field.key().get(key) != simdjson::SUCCESS) continue;
        seen += static_cast<std::uint64_t>(key.raw()[0]);
        std::string_view token;
        if (field.value().raw_json_token().get(token) == simdjson::SUCCESS) seen += token.size();
      }
    }
  });
  std::printf("(%llu)\n", static_cast<unsigned long long>(seen));
  return 0;
}
