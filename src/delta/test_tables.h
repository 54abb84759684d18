// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "delta/delta.h"

namespace sluice::delta {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "sluice-delta-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Its database lives on with the connection.
inline duck::Connection test_engine(const std::string& folder) {
  duck::DatabaseOptions options;
  options.threads = 1;
  options.allowed_directories = {folder};
  auto database = duck::Database::open(options);
  EXPECT_TRUE(database) << database.error().message;
  auto connection = database->connect();
  EXPECT_TRUE(connection) << connection.error().message;
  return std::move(*connection);
}

inline types::Field simple_field(const std::string& name, types::TypeKind kind) {
  return types::make_field(name, types::DataType::of(kind));
}

// id INT, text STRING.
inline Metadata simple_metadata() {
  Metadata metadata;
  metadata.schema = types::DataType::structure(
      {simple_field("id", types::TypeKind::kInt), simple_field("text", types::TypeKind::kString)});
  return metadata;
}

// An add action for tests that write no data files.
inline AddFile fake_file(const std::string& name) {
  AddFile add;
  add.path = name;
  add.size_bytes = 100;
  add.modified_ms = 1;
  add.stats_json = R"({"numRecords":1})";
  return add;
}

}  // namespace sluice::delta
