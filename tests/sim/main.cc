// The simulation of journal and streams: `sim --seeds 5` runs seeds 0 to 4 and looks at what a
// power cut would leave at every change of the disk. What was wrong is printed with the command
// that does it again.
#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <string_view>

#include "base/log.h"
#include "base/test_seeds.h"
#include "run.h"

namespace {

using sluice::sim::Report;
using sluice::sim::Run;
using sluice::sim::RunOptions;

struct Arguments {
  std::uint64_t first_seed = 0;
  std::uint64_t seeds = sluice::base::test_seeds(3);
  RunOptions run;
};

constexpr std::string_view kHelp =
    "sim: the journal and streams over a disk that fails\n"
    "  --seed N    the first seed (0)      --seeds N   how many (3, or SLUICE_SEEDS)\n"
    "  --steps N   operations a seed (2000)\n"
    "  --every N   looks at one in N cuts (1: at each)\n"
    "  --cut N     looks at this cut alone\n"
    "  --flips N   bits flipped after each life (0)\n";

bool parse(int count, char** values, Arguments& out) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = values[i];
    const std::string_view text = values[i + 1];
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
    if (error != std::errc() || end != text.end()) return false;
    if (name == "--seed")
      out.first_seed = value;
    else if (name == "--seeds")
      out.seeds = value;
    else if (name == "--steps")
      out.run.steps = static_cast<int>(value);
    else if (name == "--every" && value > 0)
      out.run.cut_every = value;
    else if (name == "--cut")
      out.run.only_cut = value;
    else if (name == "--flips")
      out.run.flips = static_cast<int>(value);
    else
      return false;
  }
  return count % 2 == 1;
}

bool run_seed(const RunOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  Report report;
  Run run(options, report);
  run.go();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto& counts = run.counts();
  fmt::print(
      "seed {}: {} calls in {} lives, {} changes of the disk, {} cuts looked at, {} flips ({} "
      "refused at once), {:.1f} s\n",
      options.seed, run.model().calls().size(), counts.lives, counts.changes, counts.cuts,
      counts.flips, counts.flips_refused, took.count());
  if (report.good()) return true;
  for (const auto& problem : report.problems())
    fmt::print("WRONG: {}\n", problem);
  fmt::print("again: sim --seeds 1 --seed {} --steps {} --flips {}", options.seed, options.steps,
             options.flips);
  if (run.cut() != 0) fmt::print(" --cut {}", run.cut());
  fmt::print("\n");
  return false;
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  if (!parse(count, values, arguments)) {
    fmt::print(stderr, "{}", kHelp);
    return 2;
  }
  sluice::base::set_log_level(sluice::base::LogLevel::kOff);
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    arguments.run.seed = arguments.first_seed + i;
    if (!run_seed(arguments.run)) return 1;
  }
  return 0;
}
