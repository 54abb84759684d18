// Clients and an operator of one engine: each step does one thing and tells the model. What it does
// follows from the random numbers alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "machine.h"
#include "model.h"

namespace sluice::sim {

// A reader of one shard; all it knows is in its token.
struct Consumer {
  streams::StreamKey stream;
  std::string token;
};

class Workload {
 public:
  // All outlive it. `consumers` outlive restarts.
  Workload(Machine& machine, Model& model, base::ManualClock& clock, base::Random& random,
           std::vector<Consumer>& consumers, Report& report)
      : machine_(machine),
        model_(model),
        clock_(clock),
        random_(random),
        consumers_(consumers),
        report_(report) {}

  void step();
  // Calls that a restart may have cut off, sent once more.
  void retry_calls();

 private:
  void put();
  void pump();
  void send(std::size_t call);
  void stage_call();
  void read();
  void read_anywhere();
  void seek();
  void release_expired();
  void pass_time(std::int64_t by_ms);
  void create();
  void remove();
  void change_settings();
  void split();
  void merge();
  void scale();
  template <class Do>
  void change(PendingChange pending, Do&& act);
  streams::StreamKey any_key();
  streams::StreamRef any_stream();
  streams::ShardIndex any_shard(const streams::Stream& stream);

  Machine& machine_;
  Model& model_;
  base::ManualClock& clock_;
  base::Random& random_;
  std::vector<Consumer>& consumers_;
  Report& report_;
};

}  // namespace sluice::sim
