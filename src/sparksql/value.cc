// Type coercion. Names of the rules are those of Spark's TypeCoercion and AnsiTypeCoercion.
#include "sparksql/value.h"

#include <algorithm>

namespace sluice::sparksql {

bool is_string(const DataType& type) {
  return type.kind() == TypeKind::kString;
}
bool is_null_type(const DataType& type) {
  return type.kind() == TypeKind::kNull;
}
bool is_datetime(const DataType& type) {
  return type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTimestamp ||
         type.kind() == TypeKind::kTimestampNtz;
}
bool is_fractional(const DataType& type) {
  return type.kind() == TypeKind::kFloat || type.kind() == TypeKind::kDouble ||
         type.kind() == TypeKind::kDecimal;
}
bool is_atomic(const DataType& type) {
  return type.kind() != TypeKind::kArray && type.kind() != TypeKind::kMap &&
         type.kind() != TypeKind::kStruct;
}

DataType decimal_for(const DataType& integral) {
  switch (integral.kind()) {
    case TypeKind::kByte:
      return DataType::decimal(3, 0);
    case TypeKind::kShort:
      return DataType::decimal(5, 0);
    case TypeKind::kInt:
      return DataType::decimal(10, 0);
    default:
      return DataType::decimal(20, 0);
  }
}

DataType decimal_for_literal(std::string_view digits) {
  const auto count = static_cast<int>(digits.size()) - (digits.starts_with('-') ? 1 : 0);
  return DataType::decimal(std::clamp(count, 1, 38), 0);
}

DataType adjusted_decimal(int precision, int scale) {
  constexpr int kMax = 38;
  constexpr int kScaleMin = 6;  // MINIMUM_ADJUSTED_SCALE
  if (precision <= kMax) {
    return DataType::decimal(precision, scale);
  }
  const int whole = precision - scale;
  const int kept = std::max(kMax - whole, std::min(scale, kScaleMin));
  return DataType::decimal(kMax, kept);
}

namespace {

DataType wider_decimal(const DataType& left, const DataType& right) {
  const int scale = std::max(left.scale(), right.scale());
  const int whole = std::max(left.precision() - left.scale(), right.precision() - right.scale());
  // Spark's bounded(): precision first.
  return DataType::decimal(std::min(whole + scale, 38), std::min(scale, 38));
}

using TypePair = std::optional<DataType> (*)(const DataType&, const DataType&, bool);

// The same rule for the parts of two nested types of one kind.
std::optional<DataType> nested(const DataType& left, const DataType& right, bool ansi,
                               TypePair rule) {
  if (left.kind() != right.kind()) {
    return std::nullopt;
  }
  if (left.kind() == TypeKind::kArray) {
    const auto element = rule(left.element(), right.element(), ansi);
    return element ? std::optional(DataType::array(*element)) : std::nullopt;
  }
  if (left.kind() == TypeKind::kMap) {
    const auto key = rule(left.key(), right.key(), ansi);
    const auto value = rule(left.value(), right.value(), ansi);
    return key && value ? std::optional(DataType::map(*key, *value)) : std::nullopt;
  }
  if (left.kind() == TypeKind::kStruct && left.fields().size() == right.fields().size()) {
    std::vector<types::Field> fields;
    for (std::size_t i = 0; i < left.fields().size(); ++i) {
      const auto type = rule(*left.fields()[i].type, *right.fields()[i].type, ansi);
      if (!type || left.fields()[i].name != right.fields()[i].name) {
        return std::nullopt;
      }
      fields.push_back(types::make_field(left.fields()[i].name, *type));
    }
    return DataType::structure(std::move(fields));
  }
  return std::nullopt;
}

std::optional<DataType> tightest(const DataType& left, const DataType& right, bool ansi) {
  if (left.same_as(right)) {
    return left;
  }
  if (is_null_type(left)) {
    return right;
  }
  if (is_null_type(right)) {
    return left;
  }
  const bool simple = left.is_numeric() && right.is_numeric() &&
                      left.kind() != TypeKind::kDecimal && right.kind() != TypeKind::kDecimal;
  if (simple) {
    // ANSI: an integer and a float meet in double.
    const bool mixed = left.is_integral() != right.is_integral();
    if (ansi && mixed) {
      return DataType::of(TypeKind::kDouble);
    }
    return left.kind() > right.kind() ? left : right;
  }
  if (is_datetime(left) && is_datetime(right)) {
    const bool zoned = left.kind() == TypeKind::kTimestamp || right.kind() == TypeKind::kTimestamp;
    return DataType::of(zoned ? TypeKind::kTimestamp : TypeKind::kTimestampNtz);
  }
  return nested(left, right, ansi, tightest);
}

// Decimals with integers and with floating point.
std::optional<DataType> decimal_and_other(const DataType& left, const DataType& right) {
  const bool left_is = left.kind() == TypeKind::kDecimal;
  const bool right_is = right.kind() == TypeKind::kDecimal;
  if (left_is && right_is) {
    return wider_decimal(left, right);
  }
  if (!left_is && !right_is) {
    return std::nullopt;
  }
  const DataType& other = left_is ? right : left;
  const DataType& decimal = left_is ? left : right;
  if (other.is_integral()) {
    return wider_decimal(decimal, decimal_for(other));
  }
  if (other.kind() == TypeKind::kFloat || other.kind() == TypeKind::kDouble) {
    return DataType::of(TypeKind::kDouble);
  }
  return std::nullopt;
}

std::optional<DataType> ansi_string(const DataType& other) {
  if (other.is_integral()) {
    return DataType::of(TypeKind::kLong);
  }
  if (is_fractional(other)) {
    return DataType::of(TypeKind::kDouble);
  }
  return is_atomic(other) ? std::optional(other) : std::nullopt;
}

std::optional<DataType> wider(const DataType& left, const DataType& right, bool ansi) {
  if (const auto type = tightest(left, right, ansi)) {
    return type;
  }
  if (const auto type = decimal_and_other(left, right)) {
    return type;
  }
  if (is_string(left) != is_string(right)) {
    const DataType& other = is_string(left) ? right : left;
    if (ansi) {
      return ansi_string(other);
    }
    const bool promoted =
        is_atomic(other) && other.kind() != TypeKind::kBinary && other.kind() != TypeKind::kBoolean;
    return promoted ? std::optional(DataType::of(TypeKind::kString)) : std::nullopt;
  }
  return nested(left, right, ansi, wider);
}

std::optional<DataType> compared(const DataType& left, const DataType& right, bool ansi) {
  if (!ansi && is_string(left) != is_string(right)) {
    const DataType& other = is_string(left) ? right : left;
    if (other.kind() == TypeKind::kDecimal) {
      return DataType::of(TypeKind::kDouble);
    }
    return is_atomic(other)
               ? std::optional(is_null_type(other) ? DataType::of(TypeKind::kString) : other)
               : std::nullopt;
  }
  return wider(left, right, ansi);
}

}  // namespace

std::optional<DataType> tightest_common_type(const DataType& left, const DataType& right) {
  return tightest(left, right, false);
}

std::optional<DataType> wider_type(const DataType& left, const DataType& right, bool ansi) {
  return wider(left, right, ansi);
}

std::optional<DataType> comparison_type(const DataType& left, const DataType& right, bool ansi) {
  return compared(left, right, ansi);
}

namespace {

bool can_cast_struct(const DataType& from, const DataType& to, CastMode mode) {
  if (from.fields().size() != to.fields().size()) {
    return false;
  }
  for (std::size_t i = 0; i < from.fields().size(); ++i) {
    if (!can_cast(*from.fields()[i].type, *to.fields()[i].type, mode)) {
      return false;
    }
  }
  return true;
}

bool can_cast_ansi_atomic(const DataType& from, const DataType& to) {
  const TypeKind f = from.kind();
  const TypeKind t = to.kind();
  if (f == TypeKind::kBinary) {
    return t == TypeKind::kString;
  }
  if (t == TypeKind::kBinary) {
    return from.is_integral();
  }
  if (f == TypeKind::kBoolean || t == TypeKind::kBoolean) {
    return (f == TypeKind::kBoolean ? to : from).is_numeric();
  }
  if (from.is_numeric()) {
    return to.is_numeric() || t == TypeKind::kTimestamp;
  }
  if (to.is_numeric()) {
    return f == TypeKind::kTimestamp;
  }
  return is_datetime(from) && is_datetime(to);
}

}  // namespace

bool can_cast(const DataType& from, const DataType& to, CastMode mode) {
  if (from.same_as(to) || is_null_type(from)) {
    return true;
  }
  if (is_null_type(to)) {
    return false;
  }
  if (is_string(to)) {
    return true;
  }
  if (is_string(from)) {
    return is_atomic(to);
  }
  if (from.kind() == to.kind() && !is_atomic(from)) {
    switch (from.kind()) {
      case TypeKind::kArray:
        return can_cast(from.element(), to.element(), mode);
      case TypeKind::kMap:
        return (from.key().same_as(to.key()) ||
                (mode == CastMode::kAnsi && can_cast(from.key(), to.key(), mode))) &&
               can_cast(from.value(), to.value(), mode);
      default:
        return can_cast_struct(from, to, mode);
    }
  }
  if (!is_atomic(from) || !is_atomic(to)) {
    return false;
  }
  if (mode == CastMode::kLegacy) {
    const TypeKind f = from.kind();
    const TypeKind t = to.kind();
    if (f == TypeKind::kBinary || t == TypeKind::kBinary) {
      return t == TypeKind::kBinary && from.is_integral();
    }
    const bool boolean = t == TypeKind::kBoolean || f == TypeKind::kBoolean;
    if (boolean && f != TypeKind::kTimestampNtz && t != TypeKind::kTimestampNtz) {
      return t != TypeKind::kDate;
    }
    if (f == TypeKind::kDate && to.is_numeric()) {
      return true;
    }
    return can_cast_ansi_atomic(from, to);
  }
  if (mode == CastMode::kTry && from.is_numeric() && to.kind() == TypeKind::kBinary) {
    return false;
  }
  return can_cast_ansi_atomic(from, to) &&
         !(to.kind() == TypeKind::kBinary && from.is_integral() && mode == CastMode::kAnsi);
}

bool can_coerce_argument(const DataType& from, const DataType& to, bool ansi) {
  if (from.same_as(to) || is_null_type(from)) {
    return true;
  }
  if (from.is_numeric() && to.is_numeric()) {
    return !ansi || is_string(from) || to.kind() == TypeKind::kDouble ||
           to.kind() == TypeKind::kDecimal || to.kind() >= from.kind();
  }
  if (is_string(from)) {
    return is_atomic(to) && to.kind() != TypeKind::kBoolean;
  }
  if (is_string(to)) {
    return is_atomic(from) && (from.kind() != TypeKind::kBinary || !ansi);
  }
  return is_datetime(from) && is_datetime(to);
}

bool is_orderable(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kMap:
      return false;
    case TypeKind::kArray:
      return is_orderable(type.element());
    case TypeKind::kStruct:
      return std::ranges::all_of(type.fields(),
                                 [](const auto& field) { return is_orderable(*field.type); });
    default:
      return true;
  }
}

bool contains_map(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kMap:
      return true;
    case TypeKind::kArray:
      return contains_map(type.element());
    case TypeKind::kStruct:
      return std::ranges::any_of(type.fields(),
                                 [](const auto& field) { return contains_map(*field.type); });
    default:
      return false;
  }
}

}  // namespace sluice::sparksql
