// Rows of a relational database, by number, as JSON objects: what the emulator of user posts sends.
// One reader belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::feed {

enum class FeedError {
  kSource,   // the database cannot be opened or read; the message says what
  kRefused,  // the API answered with an error that no retry mends
  kLost,     // the API cannot be reached
  kInvalid,  // an option makes no sense
};

template <class T>
using FeedResult = base::Result<T, FeedError>;

class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual FeedResult<std::int64_t> count(const std::string& table) = 0;
  // Row `number` (from 0, in the order of the table's row ids) as a JSON object; names as the table
  // has them, date-times as ISO 8601 (2015-10-24T11:23:51), NULL as null.
  virtual FeedResult<std::string> row_json(const std::string& table, std::int64_t number) = 0;
};

// `source` is `sqlite:FILE`; other databases are not there yet.
FeedResult<std::unique_ptr<RowReader>> open_rows(const std::string& source);

}  // namespace sluice::feed
