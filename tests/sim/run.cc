#include "run.h"

#include <fmt/core.h>

namespace sluice::sim {
namespace {

constexpr std::int64_t kStartMs = 1'763'900'000'000;

}  // namespace

Run::Run(const RunOptions& options, Report& report)
    : options_(options),
      report_(report),
      random_(options.seed),
      clock_(kStartMs),
      machine_options_(random_options(random_)),
      model_(kStartMs),
      disk_(std::make_unique<base::MemEnv>()) {}

void Run::go() {
  boot();
  for (int step = 0; step < options_.steps && report_.good(); ++step) {
    if (is_over()) {
      end_life(random_.below(2) == 0 ? End::kKill : End::kPowerCut);
    } else if (random_.below(80) == 0) {
      end_life(static_cast<End>(random_.below(3)));
    } else {
      fill_disk_sometimes();
      Workload(*machine_, model_, clock_, random_, consumers_, report_).step();
      if (machine_->journal_failed() && !machine_->disk_failed())
        report_.wrong("the journal stopped on a good disk");
    }
  }
  if (report_.good()) end_life(End::kStop);
}

// After a failed write or sync the process may go on for a while, with puts refused or, where it
// met SQLite, as before; but not when the change of a stream that it met has no answer.
bool Run::is_over() {
  if (!machine_->disk_failed()) return false;
  return machine_->faults().is_down() || model_.is_changing() || random_.below(10) == 0;
}

// A disk is full for a while, also when a life begins.
void Run::fill_disk_sometimes() {
  if (random_.below(full_ ? 15 : 150) != 0) return;
  full_ = !full_;
  machine_->set_full(full_);
}

void Run::plan_faults() {
  using Change = base::FaultEnv::Change;
  const std::uint64_t kind = random_.below(8);
  auto& faults = machine_->faults();
  if (kind < 4) faults.cut_power_at(1 + random_.below(400));
  if (kind < 6 && kind >= 4)
    faults.fail_change(Change::kSync, 1 + random_.below(100), base::IoError::kOther);
  if (kind == 6) faults.fail_change(Change::kAny, 1 + random_.below(200), base::IoError::kOther);
}

void Run::boot() {
  while (report_.good()) {
    ++counts_.lives;
    machine_ = std::make_unique<Machine>(*disk_, clock_, random_, machine_options_);
    machine_->faults().on_change([this] { look_at_cut(); });
    // SQLite does not live through this: if the sync of its log failed, the process died, and the
    // power fails while the next start copies the log, the file is damaged (and refused).
    machine_->faults().on_failed_sync([this](const std::string& path) {
      if (path.starts_with("/journal/")) disk_->forget_unsynced(path);
    });
    machine_->set_full(full_);
    plan_faults();
    if (machine_->start() && !machine_->disk_failed()) break;
    if (!machine_->disk_failed() && !full_) {
      report_.wrong("the start is refused: {}", machine_->why());
      return;
    }
    if (!machine_->disk_failed()) full_ = false;
    auto next = random_.below(2) == 0 ? disk_->copy() : disk_->after_power_cut(random_);
    machine_.reset();
    disk_ = std::move(next);
  }
  if (!report_.good()) return;
  model_.settle(model_.look(machine_->engine(), random_, report_), report_);
  Workload workload(*machine_, model_, clock_, random_, consumers_, report_);
  if (report_.good() && random_.below(2) == 0) workload.retry_calls();
}

void Run::end_life(End end) {
  if (end == End::kStop) machine_->stop();
  const bool failed = machine_->disk_failed();
  flips_in_meta_ = !failed && !full_;
  auto next = end == End::kPowerCut ? disk_->after_power_cut(random_) : disk_->copy();
  machine_.reset();
  disk_ = std::move(next);
  flip_bits(end == End::kStop && !failed);
  boot();
}

void Run::look_at_cut() {
  ++counts_.changes;
  if (options_.only_cut != 0 ? counts_.changes != options_.only_cut
                             : counts_.changes % options_.cut_every != 0)
    return;
  if (!report_.good()) return;
  ++counts_.cuts;
  cut_ = counts_.changes;
  base::SeededRandom random(options_.seed ^ (counts_.changes << 32));
  // Either the power fails, or the process alone dies: then the next one builds upon what was not
  // synced, until the power fails.
  const bool runs_on = random.below(3) == 0;
  auto disk = runs_on ? disk_->copy() : disk_->after_power_cut(random);
  base::ManualClock clock(clock_.now_ms());
  if (runs_on || random.below(3) == 0) {  // once more, while it recovers
    auto machine = std::make_unique<Machine>(*disk, clock, random, machine_options_);
    machine->faults().cut_power_at(1 + random.below(20));
    if (!machine->start() && !machine->disk_failed())
      report_.wrong("the start is refused: {}", machine->why());
    const bool again = !runs_on && random.below(2) == 0;
    auto next = again ? disk->copy() : disk->after_power_cut(random);
    machine.reset();
    disk = std::move(next);
  }
  go_on(std::move(disk), clock, random);
  if (report_.good()) cut_ = 0;
}

// What is left is looked at; sometimes life goes on there, until the next power cut.
void Run::go_on(std::unique_ptr<base::MemEnv> disk, base::ManualClock& clock,
                base::Random& random) {
  auto machine = std::make_unique<Machine>(*disk, clock, random, machine_options_);
  if (!machine->start()) {
    report_.wrong("the start is refused: {}", machine->why());
    return;
  }
  const Found found = model_.look(machine->engine(), random, report_);
  if (!report_.good() || random.below(8) != 0) return;
  Model model = model_;
  model.settle(found, report_);
  auto consumers = consumers_;
  Workload workload(*machine, model, clock, random, consumers, report_);
  workload.retry_calls();
  for (int i = 0; i < 6 && report_.good(); ++i)
    workload.step();
  auto next = disk->after_power_cut(random);
  machine.reset();
  disk = std::move(next);
  if (!report_.good()) return;
  machine = std::make_unique<Machine>(*disk, clock, random, machine_options_);
  if (!machine->start()) {
    report_.wrong("the second start is refused: {}", machine->why());
    return;
  }
  (void)model.look(machine->engine(), random, report_);
}

// Of what a life left: one bit after another is wrong, each on a copy.
void Run::flip_bits(bool sealed) {
  if (options_.flips == 0) return;
  Model model = model_;
  model.expect_damage();
  if (!sealed) model.forgive_last_frame();
  for (int i = 0; i < options_.flips && report_.good(); ++i) {
    base::SeededRandom random(options_.seed ^ (++counts_.flips << 40));
    flip_one(model, random);
  }
}

void Run::flip_one(const Model& model, base::Random& random) {
  auto disk = disk_->copy();
  const std::string folder = flips_in_meta_ && random.below(3) == 0 ? "/" : "/journal";
  auto names = *disk->list(folder);
  std::erase(names, "journal");
  const std::string path = base::join_path(folder, names[random.below(names.size())]);
  const auto bytes = base::read_file(*disk, path);
  if (!bytes || bytes->empty()) return;
  std::uint64_t offset = random.below(bytes->size());
  // Most of a file may be zeros: half of the flips look for something else.
  for (int i = 0; i < 20 && (*bytes)[offset] == 0 && random.below(40) != 0; ++i)
    offset = random.below(bytes->size());
  const int bit = static_cast<int>(random.below(8));
  if (!disk->flip_bit(path, offset, bit)) return;
  base::ManualClock clock(clock_.now_ms());
  Machine machine(*disk, clock, random, machine_options_);
  const std::string what =
      fmt::format("flip {}: {} byte {} bit {}", counts_.flips, path, offset, bit);
  if (machine.start()) {
    Report report;
    (void)model.look(machine.engine(), random, report);
    for (const auto& problem : report.problems())
      report_.wrong("{}: {}", what, problem);
    return;
  }
  ++counts_.flips_refused;
  if (folder == "/" && machine.why().contains("meta.db")) return;
  if (!machine.why().contains("/journal/") || !machine.why().contains(" at offset "))
    report_.wrong("{}: refused without its place: {}", what, machine.why());
}

}  // namespace sluice::sim
