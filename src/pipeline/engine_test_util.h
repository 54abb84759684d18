// What tests over the real stream engine share: an engine on a journal in memory, and puts that
// wait for their answer.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "journal/fake_journal.h"
#include "streams/engine.h"

namespace sluice::pipeline {

class EngineBench {
 public:
  EngineBench()
      : root((std::filesystem::temp_directory_path() / ("sluice-run-" + base::random_uuid()))
                 .string()) {
    std::filesystem::create_directories(root);
    open();
  }
  ~EngineBench() {
    engine.reset();
    std::filesystem::remove_all(root);
  }
  EngineBench(const EngineBench&) = delete;
  EngineBench& operator=(const EngineBench&) = delete;

  void open() {
    engine.reset();
    auto opened = streams::Engine::open(root + "/meta.db", journal, clock, random);
    ASSERT_TRUE(opened) << opened.error().message;
    engine = *std::move(opened);
  }

  static streams::StreamKey key(const std::string& name) {
    return {"000000000000", "us-east-1", name};
  }

  void create(const std::string& name, int shards) {
    auto made = engine->create({key(name), streams::StreamMode::kProvisioned, shards});
    ASSERT_TRUE(made) << made.error().message;
  }

  void put(const std::string& name, const std::string& data) {
    auto stream = engine->find(key(name));
    ASSERT_TRUE(stream) << stream.error().message;
    bool done = false;
    const std::string partition = std::to_string(puts++);
    engine->append(*stream, {{partition, data, std::nullopt}}, std::nullopt,
                   [&done](const auto& result) { done = result.has_value(); });
    ASSERT_TRUE(done);
  }

  std::string root;
  base::ManualClock clock{1'700'000'000'000};
  base::SeededRandom random{11};
  journal::FakeJournal journal{clock};
  std::unique_ptr<streams::Engine> engine;
  int puts = 0;
};

}  // namespace sluice::pipeline
