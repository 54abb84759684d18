// Names of data files: percent-encoding as Delta's log wants it, and the check that a path of a log
// stays beneath the table's folder (a foreign log is input, not truth). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "delta/delta.h"

namespace sluice::delta {

// RFC 2396: unreserved characters and `/=:@&+$,` stay, every other byte becomes %XX.
std::string encode_path(std::string_view path);
// nullopt: a % without two hexadecimal digits, or a NUL.
std::optional<std::string> decode_path(std::string_view path);
// `add.path` → the file's path relative to the table. kUnsupported: absolute, a URI, or leaving the
// folder.
DeltaResult<std::string> local_path(std::string_view add_path);

// One folder of a partitioned table, `column=value`, escaped as Hive does (and Spark reads).
std::string partition_folder(std::string_view column, const std::optional<std::string>& value);

}  // namespace sluice::delta
