// A request's body, read by its operation's shape. One Input a thread is kept and reused: its
// memory (values, decoded blobs, simdjson's buffers) stays for the next call. Views point into it
// or into the body, and are good until the next read().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinesis/shape.h"

namespace sluice::kinesis {

struct Value {
  bool present = false;  // absent and null are the same
  bool boolean = false;
  std::uint32_t first = 0;  // lists, maps and structures: where their values are in the pool
  std::uint32_t count = 0;  // how many members (of maps: pairs) are in the pool
  std::uint32_t size = 0;   // how many were sent: those beyond the field's maximum are not kept
  std::string_view text;    // strings; blobs, decoded
  std::int64_t integer = 0;
  double number = 0;
};

enum class ReadStatus {
  kOk,
  kMalformed,  // not JSON, or not an object
  kWrongType,  // the message is AWS' SerializationException text
};

class Input {
 public:
  Input();
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // May grow `body`'s capacity (simdjson reads past the end); the text stays as it is.
  ReadStatus read(std::string& body, const Shape& shape);
  const std::string& message() const { return message_; }

  // The top-level field of that name, which the shape must have.
  const Value& operator[](std::string_view name) const;
  std::span<const Value> top() const { return std::span(pool_).first(shape_->fields.size()); }
  // The members of a list (string lists), the pairs of a map (key, value, key, value …), the fields
  // of a structure; of a list of structures all fields one after another.
  std::span<const Value> members(const Value& value, std::size_t each = 1) const {
    return std::span(pool_).subspan(value.first, value.count * each);
  }
  const Shape& shape() const { return *shape_; }

 private:
  class Reader;
  const Shape* shape_ = nullptr;
  std::vector<Value> pool_;
  std::string blobs_;
  std::string message_;
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

// A client's text in a message: its beginning, when it is long.
std::string clip(std::string_view text);

// AWS' "N validation errors detected: …"; empty when everything holds.
std::string validate(const Input& input);

}  // namespace sluice::kinesis
