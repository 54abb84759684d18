// Runs src/gateway/testdata/*.txt: one file per behaviour. `--- vars` and `--- body` hold until the
// next ones; `--- template` is rendered and compared with `--- expected`, or its failure must hold
// the words of `--- error`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/render.h"
#include "gateway/vtl/vtl.h"

namespace sluice::gateway {
namespace {

class Runner {
 public:
  explicit Runner(std::string file) : file_(std::move(file)) {}

  void run() {
    std::ifstream in(file_);
    std::string line;
    std::string section;
    std::string text;
    while (std::getline(in, line)) {
      ++line_;
      if (line.starts_with("--- ")) {
        end(section, text);
        section = line.substr(4);
        text.clear();
      } else if (!section.empty()) {
        text += line + "\n";
      }
    }
    end(section, text);
    EXPECT_GT(cases_, 0) << file_;
  }

 private:
  void end(const std::string& section, std::string text) {
    if (!text.empty()) text.pop_back();
    if (section == "vars") inputs_.vars = text;
    if (section == "body") inputs_.body = text;
    if (section == "template") template_ = text;
    if (section != "expected" && section != "error") return;
    ++cases_;
    const auto got = render_template(template_, inputs_);
    const std::string at = file_ + ", before line " + std::to_string(line_) + ": " + template_;
    if (section == "expected") {
      EXPECT_TRUE(got) << at << "\n" << (got ? "" : got.error().message);
      if (got) {
        EXPECT_EQ(*got, text) << at;
      }
    } else {
      EXPECT_FALSE(got) << at;
      if (!got) {
        EXPECT_NE(got.error().message.find(text), std::string::npos)
            << at << ": '" << got.error().message << "' does not hold '" << text << "'";
      }
    }
  }

  std::string file_;
  RenderInputs inputs_;
  std::string template_;
  int line_ = 0;
  int cases_ = 0;
};

TEST(Golden, Templates) {
  const std::string folder = std::string(SLUICE_SOURCE_DIR) + "/src/gateway/testdata";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    ++files;
    Runner(entry.path()).run();
  }
  EXPECT_GE(files, 10);
}

// Bombs: each is stopped by a limit, in bounded time and memory.
TEST(Limits, StopTemplateBombs) {
  const char* bombs[] = {
      // steps
      "#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])#set($x = "
      "1)#end#end#end",
      // output
      "#set($s = 'xxxxxxxxxxxxxxxx')#foreach($i in [1..30])#set($s = $s + $s)#end$s",
      "#set($s = \"x\")#foreach($i in [1..1000])#set($s = \"$s$s\")#end",
      // memory
      "#set($l = [1])#foreach($i in [1..40])#set($x = $l.addAll($l))#end",
      "#set($r = [1..999999])#foreach($i in [1..1000])#set($r = [1..999999])#end",
      "#set($x = [1..2000000])",
      // a value that holds itself
      "#set($m = {})#set($m.me = $m)$m",
      "#set($l = [])#set($x = $l.add($l))#set($x = $l.add($l))$l",
      // depth
      "#define($a)$b#end#define($b)$a$a#end#set($x = \"$a\")#foreach($i in "
      "[1..1000])$a#end#foreach($i in [1..1000])#foreach($j in [1..1000])$a#end#end",
      // patterns
      "#set($s = "
      "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')$s.matches('(a+)+c')$s.repeat(100000000)",
  };
  for (const char* bomb : bombs) {
    const auto got = render_template(bomb, {});
    EXPECT_FALSE(got) << bomb;
  }
}

TEST(Limits, DeepTemplatesAndPayloadsAreRefused) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "#if(true)";
  EXPECT_FALSE(render_template(deep, {}));
  std::string groups = "#set($x = ";
  groups.append(100'000, '(');
  EXPECT_FALSE(render_template(groups, {}));
  std::string calls = "$a";
  for (int i = 0; i < 50'000; ++i)
    calls += ".b($a";
  EXPECT_FALSE(render_template(calls, {}));
  RenderInputs inputs;
  inputs.body = std::string(1'000'000, '[');
  EXPECT_FALSE(render_template("$input.json('$')", inputs));
  inputs.body = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_TRUE(render_template("$input.json('$')", inputs));
}

// Renders: the words of the refusal.
std::string refusal(const std::string& text, const RenderInputs& inputs = {}) {
  const auto got = render_template(text, inputs);
  return got ? "rendered" : got.error().message;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

TEST(Limits, LongTemplatesAndManyArgumentsAreRefused) {
  EXPECT_EQ(refusal(std::string(vtl::kTemplateBytesMax, 'x')), "rendered");
  EXPECT_EQ(refusal(std::string(vtl::kTemplateBytesMax + 1, 'x')),
            "a template of more than 300 KiB");
  EXPECT_EQ(refusal("#set($m = {})$m.f(1" + repeated(", 1", 15) + ")"), "rendered");
  EXPECT_EQ(refusal("#set($m = {})$m.f(1" + repeated(", 1", 16) + ")"),
            "a call with more than 16 arguments");
}

TEST(Limits, LongNumbersAreRefused) {
  RenderInputs inputs;
  const std::string sum = "#set($x = $input.path('$.n') * 10)$x";
  inputs.body = "{\"n\":" + std::string(9'000, '7') + "}";
  EXPECT_EQ(refusal(sum, inputs), "rendered");
  inputs.body = "{\"n\":" + std::string(10'000, '7') + "}";
  EXPECT_EQ(refusal(sum, inputs), "a number grows too long");
}

TEST(Limits, JsonPathsAreBounded) {
  RenderInputs inputs;
  inputs.body = "{}";
  const auto path = [&](const std::string& text) {
    return refusal("$input.path('" + text + "')", inputs);
  };
  EXPECT_THAT(path("$." + std::string(64 << 10, 'a')),
              testing::HasSubstr("a path of more than 64 KiB"));
  EXPECT_EQ(path("$" + repeated(".a", 1'000)), "rendered");
  EXPECT_THAT(path("$" + repeated(".a", 1'001)),
              testing::HasSubstr("a path of more than 1000 steps"));
  EXPECT_EQ(path("$" + repeated("[?(@.a", 20) + repeated(")]", 20)), "rendered");
  EXPECT_THAT(path("$" + repeated("[?(@.a", 21) + repeated(")]", 21)),
              testing::HasSubstr("filters nested too deeply"));
  // Each `..` visits everything below each of its finds.
  inputs.body = repeated("{\"a\":", 300) + "1" + repeated("}", 300);
  EXPECT_EQ(path("$..a"), "rendered");
  EXPECT_THAT(path("$..a..a..a"), testing::HasSubstr("takes too many steps"));
}

TEST(Render, ErrorsNameLineAndColumn) {
  const auto got = render_template("a\nb #if($x\n", {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().line, 3);
  const auto failed = render_template("a\n  $input.path('$[')", {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().line, 2);
}

}  // namespace
}  // namespace sluice::gateway
