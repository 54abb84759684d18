// Puts faults between a program and its disk: the n-th change fails, the disk is full, or the power
// goes off at the n-th change (over a MemEnv, whose after_power_cut() then is what is left).
// Thread-safe; the same seed and the same order of changes give the same faults.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/random.h"

namespace sluice::base {

class FaultEnv final : public Env {
 public:
  enum class Change { kAny, kWrite, kSync, kTruncate, kCreate, kRename, kLink, kRemove, kSyncDir };

  // Both must outlive this.
  FaultEnv(Env& env, Random& random) : env_(env), random_(random) {}

  // How many changes of the kind were asked for so far.
  std::uint64_t changes(Change kind = Change::kAny) const;
  // The n-th change of the kind from now on (1 is the next) fails once and does nothing.
  void fail_change(Change kind, std::uint64_t n, IoError error);
  // Called when a sync failed as planned: what that does to the disk. Set while nothing else uses
  // this.
  void on_failed_sync(std::function<void(const std::string& path)> act) {
    failed_sync_ = std::move(act);
  }
  // At the n-th change from now on the power goes off: that change may or may not have been done,
  // it and everything after it fails.
  void cut_power_at(std::uint64_t n);
  // The power goes off now.
  void cut_power();
  // Called before each change while the power is on, on the thread that asks for the change: what a
  // power cut would leave at this moment can be looked at. Set while nothing else uses this.
  void on_change(std::function<void()> look) { look_ = std::move(look); }
  bool is_down() const;
  // How many changes failed because fail_change() said so.
  std::uint64_t failed_changes() const;
  // While full, files cannot be made or grow (kNoSpace).
  void set_full(bool full);

  IoResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  IoStatus rename(const std::string& from, const std::string& to) override;
  IoStatus link(const std::string& from, const std::string& to) override;
  IoStatus remove(const std::string& path) override;
  IoStatus remove_all(const std::string& path) override;
  IoStatus make_dirs(const std::string& path) override;
  IoResult<std::vector<std::string>> list(const std::string& path) override;
  IoResult<FileInfo> stat(const std::string& path) override;
  IoStatus sync_dir(const std::string& path) override;
  IoResult<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  class OpenFile;
  struct Planned {
    Change kind;
    std::uint64_t at;  // of changes(kind)
    IoError error;
  };

  // Counts the change and decides what happens to it: an error (`done` says whether to do it
  // nevertheless), or nothing.
  struct Verdict {
    std::optional<Failure<IoError>> error;
    bool done = true;
  };
  Verdict judge(Change kind, const std::string& path);
  template <class Do>
  auto change(Change kind, const std::string& path, Do&& act) -> decltype(act());
  std::optional<Failure<IoError>> down(const std::string& path) const;

  Env& env_;
  Random& random_;
  mutable std::mutex mutex_;
  std::uint64_t counts_[9] = {};  // by Change
  std::vector<Planned> planned_;
  std::function<void()> look_;
  std::function<void(const std::string&)> failed_sync_;
  std::optional<std::uint64_t> cut_at_;
  std::uint64_t failed_ = 0;
  bool down_ = false;
  bool full_ = false;
};

}  // namespace sluice::base
