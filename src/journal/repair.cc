#include "journal/repair.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "journal/file_store.h"
#include "journal/salvage.h"

namespace sluice::journal {
namespace {

// As a start after a crash skips; and what a lane's next index is raised by where its last ones are
// not known.
constexpr std::uint64_t kStartSkip = std::uint64_t{1} << 20;

base::Failure<JournalError> failed(const base::Failure<base::IoError>& error) {
  return {error.code == base::IoError::kNoSpace ? JournalError::kDiskFull : JournalError::kFailed,
          error.message};
}

// A file with what its neighbours tell of it.
struct Subject {
  Examined found;
  bool newest = false;
  bool follows = false;  // the file before has the number before
  bool hopeless = false;
  Rewrite how;
  std::uint64_t frames_lost = 0;
  std::vector<LostRange> lost;
  bool may_lack_more = false;

  bool damaged() const { return !found.flaws.empty(); }
  void flaw(std::uint64_t offset, std::string what) {
    found.flaws.push_back({offset, std::move(what)});
  }
  // Frames there were.
  std::uint64_t numbers() const { return how.last_lsn + 1 - how.first_lsn; }
};

using Table = std::map<std::uint32_t, format::LaneEntry>;

class Repair {
 public:
  explicit Repair(const RepairOptions& options)
      : options_(options), store_(*options.env, options.folder, {}) {}

  JournalResult<RepairReport> run() {
    if (const auto there = options_.env->stat(options_.folder); !there)
      return base::fail(JournalError::kFailed,
                        fmt::format("{}: there is no journal", options_.folder));
    if (auto ok = store_.lock(); !ok) {
      if (ok.error().code != base::IoError::kLocked) return std::unexpected(failed(ok.error()));
      return base::fail(
          JournalError::kFailed,
          fmt::format("{}: another process uses the journal; stop it first", options_.folder));
    }
    if (auto ok = examine_all(); !ok) return std::unexpected(failed(ok.error()));
    check_joints();
    for (std::size_t i = 0; i < subjects_.size(); ++i)
      weigh(i);
    for (const auto& subject : subjects_)
      report(subject);
    report_.frames_missing = std::max(options_.frames_known, report_.frames) - report_.frames;
    report_.numbers_unknown = report_.numbers_unknown || report_.frames_missing > 0;
    report_.applied = options_.apply && !report_.hopeless() &&
                      (options_.accept_loss || !report_.loses()) &&
                      (!report_.damaged.empty() || report_.frames_missing > 0);
    if (!report_.applied) return std::move(report_);
    auto damaged = report_.damaged.begin();
    for (const auto& subject : subjects_) {
      if (!subject.damaged()) continue;
      auto kept = mend(subject);
      if (!kept) return std::unexpected(failed(kept.error()));
      damaged->kept_as = std::move(*kept);
      ++damaged;
    }
    return std::move(report_);
  }

 private:
  base::IoStatus examine_all() {
    const auto numbers = store_.numbers();
    if (!numbers) return std::unexpected(numbers.error());
    for (const auto number : *numbers) {
      auto file = store_.open_file(number);
      if (!file) return std::unexpected(file.error());
      ++report_.files;
      report_.bytes += (*file)->bytes;
      const bool newest = number == numbers->back();
      auto found = examine(std::move(*file), newest, options_.frames_known);
      if (!found) return std::unexpected(found.error());
      const bool follows = !subjects_.empty() && subjects_.back().found.file->number + 1 == number;
      const bool unused = newest && found->frames.empty() && found->flaws.empty();
      if (unused) continue;  // a start removes it
      Subject subject;
      subject.found = std::move(*found);
      subject.newest = newest;
      subject.follows = follows;
      subjects_.push_back(std::move(subject));
    }
    // A file that was about to be opened is not counted: the one before is the newest.
    if (!subjects_.empty()) subjects_.back().newest = true;
    return {};
  }

