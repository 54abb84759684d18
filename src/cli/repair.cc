// sluice repair: looks at the whole journal of a data folder, tells what is damaged and what would
// be lost, and repairs it. No server may run on the folder.
#include "journal/repair.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "base/env.h"
#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/backend.h"
#include "cli/lake_view.h"
#include "cli/text_table.h"
#include "streams/journal_mark.h"
#include "streams/lane_names.h"

namespace sluice::cli {
namespace {

using LaneNames = std::map<journal::LaneId, streams::LaneName>;
using journal::DamagedFile;
using journal::LostRange;
using journal::RepairReport;

constexpr std::int64_t kHourMs = 3'600'000;

std::string name_of(const LaneNames& names, journal::LaneId lane) {
  const auto at = names.find(lane);
  if (at == names.end()) return fmt::format("lane {} (of no stream there is)", lane());
  return fmt::format("{} {}", at->second.stream.name, at->second.shard);
}

std::int64_t count_of(const LostRange& range) {
  return static_cast<std::int64_t>(range.end() - range.first());
}

// What is not there for another reason than that it has expired.
void forget_expired(std::vector<LostRange>& absent, const LaneNames& names, std::int64_t now_ms) {
  std::erase_if(absent, [&](const LostRange& range) {
    const auto at = names.find(range.lane);
    return at == names.end() ||
           range.last_arrival_ms <= now_ms - at->second.retention_hours * kHourMs;
  });
}

std::string text_of(const LostRange& range, const LaneNames& names) {
  return fmt::format("{}: indexes {} to {}, the newest of {}", name_of(names, range.lane),
                     range.first(), range.end() - 1, utc_text(range.last_arrival_ms));
}

void print_file(const DamagedFile& file, const LaneNames& names) {
  fmt::print("{}\n", file.path);
  for (const auto& flaw : file.flaws)
    fmt::print("  at {}: {}\n", flaw.offset, flaw.what);
  fmt::print("  good: {}, {}\n", counted(static_cast<std::int64_t>(file.frames_good), "frame"),
             counted(static_cast<std::int64_t>(file.records_good), "record"));
  for (const auto& range : file.lost)
    fmt::print("  lost: {}\n", text_of(range, names));
  if (file.may_lack_more)
    fmt::print("  lost: what else was in the damaged frames; nothing tells what that was\n");
  if (!file.loses() && !file.hopeless) fmt::print("  lost: nothing\n");
  if (!file.kept_as.empty()) fmt::print("  repaired; as it was: {}\n", file.kept_as);
}

void print_report(const RepairReport& report, const LaneNames& names) {
  for (const auto& file : report.damaged)
    print_file(file, names);
  for (const auto& range : report.absent)
    fmt::print("not there, with the file they were in: {}\n", text_of(range, names));
  if (report.frames_missing > 0)
    fmt::print(
        "the log ends with frame {}, but {} more were written: its newest files are missing, "
        "or this is an old copy\n",
        report.frames, report.frames_missing);
  fmt::print("{}, {}: ", counted(static_cast<std::int64_t>(report.files), "file"),
             human_bytes(static_cast<std::int64_t>(report.bytes)));
  const bool sound = report.damaged.empty() && report.frames_missing == 0;
  if (sound && report.absent.empty()) {
    fmt::print("sound\n");
  } else if (sound) {
    fmt::print("records are missing that repair cannot bring back; reads go on behind them\n");
  } else if (report.applied) {
    fmt::print("repaired\n");
  } else if (report.hopeless()) {
    fmt::print("not repaired: move the file that is not this journal's away, then try again\n");
  } else if (report.loses()) {
    fmt::print("damaged; `sluice repair --accept-loss` repairs it and gives up what is lost\n");
  } else {
    fmt::print("damaged; `sluice repair --apply` repairs it\n");
  }
}

void write_ranges(base::JsonWriter& json, const std::vector<LostRange>& ranges,
                  const LaneNames& names) {
  json.begin_array();
  for (const auto& range : ranges) {
    json.begin_object().field("lane", range.lane());
    if (const auto at = names.find(range.lane); at != names.end())
      json.field("streamARN", std::string_view(at->second.stream.arn()))
          .field("shard", std::string_view(at->second.shard));
    json.field("first", range.first()).field("count", count_of(range));
    json.field("newestMs", range.last_arrival_ms).end_object();
  }
  json.end_array();
}

void write_file(base::JsonWriter& json, const DamagedFile& file, const LaneNames& names) {
  json.begin_object().field("path", std::string_view(file.path)).key("flaws").begin_array();
  for (const auto& flaw : file.flaws)
    json.begin_object()
        .field("offset", flaw.offset)
        .field("what", std::string_view(flaw.what))
        .end_object();
  json.end_array();
  json.field("framesGood", file.frames_good).field("framesLost", file.frames_lost);
  json.field("recordsGood", file.records_good).key("lost");
  write_ranges(json, file.lost, names);
  json.field("mayLackMore", file.may_lack_more);
  if (!file.kept_as.empty()) json.field("keptAs", std::string_view(file.kept_as));
  json.end_object();
}

std::string to_json(const RepairReport& report, const LaneNames& names) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().field("files", report.files).field("bytes", report.bytes);
  json.key("damaged").begin_array();
  for (const auto& file : report.damaged)
    write_file(json, file, names);
  json.end_array().key("absent");
  write_ranges(json, report.absent, names);
  json.field("frames", report.frames).field("framesMissing", report.frames_missing);
  json.field("loses", report.loses()).field("applied", report.applied).end_object();
  return text;
}

// What meta.db knows of the journal.
struct Known {
  LaneNames names;
  streams::JournalMark mark;
};

streams::StreamResult<Known> read_meta(const std::string& path) {
  Known known;
  if (!base::posix_env().stat(path)) return known;
  auto names = streams::read_lane_names(path);
  if (!names) return std::unexpected(names.error());
  auto mark = streams::read_journal_mark(path);
  if (!mark) return std::unexpected(mark.error());
  return Known{std::move(*names), *mark};
}

}  // namespace

int run(const RepairArguments& arguments) {
  const std::string& data = arguments.where.data;
  const std::string meta = base::join_path(data, "meta.db");
  const auto read = read_meta(meta);
  if (!read) {  // the journal can be looked at all the same
    (void)complain(read.error().message +
                   ". Put back a copy of meta.db: without it no record has a stream");
    if (arguments.apply || arguments.accept_loss) return 1;
  }
  const auto& [names, mark] = read ? *read : Known();
  journal::RepairOptions options;
  options.env = &base::posix_env();
  options.clock = &base::system_clock();
  options.folder = base::join_path(data, "journal");
  options.frames_known = mark.frames;
  auto report = journal::repair(options);
  if (!report) return complain(report.error().message);
  // First, so that a crash after the repair leaves no number to be given again.
  if (arguments.accept_loss && report->numbers_unknown && !report->hopeless()) {
    if (auto ok = streams::give_up_numbers(meta, report->frames); !ok)
      return complain(ok.error().message);
  }
  options.apply = arguments.apply || arguments.accept_loss;
  options.accept_loss = arguments.accept_loss;
  if (options.apply) report = journal::repair(options);
  if (!report) return complain(report.error().message);
  forget_expired(report->absent, names, options.clock->now_ms());
  if (arguments.where.json) {
    fmt::print("{}\n", to_json(*report, names));
  } else {
    print_report(*report, names);
  }
  const bool sound = report->damaged.empty() && report->frames_missing == 0;
  const bool well = read && report->absent.empty() && (sound || report->applied);
  return well ? 0 : 1;
}

}  // namespace sluice::cli
