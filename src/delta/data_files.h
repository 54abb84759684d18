// What writing, reading and compaction share inside the room.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "delta/delta.h"

namespace sluice::delta {

// The columns that lie in data files.
types::DataType data_schema(const Metadata& metadata);

// A SELECT of `schema`'s columns from data files, in order and with these types; columns that a
// file lacks are NULL. `file_column`: also the path on disk under this name; empty: not.
DeltaResult<std::string> files_sql(const std::string& table_root, std::span<const AddFile> files,
                                   const types::DataType& schema, const std::string& file_column);

// Writes the rows of `select_sql`, which has the data columns alone and belongs to one partition.
DeltaResult<std::vector<AddFile>> write_partition(
    duck::Connection& engine, base::Env& env, const std::string& table_root,
    const std::string& select_sql, const types::DataType& schema, const WriteOptions& options,
    const std::map<std::string, std::optional<std::string>>& partition_values);

}  // namespace sluice::delta
