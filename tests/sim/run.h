// One seed: a workload through many lives of the engine on a disk that fails, and a look at what
// each power cut would leave.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "machine.h"
#include "model.h"
#include "workload.h"

namespace sluice::sim {

struct RunOptions {
  std::uint64_t seed = 0;
  int steps = 2000;
  std::uint64_t cut_every = 1;  // looks at one in so many changes of the disk
  std::uint64_t only_cut = 0;   // looks at this change alone; 0: as cut_every says
  int flips = 0;                // bits flipped, one after another, at the end of each life
};

struct RunCounts {
  std::uint64_t changes = 0;  // of the disk
  std::uint64_t cuts = 0;     // looked at
  std::uint64_t lives = 0;
  std::uint64_t flips = 0;
  std::uint64_t flips_refused = 0;  // by the start; the others changed nothing, or reads name them
};

class Run {
 public:
  Run(const RunOptions& options, Report& report);
  void go();
  const RunCounts& counts() const { return counts_; }
  const Model& model() const { return model_; }
  // The change that was looked at when something was wrong; 0: none.
  std::uint64_t cut() const { return cut_; }

 private:
  enum class End { kStop, kKill, kPowerCut };
  void boot();
  void plan_faults();
  bool is_over();
  void fill_disk_sometimes();
  void end_life(End end);
  void look_at_cut();
  void go_on(std::unique_ptr<base::MemEnv> disk, base::ManualClock& clock, base::Random& random);
  void flip_bits(bool sealed);
  void flip_one(const Model& model, base::Random& random);

  const RunOptions options_;
  Report& report_;
  base::SeededRandom random_;
  base::ManualClock clock_;
  const MachineOptions machine_options_;
  Model model_;
  std::vector<Consumer> consumers_;
  std::unique_ptr<base::MemEnv> disk_;
  std::unique_ptr<Machine> machine_;
  RunCounts counts_;
  std::uint64_t cut_ = 0;
  bool full_ = false;
  // Without room or with a failed sync the last changes may be in SQLite's log alone.
  bool flips_in_meta_ = false;
};

}  // namespace sluice::sim
