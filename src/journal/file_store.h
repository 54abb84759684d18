// The journal's folder: numbered files `0000000000000007.sluicelog`, zero-written spares `spare-3`
// made ahead of need, a reserve that is given up when a start finds the disk full. A new file is as
// large as all before it together, within limits: a small log takes little space. make_spare() runs
// on the upkeep thread, the rest on the journal thread (or at start); thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env.h"
#include "journal/lane_index.h"

namespace sluice::journal {

class FileStore {
 public:
  struct Limits {
    std::uint64_t first_file_bytes = 0;  // the smallest file
    std::uint64_t file_bytes = 0;        // the largest
    std::uint64_t awaited_bytes = 0;     // the largest that is made while somebody waits for it
    std::uint64_t reserve_bytes = 0;
    std::size_t spares_min = 1;
    std::size_t spares_max = 4;
  };
  FileStore(base::Env& env, std::string folder, Limits limits);

  // kLocked: another process has the folder, which must exist.
  base::IoStatus lock();
  // Numbers of the log's files, ascending.
  base::IoResult<std::vector<std::uint32_t>> numbers() const;
  // Makes and locks the folder, removes what a crash left half made, finds the spares. Returns the
  // numbers of the log's files, ascending. kLocked: another process has it.
  base::IoResult<std::vector<std::uint32_t>> open();
  std::string path_of(std::uint32_t number) const;
  base::IoResult<DataFileRef> open_file(std::uint32_t number) const;

  // Until there is a spare of at least `bytes` (no more than the largest file has). kNoSpace: none
  // can be made now. `wait`: for the upkeep thread; otherwise, or if the spares are too small, one
  // is made here.
  base::IoStatus await_spare(std::uint64_t bytes, bool wait);
  // A spare of at least `bytes` becomes file `number`; durable. There must be one.
  base::IoResult<DataFileRef> take_spare(std::uint32_t number, std::uint64_t bytes);
  // An empty file under a name that the next open() removes; for rewriting file `number`.
  base::IoResult<DataFileRef> make_rewrite(std::uint32_t number);
  // The file gets a second name, `<name>.damaged` or the like, which is given; durable.
  base::IoResult<std::string> keep_aside(const DataFile& file);
  // What was rewritten, and synced, takes the place of file `number`; durable.
  base::IoStatus put_in_place(DataFile& rewritten);
  // A file that was never used is gone; durable.
  base::IoStatus discard(DataFileRef file);
  // A file nobody needs any more becomes a spare, or is removed.
  base::IoStatus retire(DataFileRef file);
  // Gives the reserve up, so that there is space; false if there was none.
  base::IoResult<bool> give_up_reserve();

  // Upkeep. True: something is missing (a spare, the reserve).
  bool has_work() const;
  // Makes one of what is missing. On kNoSpace waiting takers get that answer until a spare is
  // there.
  base::IoStatus make_missing();
  std::size_t spares() const;
  // Wakes takers that wait; they get kOther.
  void stop();

 private:
  struct Spare {
    std::string path;
    std::uint64_t bytes = 0;
  };
  base::IoStatus note_spare(const std::string& name, std::uint64_t bytes);
  base::IoStatus make_spare(std::uint64_t bytes);
  base::IoStatus make_zeros(const std::string& path, std::uint64_t bytes);
  base::IoStatus write_zeros(const std::string& path, std::uint64_t bytes);
  bool has_spare(std::uint64_t bytes) const;
  std::uint64_t next_bytes() const;
  std::string next_spare_path();

  base::Env& env_;
  const std::string folder_;
  const Limits limits_;
  std::unique_ptr<base::FileLock> lock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Spare> spares_;
  std::uint64_t spare_number_ = 0;
  std::uint64_t log_bytes_ = 0;  // of all files since the start; never less
  bool has_reserve_ = false;
  bool full_ = false;  // the last spare could not be made
  bool stopped_ = false;
};

}  // namespace sluice::journal
