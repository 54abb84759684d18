#include "base/fault_env.h"

#include <fmt/core.h>

namespace sluice::base {

class FaultEnv::OpenFile final : public File {
 public:
  OpenFile(FaultEnv& env, std::unique_ptr<File> file, std::string path)
      : env_(env), file_(std::move(file)), path_(std::move(path)) {}

  IoResult<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
    if (auto error = env_.down(path_)) return std::unexpected(*error);
    return file_->read_at(offset, out);
  }
  IoStatus write_at(std::uint64_t offset, std::span<const std::string_view> parts) override {
    return env_.change(Change::kWrite, path_, [&]() -> IoStatus {
      std::uint64_t end = offset;
      for (const auto part : parts)
        end += part.size();
      if (auto ok = check_room(end); !ok) return ok;
      return file_->write_at(offset, parts);
    });
  }
  IoStatus sync() override {
    auto ok = env_.change(Change::kSync, path_, [&] { return file_->sync(); });
    if (!ok && env_.failed_sync_ && !env_.is_down()) env_.failed_sync_(path_);
    return ok;
  }
  IoResult<std::uint64_t> size() const override {
    if (auto error = env_.down(path_)) return std::unexpected(*error);
    return file_->size();
  }
  IoStatus truncate(std::uint64_t size) override {
    return env_.change(Change::kTruncate, path_, [&] { return file_->truncate(size); });
  }

 private:
  IoStatus check_room(std::uint64_t end) const {
    {
      const std::lock_guard lock(env_.mutex_);
      if (!env_.full_) return {};
    }
    const auto size = file_->size();
    if (!size) return std::unexpected(size.error());
    if (end <= *size) return {};
    return fail(IoError::kNoSpace, fmt::format("write {}: the disk is full", path_));
  }

  FaultEnv& env_;  // outlives its open files
  std::unique_ptr<File> file_;
  std::string path_;
};

FaultEnv::Verdict FaultEnv::judge(Change kind, const std::string& path) {
  const std::lock_guard lock(mutex_);
  const Failure<IoError> off{IoError::kOther, fmt::format("{}: the power is off", path)};
  if (down_) return {.error = off, .done = false};
  const std::uint64_t total = ++counts_[static_cast<int>(Change::kAny)];
  const std::uint64_t of_kind = ++counts_[static_cast<int>(kind)];
  if (cut_at_ && total >= *cut_at_) {
    down_ = true;
    return {.error = off, .done = random_.below(2) == 0};
  }
  for (auto at = planned_.begin(); at != planned_.end(); ++at) {
    if (at->kind != kind && at->kind != Change::kAny) continue;
    if (at->at != (at->kind == Change::kAny ? total : of_kind)) continue;
    Failure<IoError> planned{at->error, fmt::format("{}: a planned fault", path)};
    planned_.erase(at);
    ++failed_;
    return {.error = std::move(planned), .done = false};
  }
  return {};
}

template <class Do>
auto FaultEnv::change(Change kind, const std::string& path, Do&& act) -> decltype(act()) {
  if (look_ && !is_down()) look_();
  Verdict verdict = judge(kind, path);
  if (!verdict.error) return act();
  if (verdict.done) (void)act();  // it happened, but nobody lives to see the answer
  return std::unexpected(std::move(*verdict.error));
}

std::optional<Failure<IoError>> FaultEnv::down(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  if (!down_) return std::nullopt;
  return Failure<IoError>{IoError::kOther, fmt::format("{}: the power is off", path)};
}

std::uint64_t FaultEnv::changes(Change kind) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<int>(kind)];
}

void FaultEnv::fail_change(Change kind, std::uint64_t n, IoError error) {
  const std::lock_guard lock(mutex_);
  planned_.push_back({kind, counts_[static_cast<int>(kind)] + n, error});
}

void FaultEnv::cut_power_at(std::uint64_t n) {
  const std::lock_guard lock(mutex_);
  cut_at_ = counts_[static_cast<int>(Change::kAny)] + n;
}

void FaultEnv::cut_power() {
  const std::lock_guard lock(mutex_);
  down_ = true;
}

bool FaultEnv::is_down() const {
  const std::lock_guard lock(mutex_);
  return down_;
}

std::uint64_t FaultEnv::failed_changes() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void FaultEnv::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

IoResult<std::unique_ptr<File>> FaultEnv::open(const std::string& path, OpenMode mode) {
  const auto wrap = [&]() -> IoResult<std::unique_ptr<File>> {
    auto file = env_.open(path, mode);
    if (!file) return file;
    return std::make_unique<OpenFile>(*this, std::move(*file), path);
  };
  if (mode == OpenMode::kCreateExclusive) {
    return change(Change::kCreate, path, [&]() -> IoResult<std::unique_ptr<File>> {
      {
        const std::lock_guard lock(mutex_);
        if (full_) return fail(IoError::kNoSpace, fmt::format("open {}: the disk is full", path));
      }
      return wrap();
    });
  }
  if (auto error = down(path)) return std::unexpected(*error);
  return wrap();
}

IoStatus FaultEnv::rename(const std::string& from, const std::string& to) {
  return change(Change::kRename, from, [&] { return env_.rename(from, to); });
}

IoStatus FaultEnv::link(const std::string& from, const std::string& to) {
  return change(Change::kLink, to, [&] { return env_.link(from, to); });
}

IoStatus FaultEnv::remove(const std::string& path) {
  return change(Change::kRemove, path, [&] { return env_.remove(path); });
}

IoStatus FaultEnv::remove_all(const std::string& path) {
  return change(Change::kRemove, path, [&] { return env_.remove_all(path); });
}

IoStatus FaultEnv::make_dirs(const std::string& path) {
  return change(Change::kCreate, path, [&] { return env_.make_dirs(path); });
}

IoResult<std::vector<std::string>> FaultEnv::list(const std::string& path) {
  if (auto error = down(path)) return std::unexpected(*error);
  return env_.list(path);
}

IoResult<FileInfo> FaultEnv::stat(const std::string& path) {
  if (auto error = down(path)) return std::unexpected(*error);
  return env_.stat(path);
}

IoStatus FaultEnv::sync_dir(const std::string& path) {
  return change(Change::kSyncDir, path, [&] { return env_.sync_dir(path); });
}

IoResult<std::unique_ptr<FileLock>> FaultEnv::lock(const std::string& path) {
  if (auto error = down(path)) return std::unexpected(*error);
  return env_.lock(path);
}

}  // namespace sluice::base
