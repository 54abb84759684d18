#include "machine.h"

namespace sluice::sim {

MachineOptions random_options(base::Random& random) {
  MachineOptions options;
  options.file_bytes = std::uint64_t{16 << 10} << random.below(3);
  options.first_file_bytes = std::uint64_t{16 << 10} << random.below(3);
  options.frame_bytes_max = random.below(2) == 0 ? 2048 : 8 << 20;
  options.open_directory_bytes_max = random.below(2) == 0 ? 2048 : 1 << 20;
  options.spares_max = 1 + random.below(3);
  return options;
}

Machine::Machine(base::MemEnv& disk, base::ManualClock& clock, base::Random& random,
                 const MachineOptions& options)
    : faults_(disk, random),
      sqlite_(faults_, clock),
      clock_(clock),
      random_(random),
      options_(options) {}

Machine::~Machine() {
  faults_.on_change(nullptr);
  faults_.cut_power();
}

bool Machine::start() {
  journal::JournalOptions options;
  options.env = &faults_;
  options.clock = &clock_;
  options.random = &random_;
  options.folder = "/journal";
  options.file_bytes = options_.file_bytes;
  options.first_file_bytes = options_.first_file_bytes;
  options.frame_bytes_max = options_.frame_bytes_max;
  options.open_directory_bytes_max = options_.open_directory_bytes_max;
  options.spares_max = options_.spares_max;
  options.reserve_bytes = 4096;
  options.own_threads = false;
  const auto mark = streams::read_journal_mark("/meta.db");
  if (!mark) {
    why_ = mark.error().message;
    return false;
  }
  options.frames_known = mark->frames;
  options.index_floor = mark->index_floor;
  auto journal = journal::open_journal(options);
  if (!journal) {
    why_ = journal.error().message;
    return false;
  }
  journal_ = std::move(*journal);
  auto engine = streams::Engine::open("/meta.db", *journal_, clock_, random_);
  if (!engine) {
    why_ = engine.error().message;
    return false;
  }
  engine_ = std::move(*engine);
  note_frames();
  return true;
}

// A disk that fails or is full keeps the older note, as in the server.
void Machine::note_frames() {
  (void)engine_->note_frames();
}

void Machine::stop() {
  journal_->close();
  note_frames();
  engine_.reset();
}

void Machine::set_full(bool full) {
  full_ = full;
  faults_.set_full(full);
}

}  // namespace sluice::sim
