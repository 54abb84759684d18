// The journal's folder: numbered files `0000000000000007.sluicelog`, zero-written spares `spare-3`
// made ahead of need, a reserve that is given up when a start finds the disk full. make_spare()
// runs on the upkeep thread, the rest on the journal thread (or at start); thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "journal/lane_index.h"

namespace sluice::journal {

class FileStore {
 public:
  struct Limits {
    std::uint64_t file_bytes = 0;
    std::uint64_t reserve_bytes = 0;
    std::size_t spares_min = 1;
    std::size_t spares_max = 4;
  };
  FileStore(base::Env& env, std::string folder, Limits limits);

  // Makes and locks the folder, removes what a crash left half made, finds the spares. Returns the
  // numbers of the log's files, ascending. kLocked: another process has it.
  base::IoResult<std::vector<std::uint32_t>> open();
  std::string path_of(std::uint32_t number) const;
  base::IoResult<DataFileRef> open_file(std::uint32_t number) const;

  // Until there is a spare. kNoSpace: none can be made now. `wait`: for the upkeep thread;
  // otherwise one is made here.
  base::IoStatus await_spare(bool wait);
  // A spare becomes file `number`; durable. There must be one.
  base::IoResult<DataFileRef> take_spare(std::uint32_t number);
  // A file like a spare under a name that the next open() removes; for rewriting file `number`.
  base::IoResult<DataFileRef> take_spare_for_rewrite(std::uint32_t number);
  // What was rewritten takes the place of file `number`; durable.
  base::IoStatus put_in_place(DataFile& rewritten);
  // A file nobody needs any more becomes a spare, or is removed.
  base::IoStatus retire(DataFileRef file);
  // Gives the reserve up, so that there is space; false if there was none.
  base::IoResult<bool> give_up_reserve();

  // Upkeep. True: something is missing (a spare, the reserve).
  bool has_work() const;
  // Makes one of what is missing. On kNoSpace waiting takers get that answer until a spare is
  // there.
  base::IoStatus make_spare();
  std::size_t spares() const;
  // Wakes takers that wait; they get kOther.
  void stop();

 private:
  base::IoStatus write_zeros(const std::string& path, std::uint64_t bytes);
  base::IoResult<DataFileRef> adopt_spare(const std::string& path, std::uint32_t number);
  std::string next_spare_path();

  base::Env& env_;
  const std::string folder_;
  const Limits limits_;
  std::unique_ptr<base::FileLock> lock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> spares_;  // paths
  std::uint64_t spare_number_ = 0;
  bool has_reserve_ = false;
  bool full_ = false;  // the last spare could not be made
  bool stopped_ = false;
};

}  // namespace sluice::journal
