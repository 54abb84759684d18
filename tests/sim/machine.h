// One life of the engine on a disk in memory: the product's journal and streams, driven by pump()
// on the caller's thread. Made again after each power cut, kill or stop.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fault_env.h"
#include "base/mem_env.h"
#include "env_vfs.h"
#include "journal/journal_engine.h"
#include "streams/engine.h"
#include "streams/journal_mark.h"

namespace sluice::sim {

// What a seed chooses once for all of its lives.
struct MachineOptions {
  std::uint64_t file_bytes = 64 << 10;
  std::uint64_t first_file_bytes = 64 << 10;
  std::uint64_t frame_bytes_max = 8 << 20;
  std::uint64_t open_directory_bytes_max = 1 << 20;
  std::size_t spares_max = 2;
};
MachineOptions random_options(base::Random& random);

class Machine {
 public:
  // Disk, clock and random outlive it.
  Machine(base::MemEnv& disk, base::ManualClock& clock, base::Random& random,
          const MachineOptions& options);
  // Nothing that was not written before is written now: what it was about to do is lost, its
  // callers get no answer that something was done.
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Recovers what is on the disk. False: why() says why; a new machine may try again.
  bool start();
  // Writes and syncs all that is staged, closes and seals.
  void stop();

  // Upkeep: meta.db remembers how long the log is.
  void note_frames();

  base::FaultEnv& faults() { return faults_; }
  streams::Engine& engine() { return *engine_; }
  // Writes and syncs one frame of what is staged; false: nothing was.
  bool pump_frame() { return journal_->pump(); }
  void set_full(bool full);
  bool is_full() const { return full_; }
  // The disk has done something that only a restart gets over.
  bool disk_failed() const { return faults_.is_down() || faults_.failed_changes() > 0; }
  // The journal takes no more: the process would end now.
  bool journal_failed() const { return journal_ != nullptr && !journal_->failed().empty(); }
  const std::string& why() const { return why_; }

 private:
  base::FaultEnv faults_;
  SqliteOnEnv sqlite_;
  base::ManualClock& clock_;
  base::Random& random_;
  const MachineOptions options_;
  std::unique_ptr<journal::JournalEngine> journal_;
  std::unique_ptr<streams::Engine> engine_;
  std::string why_;
  bool full_ = false;
};

}  // namespace sluice::sim
