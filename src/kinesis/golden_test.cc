// Runs src/kinesis/testdata/*.test, one behaviour a file, over the fake journal and a clock that
// stands. In a file: '#' comments; '> Action' and the body on the next line(s); '< status' and the
// expected body. In bodies ${name} stands for text without a quote: an expected reply sets it,
// later bodies use it. '@' lines change the surroundings, see directive(). SLUICE_UPDATE=1 writes
// what was answered into the files.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "aws/json_protocol.h"
#include "base/random.h"
#include "journal/fake_journal.h"
#include "kinesis/service.h"

namespace sluice::kinesis {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNowMs = 1'763'900'000'123;

// One server life in a folder of its own.
class World {
 public:
  World()
      : folder_(fs::path(testing::TempDir()) /
                fmt::format("kinesis-{}", base::system_random().next())) {
    fs::create_directories(folder_);
    open();
  }
  ~World() {
    service_.reset();
    engine_.reset();
    fs::remove_all(folder_);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void directive(const std::string& line) {
    std::istringstream words(line);
    std::string word, argument;
    words >> word;
    std::getline(words >> std::ws, argument);
    if (word == "advance-ms") {
      clock_.advance_ms(std::stoll(argument));
    } else if (word == "restart") {
      journal_.restart();
      open();
    } else if (word == "account") {
      caller_.account = argument;
    } else if (word == "region") {
      caller_.region = argument;
    } else if (word == "content-type") {
      content_type_ = argument;
    } else if (word == "invocation") {
      invocation_ = argument;
    } else if (word == "journal") {
      journal_.fail_with(failure(argument));
    } else if (word == "transition-ms") {
      options_.transition_ms = std::stoll(argument);
      open();
    } else if (word == "shard-limits") {
      limited_ = argument == "aws";
      open();
    } else if (word == "fill") {  // "fill N": a value for ${fill}
      variables["fill"] = std::string(std::stoul(argument), 'A');
    } else {
      ADD_FAILURE() << "unknown directive " << line;
    }
  }

  aws::ServiceResponse call(const std::string& action, const std::string& body) {
    aws::ServiceRequest request;
    request.service = "kinesis";
    request.action = action;
    request.content_type = content_type_;
    request.body = body;
    request.caller = caller_;
    request.request_id = "b9a3fcd1-6d3c-4b2e-9f0a-0123456789ab";
    request.invocation_id = invocation_;
    std::optional<aws::ServiceResponse> answer;
    service_->call(std::move(request), [&](aws::ServiceResponse r) { answer = std::move(r); });
    EXPECT_TRUE(answer) << action << " was not answered";
    return answer.value_or(aws::ServiceResponse());
  }

  std::map<std::string, std::string> variables;

 private:
  void open() {
    service_.reset();
    engine_.reset();
    auto engine = streams::Engine::open(folder_ / "meta.db", journal_, clock_, random_, options_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    service_ = std::make_unique<Service>(*engine_, metrics_, BlockingExecutor(), limited_);
  }

  static std::optional<journal::JournalError> failure(const std::string& name) {
    if (name == "overloaded") return journal::JournalError::kOverloaded;
    if (name == "disk-full") return journal::JournalError::kDiskFull;
    if (name == "failed") return journal::JournalError::kFailed;
    EXPECT_EQ(name, "good");
    return std::nullopt;
  }

  const fs::path folder_;
  base::ManualClock clock_{kNowMs};
  base::SeededRandom random_{1};
  journal::FakeJournal journal_{clock_};
  streams::EngineOptions options_;
  bool limited_ = false;
  std::unique_ptr<streams::Engine> engine_;
  base::MetricsRegistry metrics_;
  std::unique_ptr<Service> service_;
  aws::Caller caller_;
  std::string content_type_{aws::kJson11};
  std::string invocation_;
};

// Sets the variables that `expected` names for the first time.
bool matches(std::string_view expected, std::string_view actual,
             std::map<std::string, std::string>& variables) {
  for (;;) {
    const auto at = expected.find("${");
    if (at == std::string_view::npos) return expected == actual;
    if (actual.substr(0, at) != expected.substr(0, at)) return false;
    actual.remove_prefix(std::min(at, actual.size()));
    const auto close = expected.find('}', at);
    const std::string name(expected.substr(at + 2, close - at - 2));
    const std::string value(actual.substr(0, actual.find('"')));
    expected.remove_prefix(close + 1);
    actual.remove_prefix(value.size());
    if (name == "*") continue;
    const auto [known, fresh] = variables.emplace(name, value);
    if (!fresh && known->second != value) return false;
  }
}

std::string substitute(std::string text, const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) {
    const std::string mark = "${" + name + "}";
    for (auto at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + value.size()))
      text.replace(at, mark.size(), value);
  }
  return text;
}

struct Step {
  std::string action, body, expected;
  bool has_expectation = false;
};

class Runner {
 public:
  explicit Runner(bool update) : update_(update) {}

  std::string run(std::istream& in) {
    std::string line;
    while (std::getline(in, line)) {
      ++line_number_;
      if (line.starts_with("> ") || line.starts_with("@") || line.starts_with("#")) finish();
      if (line.starts_with("> ")) {
        step_ = Step{line.substr(2), "", "", false};
        out_ += line + "\n";
      } else if (step_ && !step_->has_expectation && line.starts_with("<")) {
        step_->has_expectation = true;
        step_->expected = line + "\n";
      } else if (step_ && step_->has_expectation && !line.empty()) {
        step_->expected += line + "\n";
      } else if (step_ && !step_->has_expectation) {
        step_->body += line;
        out_ += line + "\n";
      } else if (line.starts_with("@")) {
        world_.directive(line.substr(1));
        out_ += line + "\n";
      } else {
        if (line.empty()) finish();
        out_ += line + "\n";
      }
    }
    finish();
    return out_;
  }

 private:
  void finish() {
    if (!step_) return;
    const auto answer = world_.call(step_->action, substitute(step_->body, world_.variables));
    std::string actual = fmt::format("< {}\n", answer.status);
    if (!answer.body.empty()) actual += answer.body + (answer.body.ends_with('\n') ? "" : "\n");
    const bool good = matches(step_->expected, actual, world_.variables);
    if (!update_) {
      EXPECT_TRUE(good) << "before line " << line_number_ << ": " << step_->action << "\nexpected "
                        << step_->expected << "answered " << actual;
    }
    out_ += update_ && !good ? actual : step_->expected;
    step_.reset();
  }

  World world_;
  bool update_;
  int line_number_ = 0;
  std::optional<Step> step_;
  std::string out_;
};

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, AnswersAsWritten) {
  const bool update = std::getenv("SLUICE_UPDATE") != nullptr;
  const fs::path path = fs::path(SLUICE_SOURCE_DIR) / "src/kinesis/testdata" / GetParam();
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  const std::string text = Runner(update).run(in);
  if (update) std::ofstream(path) << text;
}

std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(fs::path(SLUICE_SOURCE_DIR) / "src/kinesis/testdata"))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kinesis, Golden, testing::ValuesIn(files()), [](const auto& info) {
  std::string name = info.param.substr(0, info.param.find('.'));
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace sluice::kinesis
