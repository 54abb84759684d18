// What the house has registered in one database; lives as long as anything of it does.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

namespace sluice::duck {

class BatchSource;

struct DatabaseState {
  std::mutex mutex;
  std::set<std::string> functions;  // names of registered scalar functions
  bool has_batch_function = false;
  std::int64_t next_batch_id = 1;
  std::unordered_map<std::int64_t, std::shared_ptr<const BatchSource>> batches;
};

}  // namespace sluice::duck
