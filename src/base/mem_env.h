// A disk in memory for tests. It knows what was synced and what was not: after_power_cut() gives
// the disk as a machine may find it when it comes up again. Copies are cheap (pages are shared
// until written). Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/random.h"

namespace sluice::base {

class MemEnv final : public Env {
 public:
  static constexpr std::size_t kPageBytes = 4096;
  // Written whole or not at all, whatever happens; writes are torn at its multiples.
  static constexpr std::size_t kSectorBytes = 512;

  MemEnv();
  ~MemEnv() override;

  // The same disk once more: later changes of one are not seen by the other. Open files and locks
  // stay with the original.
  std::unique_ptr<MemEnv> copy() const;
  // The disk after the power failed now. Of each file every sector written since its last sync is
  // there or is as it was at that sync, each for itself; so is the size. Of the names made, renamed
  // or removed since their folder's last sync any subset is there; a rename is atomic.
  std::unique_ptr<MemEnv> after_power_cut(Random& random) const;
  // What a failed sync leaves: what was written to the file since its last sync can be read, but
  // gets to the device only if it is written again.
  void forget_unsynced(const std::string& path);
  // Flips one bit of what is on the disk.
  IoStatus flip_bit(const std::string& path, std::uint64_t offset, int bit);

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
  struct Node;   // what a name stands for: a file's bytes, or a folder
  struct Locks;  // paths that are locked
  class OpenFile;
  class HeldLock;
  using NodeRef = std::shared_ptr<Node>;  // shared: several names, and files that are open
  using Names = std::map<std::string, NodeRef>;
  // One change of names, done as a whole; a null node takes the name away.
  struct Change {
    std::vector<std::pair<std::string, NodeRef>> names;
  };

  NodeRef find(const std::string& path) const;
  bool has_children(const std::string& path) const;
  IoStatus check_parent(const std::string& path) const;
  void change_names(Change change);
  static void apply(Names& names, const Change& change);

  mutable std::mutex mutex_;
  Names names_;                   // as programs see them
  Names synced_names_;            // as they are on the device for sure
  std::vector<Change> changes_;   // between the two, oldest first
  std::shared_ptr<Locks> locks_;  // shared with the locks that are held
};

}  // namespace sluice::base
