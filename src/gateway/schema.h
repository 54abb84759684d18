// The models of an API as JSON Schemas (draft 4), for bodies that a request validator sees to. Made
// when a stage is deployed; const and shared by all requests.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "gateway/model.h"
#include "gateway/value/arena.h"
#include "gateway/value/value.h"

namespace sluice::gateway {

class Schemas {
 public:
  explicit Schemas(const std::map<std::string, BodyModel>& models);
  Schemas(const Schemas&) = delete;
  Schemas& operator=(const Schemas&) = delete;

  // What is wrong with the body; nullopt: nothing. A model that is not there takes every body.
  std::optional<std::string> check(const std::string& model, const Value& body) const;

 private:
  std::deque<std::string> texts_;  // the values point into them
  Arena arena_;
  std::map<std::string, Value, std::less<>> models_;
};

inline constexpr int kSchemaDepthMax = 200;         // of schemas in schemas, by reference too
inline constexpr long kSchemaStepsMax = 1'000'000;  // schemas and items looked at for one body

}  // namespace sluice::gateway
