// Checksums for SQLite's pages, which has none: a layer between it and the file that writes one
// into the last bytes of each page and checks it when the page is read. A page that is not what was
// written is an error (SQLITE_IOERR_DATA, and a line of the log with file and offset), never data.
#pragma once

namespace sluice::base {

// Bytes at the end of each page that SQLite must leave alone (SQLITE_FCNTL_RESERVE_BYTES).
inline constexpr int kSqliteChecksumBytes = 8;

// The name of the VFS to open a database with; over the one that is SQLite's default now.
const char* sqlite_checksums_vfs();

}  // namespace sluice::base