  // Frame numbers run on from file to file.
  void check_joints() {
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      Subject& subject = subjects_[i];
      auto& how = subject.how;
      const auto& found = subject.found;
      const Subject* after =
          i + 1 < subjects_.size() && subjects_[i + 1].follows ? &subjects_[i + 1] : nullptr;
      const std::uint64_t before = i > 0 ? subjects_[i - 1].how.last_lsn : 0;
      how.first_lsn = found.first_lsn;
      if (how.first_lsn == 0 && !subject.follows && !found.frames.empty())
        how.first_lsn = found.frames.front().lsn - 1;
      if (how.first_lsn == 0) how.first_lsn = before + 1;  // at least
      how.last_lsn = std::max(found.last_lsn, how.first_lsn - 1);
      if (after != nullptr && after->found.first_lsn > how.last_lsn + 1) {
        subject.flaw(found.file->bytes,
                     fmt::format("it ends with frame {}, but the next file begins with {}",
                                 how.last_lsn, after->found.first_lsn));
        how.last_lsn = after->found.first_lsn - 1;
      }
      if (i == 0 || found.frames.empty() || how.first_lsn > before) continue;
      subject.hopeless = true;
      subject.flaw(
          0, fmt::format("its first frame is {}, but the file before ends with {}: one of the "
                         "two is not of this journal",
                         how.first_lsn, before));
    }
  }

  // What is lost of a file, and how it is to be made again. `ends_`: of all lanes before it.
  void weigh(std::size_t i) {
    Subject& subject = subjects_[i];
    Examined& found = subject.found;
    if (!subject.follows && found.opening) note_absent(*found.opening);
    if (subject.damaged()) weigh_damage(i);
    Table table;
    for (const auto& lane : found.opening ? found.opening->table : subject.how.table)
      table[lane.lane] = lane;
    for (const auto& [lane, entry] : table) {
      auto& end = ends_[lane];
      end.lane = lane;
      end.end = std::max(end.end, entry.end);
      end.next = std::max(end.next, entry.next);
      end.last_arrival_ms = std::max(end.last_arrival_ms, entry.last_arrival_ms);
    }
    for (const auto* ranges : {&found.good, &found.written}) {
      for (const auto& [lane, range] : *ranges) {
        auto& end = ends_[lane];
        end.lane = lane;
        end.end = std::max(end.end, range.end());
        end.next = std::max(end.next, end.end);
        end.last_arrival_ms = std::max(end.last_arrival_ms, found.last_arrival_ms[lane]);
      }
    }
  }

  void note_absent(const Opening& opening) {
    for (const auto& entry : opening.table) {
      const std::uint64_t from = ends_.contains(entry.lane) ? ends_[entry.lane].end : 1;
      if (entry.end <= from) continue;
      report_.absent.push_back({.lane = LaneId(entry.lane),
                                .first = Index(from),
                                .end = Index(entry.end),
                                .last_arrival_ms = entry.last_arrival_ms});
    }
  }

  void weigh_damage(std::size_t i) {
    Subject& subject = subjects_[i];
    Examined& found = subject.found;
    const auto whole = std::ranges::count_if(found.frames, &FoundFrame::whole);
    const std::uint64_t lost_opening = found.opening ? 0 : 1;
    if (subject.hopeless) return;
    subject.frames_lost = subject.numbers() - static_cast<std::uint64_t>(whole);
    const bool lost_records = subject.frames_lost > lost_opening;
    const Opening* next = nullptr;
    if (i + 1 < subjects_.size() && subjects_[i + 1].follows && subjects_[i + 1].found.opening)
      next = &*subjects_[i + 1].found.opening;
    // Nothing in it is readable, and nothing behind it tells whether there was anything.
    if (found.frames.empty() && !found.trailer && next == nullptr) subject.may_lack_more = true;
    if (lost_records && !found.is_full) {
      if (next != nullptr) expect_up_to(*next, found);
      if (next == nullptr && has_lost_frame(subject)) subject.may_lack_more = true;
    }
    for (const auto& [lane, ranges] : found.written) {
      const IndexRanges lost = ranges.minus(found.good[lane]);
      for (const auto& [first, end] : lost.all())
        subject.lost.push_back({.lane = LaneId(lane),
                                .first = Index(first),
                                .end = Index(end),
                                .last_arrival_ms = found.last_arrival_ms[lane]});
    }
    make_table(subject);
  }

