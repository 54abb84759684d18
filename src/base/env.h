// The door to the disk. Journal, Delta log, plans and state files reach files only through Env, so
// that tests can put a MemEnv (a disk in memory with snapshots) or a FaultEnv (drops, tears and
// reorders what was not synced; fails the n-th operation) in its place. Thread-safe; blocking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::base {

enum class IoError {
  kNotFound,  // no such file or folder; often an answer rather than an error
  kExists,    // an exclusive create or a link found the name taken; often an answer
  kNoSpace,   // the disk (or a quota) is full; reads and removals still work
  kLocked,    // another process holds the lock
  kOther,     // anything else: never retry a write or a sync, stop
};

template <class T>
using IoResult = Result<T, IoError>;
using IoStatus = IoResult<void>;

enum class OpenMode {
  kRead,             // must exist
  kReadWrite,        // must exist
  kCreateExclusive,  // must not exist (kExists); read and write
};

class File {
 public:
  virtual ~File() = default;
  // Reads up to `out.size()` bytes at `offset`; fewer only at the end of the file.
  virtual IoResult<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const = 0;
  // Writes all bytes of all parts, one after another, from `offset` on.
  virtual IoStatus write_at(std::uint64_t offset, std::span<const std::string_view> parts) = 0;
  // Data (and the size, where it changed) on the device. After an error nothing may be assumed
  // about what is on disk.
  virtual IoStatus sync() = 0;
  virtual IoResult<std::uint64_t> size() const = 0;
  virtual IoStatus truncate(std::uint64_t size) = 0;

  IoStatus write_at(std::uint64_t offset, std::string_view data) {
    return write_at(offset, std::span<const std::string_view>(&data, 1));
  }
};

// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ms = 0;
  bool is_directory = false;
};

class Env {
 public:
  virtual ~Env() = default;
  virtual IoResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Replaces `to` if it exists. Durable once the folder is synced.
  virtual IoStatus rename(const std::string& from, const std::string& to) = 0;
  // Gives the file a second name; kExists if it is taken. This is put-if-absent.
  virtual IoStatus link(const std::string& from, const std::string& to) = 0;
  virtual IoStatus remove(const std::string& path) = 0;
  // Removes a folder and all below it; an absent folder is no error.
  virtual IoStatus remove_all(const std::string& path) = 0;
  // Makes the folder and its parents; existing ones are no error.
  virtual IoStatus make_dirs(const std::string& path) = 0;
  // Names (not paths) in the folder, sorted.
  virtual IoResult<std::vector<std::string>> list(const std::string& path) = 0;
  virtual IoResult<FileInfo> stat(const std::string& path) = 0;
  // Names made, renamed or removed in this folder are on the device.
  virtual IoStatus sync_dir(const std::string& path) = 0;
  // An advisory lock between processes; kLocked if another holds it.
  virtual IoResult<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// The machine's disk.
Env& posix_env();

// The whole file as text; kOther when it is larger than `bytes_max`.
IoResult<std::string> read_file(Env& env, const std::string& path,
                                std::uint64_t bytes_max = std::uint64_t{1} << 30);
// Syncs an existing file that something else wrote (DuckDB's Parquet writer does not sync).
IoStatus sync_file(Env& env, const std::string& path);
// Writes beside, syncs, renames over `path`, syncs the folder: readers see the old text or the new
// one.
IoStatus replace_file(Env& env, const std::string& path, std::string_view data);
// Writes beside, syncs, links to `path`, syncs the folder. kExists if `path` is there already: then
// nothing changed.
IoStatus put_if_absent(Env& env, const std::string& path, std::string_view data);

std::string join_path(std::string_view folder, std::string_view name);
std::string parent_path(std::string_view path);

}  // namespace sluice::base
