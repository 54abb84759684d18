#include "env_vfs.h"

#include <sqlite3.h>

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/random.h"

namespace sluice::sim {
namespace {

using base::IoError;

SqliteOnEnv* current = nullptr;

struct State {
  base::Env* env = nullptr;
  std::unique_ptr<base::File> file;
  std::string path;
  bool name_unsynced = false;  // a journal's name, until the first sync
  bool remove_on_close = false;
  std::vector<std::unique_ptr<char[]>>
      shared;  // regions; gone with the connection, as with a crash
};

struct VfsFile {
  sqlite3_file base;
  State* state;  // SQLite owns the memory around it, xClose frees it
};

State& state_of(sqlite3_file* file) {
  return *reinterpret_cast<VfsFile*>(file)->state;
}

int code_of(const base::IoStatus& status, int otherwise) {
  if (status) return SQLITE_OK;
  return status.error().code == IoError::kNoSpace ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* file) {
  const std::unique_ptr<State> state(&state_of(file));
  if (!state->remove_on_close) return SQLITE_OK;
  return code_of(state->env->remove(state->path), SQLITE_IOERR_DELETE);
}

int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
  const std::span<char> out(static_cast<char*>(to), static_cast<std::size_t>(bytes));
  const auto got = state_of(file).file->read_at(static_cast<std::uint64_t>(offset), out);
  if (!got) return SQLITE_IOERR_READ;
  if (*got == out.size()) return SQLITE_OK;
  std::memset(out.data() + *got, 0, out.size() - *got);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  const std::string_view data(static_cast<const char*>(from), static_cast<std::size_t>(bytes));
  return code_of(state_of(file).file->write_at(static_cast<std::uint64_t>(offset), data),
                 SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return code_of(state_of(file).file->truncate(static_cast<std::uint64_t>(size)),
                 SQLITE_IOERR_TRUNCATE);
}

// As SQLite's own for Unix does: the folder follows the first sync of a journal.
int sync_file(sqlite3_file* file, int) {
  State& state = state_of(file);
  if (auto ok = state.file->sync(); !ok) return code_of(ok, SQLITE_IOERR_FSYNC);
  if (!std::exchange(state.name_unsynced, false)) return SQLITE_OK;
  return code_of(state.env->sync_dir(base::parent_path(state.path)), SQLITE_IOERR_DIR_FSYNC);
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  const auto got = state_of(file).file->size();
  if (!got) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*got);
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
  return 4096;
}

// What SQLite believes of every disk under Unix, and what MemEnv does.
int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_shared(sqlite3_file* file, int region, int bytes, int extend, void volatile** to) {
  auto& shared = state_of(file).shared;
  const auto at = static_cast<std::size_t>(region);
  *to = nullptr;
  if (at >= shared.size() && extend == 0) return SQLITE_OK;
  while (at >= shared.size())
    shared.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  *to = shared[at].get();
  return SQLITE_OK;
}

int lock_shared(sqlite3_file*, int, int, int) {
  return SQLITE_OK;
}

void shared_barrier(sqlite3_file*) {}

int unmap_shared(sqlite3_file* file, int) {
  state_of(file).shared.clear();
  return SQLITE_OK;
}

sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 2;  // no memory-mapped pages
  methods.xClose = close_file;
  methods.xRead = read_file;
  methods.xWrite = write_file;
  methods.xTruncate = truncate_file;
  methods.xSync = sync_file;
  methods.xFileSize = size_of_file;
  methods.xLock = lock_file;
  methods.xUnlock = lock_file;
  methods.xCheckReservedLock = check_reserved_lock;
  methods.xFileControl = control_file;
  methods.xSectorSize = sector_size;
  methods.xDeviceCharacteristics = device_characteristics;
  methods.xShmMap = map_shared;
  methods.xShmLock = lock_shared;
  methods.xShmBarrier = shared_barrier;
  methods.xShmUnmap = unmap_shared;
  return methods;
}

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  static const sqlite3_io_methods methods = make_methods();
  file->pMethods = nullptr;  // nothing to be closed after an error
  if (current == nullptr || name == nullptr) return SQLITE_CANTOPEN;
  auto state = std::make_unique<State>();
  state->env = &current->env;
  state->path = name;
  state->remove_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  const bool read_only = (flags & SQLITE_OPEN_READONLY) != 0;
  auto opened =
      state->env->open(state->path, read_only ? base::OpenMode::kRead : base::OpenMode::kReadWrite);
  if (!opened && opened.error().code == IoError::kNotFound && (flags & SQLITE_OPEN_CREATE) != 0) {
    opened = state->env->open(state->path, base::OpenMode::kCreateExclusive);
  }
  if (!opened) return opened.error().code == IoError::kNoSpace ? SQLITE_FULL : SQLITE_CANTOPEN;
  state->file = std::move(*opened);
  state->name_unsynced = (flags & SQLITE_OPEN_CREATE) != 0 &&
                         (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  reinterpret_cast<VfsFile*>(file)->state = state.release();
  file->pMethods = &methods;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs*, const char* name, int sync_folder) {
  const auto removed = current->env.remove(name);
  if (!removed && removed.error().code == IoError::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  if (!removed) return SQLITE_IOERR_DELETE;
  if (sync_folder == 0) return SQLITE_OK;
  return code_of(current->env.sync_dir(base::parent_path(name)), SQLITE_IOERR_DIR_FSYNC);
}

int access_file(sqlite3_vfs*, const char* name, int, int* result) {
  const auto info = current->env.stat(name);
  if (!info && info.error().code != IoError::kNotFound) return SQLITE_IOERR_ACCESS;
  *result = info && info->size_bytes > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int bytes, char* to) {
  if (std::strlen(name) >= static_cast<std::size_t>(bytes)) return SQLITE_CANTOPEN;
  std::strcpy(to, name);
  return SQLITE_OK;
}

// For the salts of its log alone, which change nothing that happens: SQLite asks once a process.
int randomness(sqlite3_vfs*, int bytes, char* to) {
  base::SeededRandom random(1);
  for (int i = 0; i < bytes; ++i)
    to[i] = static_cast<char>(random.next());
  return bytes;
}

int sleep_us(sqlite3_vfs*, int us) {
  return us;
}

int now_ms(sqlite3_vfs*, sqlite3_int64* julian_ms) {
  constexpr sqlite3_int64 kJulianMsOf1970 = 210'866'760'000'000;
  *julian_ms = kJulianMsOf1970 + current->clock.now_ms();
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(VfsFile);
  vfs.mxPathname = 512;
  vfs.zName = "env";
  vfs.xOpen = open_file;
  vfs.xDelete = remove_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep_us;
  vfs.xGetLastError = last_error;
  vfs.xCurrentTimeInt64 = now_ms;
  return vfs;
}

}  // namespace

SqliteOnEnv::SqliteOnEnv(base::Env& the_env, const base::Clock& the_clock)
    : env(the_env), clock(the_clock), outer_(current) {
  static sqlite3_vfs vfs = make_vfs();
  static const int registered = sqlite3_vfs_register(&vfs, 1);
  if (registered != SQLITE_OK) std::abort();
  current = this;
}

SqliteOnEnv::~SqliteOnEnv() {
  assert(current == this);
  current = outer_;
}

}  // namespace sluice::sim
