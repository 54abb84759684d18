// sluice feed: the emulator of user posts on the command line.
#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/backend.h"
#include "cli/feed_sender.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "feed/feeder.h"
#include "feed/sample_source.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kShowEveryMs = 200;

Outcome<std::vector<feed::TableStream>> parse_map(const std::vector<std::string>& map) {
  std::vector<feed::TableStream> parsed;
  for (const auto& item : map) {
    const auto equals = item.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == item.size())
      return std::unexpected(fmt::format("--map {}: expected TABLE=STREAM", item));
    parsed.push_back({item.substr(0, equals), item.substr(equals + 1)});
  }
  if (parsed.empty())
    return std::unexpected(std::string("--map TABLE=STREAM is needed at least once"));
  return parsed;
}

std::string totals_text(const feed::FeedTotals& totals, double seconds) {
  const auto posts = totals.posts.load();
  return fmt::format(
      "{}, {:.0f} a second, {} accepted, {} refused, {} sent again", counted(posts, "post"),
      seconds > 0 ? static_cast<double>(posts) / seconds : 0.0, with_commas(totals.accepted),
      with_commas(totals.refused), with_commas(totals.retries));
}

void print_totals(const FeedArguments& arguments, const feed::FeedTotals& totals, double seconds) {
  if (arguments.where.json) {
    fmt::print(
        "{{\"rows\":{},\"posts\":{},\"accepted\":{},\"refused\":{},\"retries\":{},\"seconds\":{:."
        "3f}}}\n",
        totals.rows.load(), totals.posts.load(), totals.accepted.load(), totals.refused.load(),
        totals.retries.load(), seconds);
  } else {
    fmt::print("{}\n", totals_text(totals, seconds));
  }
}

int make_source(const FeedArguments& arguments) {
  if (auto made = feed::make_sample_source(arguments.make_source, arguments.seed); !made)
    return complain(made.error().message);
  fmt::print("made {}: three tables of {} rows\n", arguments.make_source,
             with_commas(feed::kSampleRows));
  return 0;
}

}  // namespace

int run(const FeedArguments& arguments) {
  if (!arguments.make_source.empty()) return make_source(arguments);
  if (arguments.source.empty() || arguments.url.empty())
    return complain("--source and --url are needed; see sluice feed --help");
  auto map = parse_map(arguments.map);
  if (!map) return complain(map.error());
  auto rows = feed::open_rows(arguments.source);
  if (!rows) return complain(rows.error().message);

  feed::FeedOptions options;
  options.url = arguments.url;
  while (options.url.ends_with('/'))
    options.url.pop_back();
  options.map = std::move(*map);
  options.rate = arguments.rate;
  options.seed = arguments.seed;
  options.rows = arguments.rows;
  options.repeat_share = arguments.repeat;
  options.pace = arguments.pace == "human" ? feed::Pace::kHuman : feed::Pace::kFull;
  options.connections = options.pace == feed::Pace::kHuman ? 1 : arguments.connections;

  feed::Feeder feeder(options, **rows, make_http_sender);
  const Interrupt interrupt;
  const std::int64_t begin = base::system_clock().monotonic_ns();
  const auto seconds = [&] {
    return static_cast<double>(base::system_clock().monotonic_ns() - begin) / 1e9;
  };
  // The watcher shows the totals and hands Ctrl-C on, while run() feeds on this thread.
  std::jthread watcher([&](const std::stop_token& done) {
    Progress progress;
    bool trouble_told = false;
    while (!done.stop_requested()) {
      if (!interrupt.wait_ms(kShowEveryMs)) {
        feeder.stop();
        return;
      }
      if (const std::string trouble = feeder.first_trouble(); !trouble.empty() && !trouble_told) {
        progress.done("first trouble: " + trouble);
        trouble_told = true;
      }
      if (!arguments.verbose) progress.update(totals_text(feeder.totals(), seconds()));
    }
  });
  const auto ran = feeder.run([&](const feed::Post& post, const feed::Reply& reply) {
    if (arguments.verbose)
      fmt::print("{} row {}: {} {}\n", options.map[post.table].stream, post.row, reply.status,
                 reply.body);
  });
  watcher.request_stop();
  watcher.join();
  if (!ran) return complain(ran.error().message);
  print_totals(arguments, feeder.totals(), seconds());
  if (feeder.totals().refused > 0)
    return complain("some posts were refused; the first trouble: " + feeder.first_trouble());
  return 0;
}

}  // namespace sluice::cli
