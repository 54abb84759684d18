#include "base/sqlite_checksums.h"

#include <sqlite3.h>

#include <cstring>
#include <string>

#include "base/digest.h"
#include "base/log.h"

namespace sluice::base {
namespace {

constexpr Logger kLog{"sqlite"};
constexpr const char* kName = "sluice-checksums";
constexpr std::uint32_t kMagic = 0x4b434c53;  // "SLCK"
constexpr int kReservedAt = 20;               // in the database's header: bytes left alone a page
constexpr int kPageBytesMin = 512;
constexpr int kPageBytesMax = 65'536;

// What is behind a page's content. The magic also tells where the page belongs.
struct Tail {
  std::uint32_t crc;
  std::uint32_t magic;
};
static_assert(sizeof(Tail) == kSqliteChecksumBytes);

// SQLite allocates it together with the real file, which follows.
struct File {
  sqlite3_file base;
  const char* path;  // SQLite keeps the name as long as the file
  bool is_database;
  bool has_checksums;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

bool is_page(int bytes, sqlite3_int64 offset) {
  return bytes >= kPageBytesMin && bytes <= kPageBytesMax && (bytes & (bytes - 1)) == 0 &&
         offset % bytes == 0;
}

Tail tail_of(const char* page, int bytes, sqlite3_int64 offset) {
  const auto number = static_cast<std::uint32_t>(offset / bytes);
  return {.crc = crc32c({page, static_cast<std::size_t>(bytes) - sizeof(Tail)}),
          .magic = kMagic ^ number};
}

Tail stored_tail(const char* page, int bytes) {
  Tail tail;
  std::memcpy(&tail, page + bytes - sizeof(Tail), sizeof tail);
  return tail;
}

// The first page says whether the file has checksums: by its header, or else by its own tail.
void learn(File& file, const char* page, int bytes) {
  file.has_checksums =
      page[kReservedAt] == kSqliteChecksumBytes || stored_tail(page, bytes).magic == kMagic;
}

int read_file(sqlite3_file* handle, void* to, int bytes, sqlite3_int64 offset) {
  const int code = real(handle)->pMethods->xRead(real(handle), to, bytes, offset);
  auto& file = *reinterpret_cast<File*>(handle);
  if (code != SQLITE_OK || !file.is_database || !is_page(bytes, offset)) return code;
  const char* page = static_cast<const char*>(to);
  if (offset == 0) learn(file, page, bytes);
  if (!file.has_checksums) return code;
  const Tail wanted = tail_of(page, bytes, offset);
  const Tail stored = stored_tail(page, bytes);
  if (wanted.crc == stored.crc && wanted.magic == stored.magic) return code;
  kLog.error("{} at offset {}: the page's checksum is wrong", file.path, offset);
  return SQLITE_IOERR_DATA;
}

int write_file(sqlite3_file* handle, const void* from, int bytes, sqlite3_int64 offset) {
  auto& file = *reinterpret_cast<File*>(handle);
  const char* page = static_cast<const char*>(from);
  if (file.is_database && is_page(bytes, offset)) {
    if (offset == 0) file.has_checksums = page[kReservedAt] == kSqliteChecksumBytes;
    if (file.has_checksums) {
      std::string checked(page, static_cast<std::size_t>(bytes));
      const Tail tail = tail_of(page, bytes, offset);
      std::memcpy(checked.data() + bytes - sizeof tail, &tail, sizeof tail);
      return real(handle)->pMethods->xWrite(real(handle), checked.data(), bytes, offset);
    }
  }
  return real(handle)->pMethods->xWrite(real(handle), from, bytes, offset);
}

// The rest is handed on.
template <auto Method, class... Args>
auto hand_on(sqlite3_file* file, Args... args) {
  return (real(file)->pMethods->*Method)(real(file), args...);
}

sqlite3_io_methods make_methods() {
  using Io = sqlite3_io_methods;
  sqlite3_io_methods methods{};
  methods.iVersion = 2;  // no memory-mapped pages: they would not be checked
  methods.xClose = hand_on<&Io::xClose>;
  methods.xRead = read_file;
  methods.xWrite = write_file;
  methods.xTruncate = hand_on<&Io::xTruncate, sqlite3_int64>;
  methods.xSync = hand_on<&Io::xSync, int>;
  methods.xFileSize = hand_on<&Io::xFileSize, sqlite3_int64*>;
  methods.xLock = hand_on<&Io::xLock, int>;
  methods.xUnlock = hand_on<&Io::xUnlock, int>;
  methods.xCheckReservedLock = hand_on<&Io::xCheckReservedLock, int*>;
  methods.xFileControl = hand_on<&Io::xFileControl, int, void*>;
  methods.xSectorSize = hand_on<&Io::xSectorSize>;
  methods.xDeviceCharacteristics = hand_on<&Io::xDeviceCharacteristics>;
  methods.xShmMap = hand_on<&Io::xShmMap, int, int, int, void volatile**>;
  methods.xShmLock = hand_on<&Io::xShmLock, int, int, int>;
  methods.xShmBarrier = hand_on<&Io::xShmBarrier>;
  methods.xShmUnmap = hand_on<&Io::xShmUnmap, int>;
  return methods;
}

int open_file(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* handle, int flags,
              int* flags_out) {
  static const sqlite3_io_methods methods = make_methods();
  auto* const below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  auto& file = *reinterpret_cast<File*>(handle);
  file = {.base = {.pMethods = nullptr},  // nothing to be closed after an error
          .path = name,
          .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0,
          .has_checksums = false};
  const int code = below->xOpen(below, name, real(handle), flags, flags_out);
  if (code == SQLITE_OK) file.base.pMethods = &methods;
  return code;
}

template <auto Method, class... Args>
auto hand_on_vfs(sqlite3_vfs* vfs, Args... args) {
  auto* const below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  return (below->*Method)(below, args...);
}

sqlite3_vfs make_vfs() {
  using Vfs = sqlite3_vfs;
  sqlite3_vfs* const below = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
  vfs.mxPathname = below->mxPathname;
  vfs.zName = kName;
  vfs.pAppData = below;
  vfs.xOpen = open_file;
  vfs.xDelete = hand_on_vfs<&Vfs::xDelete, const char*, int>;
  vfs.xAccess = hand_on_vfs<&Vfs::xAccess, const char*, int, int*>;
  vfs.xFullPathname = hand_on_vfs<&Vfs::xFullPathname, const char*, int, char*>;
  vfs.xRandomness = hand_on_vfs<&Vfs::xRandomness, int, char*>;
  vfs.xSleep = hand_on_vfs<&Vfs::xSleep, int>;
  vfs.xCurrentTime = hand_on_vfs<&Vfs::xCurrentTime, double*>;
  vfs.xGetLastError = hand_on_vfs<&Vfs::xGetLastError, int, char*>;
  vfs.xCurrentTimeInt64 = hand_on_vfs<&Vfs::xCurrentTimeInt64, sqlite3_int64*>;
  return vfs;
}

}  // namespace

const char* sqlite_checksums_vfs() {
  static sqlite3_vfs vfs = make_vfs();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? kName : nullptr;
}

}  // namespace sluice::base
