// What Amazon API Gateway itself returned, where the recordings are at hand: SLUICE_VECTORS names
// the file, or they lie in ../shared beside the source tree.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/value/json_read.h"
#include "gateway/vtl/vtl.h"

namespace sluice::gateway::vtl {
namespace {

std::string vectors_path() {
  if (const char* folder = std::getenv("SLUICE_VECTORS"))  // NOLINT(concurrency-mt-unsafe)
    return std::string(folder) + "/vtl_aws_vectors.json";
  for (const char* beside : {"/../shared/conformance/vtl_aws_vectors.json",
                             "/../../shared/conformance/vtl_aws_vectors.json"}) {
    const std::string path = std::string(SLUICE_SOURCE_DIR) + beside;
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

std::string folded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

std::string as_json(Arena& arena, const Value& v) {
  std::string out;
  append_json(out, v, Slash::kPlain, 1 << 20);
  (void)arena;
  return out;
}

// Compared as JSON where the recording went through a parser; empty equals {}.
bool same_json(const std::string& got, const std::string& expected) {
  Arena arena;
  const std::string text = folded(got).empty() ? "{}" : got;
  const auto a = read_json(arena, text);
  const auto b = read_json(arena, expected);
  return a && b && as_json(arena, *a) == as_json(arena, *b);
}

struct Outcome {
  std::string text;
  bool payload_error = false;
};

Outcome render(const Map& vector, Arena& values) {
  const Parameters params;
  Environment env(params);
  if (const Value vars = vector.get("vars"); vars.kind == Kind::kMap) {
    for (const Entry* e : vars.map->entries) {
      env.variables.emplace_back(std::string(e->key.text()), e->value);
    }
  }
  (void)values;
  const auto compiled = Template::compile(std::string(vector.get("template").text()));
  if (!compiled) return {"compile error: " + compiled.error().message};
  const Value body = vector.get("body");
  Outcome out;
  std::string text;
  const auto done = compiled->render(env, body.is_string() ? body.text() : "", text);
  if (done) return {text};
  out.payload_error = done.error().code == RenderError::kPayload;
  out.text = done.error().message;
  return out;
}

TEST(Vectors, EqualWhatAwsReturned) {
  const std::string path = vectors_path();
  if (path.empty() || !std::filesystem::exists(path)) {
    GTEST_SKIP()
        << "no recorded AWS vectors here: set SLUICE_VECTORS to the folder of vtl_aws_vectors.json";
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string source = text.str();
  Arena arena(std::size_t{256} << 20);
  const auto read = read_json(arena, source);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->kind, Kind::kList);
  std::size_t equal = 0;
  for (const Value& item : read->list->items) {
    const Map& vector = *item.map;
    const std::string id(vector.get("id").text());
    const Value expected = vector.get("expected");
    std::string wanted =
        expected.is_string() ? std::string(expected.text()) : as_json(arena, expected);
    Outcome got = render(vector, arena);
    bool good = false;
    if (vector.get("status").is_integral() && vector.get("status").integer == 400) {
      good = got.payload_error && wanted.find(got.text) != std::string::npos;
    } else if (id.starts_with("row-")) {
      good = !got.payload_error && same_json(got.text, wanted);
    } else if (vector.get("normalize_ws").kind == Kind::kBool &&
               vector.get("normalize_ws").boolean) {
      good = folded(got.text) == folded(wanted);
    } else if (!expected.is_string()) {
      good = same_json(got.text, wanted);
    } else {
      good = got.text == wanted;
    }
    EXPECT_TRUE(good) << id << "\n  template " << vector.get("template").text() << "\n  expected "
                      << wanted << "\n  got      " << got.text;
    equal += good ? 1 : 0;
  }
  std::printf("%zu of %zu recorded templates equal\n", equal, read->list->items.size);
}

}  // namespace
}  // namespace sluice::gateway::vtl