  // A frame without a good header: the directory is lost with it.
  static bool has_lost_frame(const Subject& subject) {
    const std::uint64_t lost_opening = subject.found.opening ? 0 : 1;
    return subject.numbers() > subject.found.frames.size() + lost_opening;
  }

  // The next file's opening frame says where each lane ended; this one's, where it began.
  void expect_up_to(const Opening& next, Examined& found) {
    Table begin = ends_;
    if (found.opening) {
      begin.clear();
      for (const auto& entry : found.opening->table)
        begin[entry.lane] = entry;
    }
    for (const auto& entry : next.table) {
      const auto at = begin.find(entry.lane);
      const bool known = at != begin.end();
      if (known && entry.end <= at->second.end) continue;  // none of its records were here
      // Without an opening frame the skip of a start is not known: not more than all since before.
      std::uint64_t from = known ? (found.opening ? at->second.next : at->second.end) : 1;
      if (const auto good = found.good.find(entry.lane); !found.opening && good != found.good.end())
        from = std::max(from, good->second.all().front().first);
      found.written[entry.lane].add(from, entry.end);
      found.last_arrival_ms[entry.lane] = entry.last_arrival_ms;
    }
  }

  // The opening frame's table: as it is, or from what the files before tell.
  void make_table(Subject& subject) {
    const Examined& found = subject.found;
    Table table;
    if (found.opening) {
      for (const auto& entry : found.opening->table)
        table[entry.lane] = entry;
    } else {
      table = ends_;
      for (auto& [lane, entry] : table)
        entry.next += kStartSkip;
    }
    for (const auto& [lane, entry] : table)
      subject.how.table.push_back(entry);
    subject.how.now_ms = options_.clock->now_ms();
    subject.how.salt = found.salt;
  }

  void report(const Subject& subject) {
    const auto& found = subject.found;
    if (!found.frames.empty()) report_.frames = subject.how.last_lsn;
    if (!subject.damaged()) return;
    if (subject.newest && (subject.may_lack_more || !found.opening)) report_.numbers_unknown = true;
    report_.damaged.push_back({.number = found.file->number,
                               .path = found.file->path,
                               .flaws = found.flaws,
                               .frames_good = static_cast<std::uint64_t>(
                                   std::ranges::count_if(found.frames, &FoundFrame::whole)),
                               .frames_lost = subject.frames_lost,
                               .records_good = found.records,
                               .lost = subject.lost,
                               .may_lack_more = subject.may_lack_more,
                               .hopeless = subject.hopeless,
                               .kept_as = {}});
  }

  // Where the damaged file is now.
  base::IoResult<std::string> mend(const Subject& subject) {
    const DataFile& file = *subject.found.file;
    if (subject.found.frames.empty()) {  // a file that is not there is no fault: a gap in numbers
      auto kept = store_.keep_aside(file);
      if (!kept) return kept;
      if (auto ok = store_.discard(subject.found.file); !ok) return std::unexpected(ok.error());
      return kept;
    }
    auto made = store_.make_rewrite(file.number);
    if (!made) return std::unexpected(made.error());
    if (auto ok = write_repaired(subject.found, subject.how, **made); !ok)
      return std::unexpected(ok.error());
    auto kept = store_.keep_aside(file);
    if (!kept) return kept;
    if (auto ok = store_.put_in_place(**made); !ok) return std::unexpected(ok.error());
    return kept;
  }

  const RepairOptions& options_;
  FileStore store_;
  std::vector<Subject> subjects_;
  Table ends_;  // of the lanes, before the file that is looked at
  RepairReport report_;
};

}  // namespace

bool RepairReport::loses() const {
  return frames_missing > 0 || std::ranges::any_of(damaged, &DamagedFile::loses);
}

bool RepairReport::hopeless() const {
  return std::ranges::any_of(damaged, &DamagedFile::hopeless);
}

JournalResult<RepairReport> repair(const RepairOptions& options) {
  return Repair(options).run();
}

}  // namespace sluice::journal
