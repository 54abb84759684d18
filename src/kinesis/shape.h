// The inputs of operations as data: each field's type and constraints are declared once
// (operations.cc) and read, checked and reported by the same code for all operations.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace sluice::kinesis {

enum class Kind {
  kString,
  kInteger,  // 32 bits, as AWS' model says; fractions are cut off
  kBoolean,
  kTimestamp,  // epoch seconds with a fraction
  kBlob,       // base64
  kStringList,
  kStringMap,
  kStructure,
  kStructureList,
};

enum class Pattern { kNone, kName, kHashKey, kSequenceNumber, kStreamArn };

struct Shape;

struct Field {
  std::string_view name;  // "StreamName"; messages say streamName
  Kind kind = Kind::kString;
  bool required = false;
  std::string_view unless = {};  // with `required`: not when that other field is there
  Pattern pattern = Pattern::kNone;
  // Value of integers, length of everything else.
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::span<const std::string_view> values = {};  // of an enumeration, in the order AWS prints
  const Shape* members = nullptr;                 // of structures
  std::string_view member_text = {};              // how AWS prints a list's structure
  // Lengths of a list's strings, or of a map's keys and values.
  std::int64_t key_max = 0;
  std::int64_t value_max = 0;
};

struct Shape {
  std::span<const Field> fields;
};

}  // namespace sluice::kinesis
