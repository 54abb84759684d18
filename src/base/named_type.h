// Integers that must not mix: LaneId, Index, DeltaVersion … are distinct types over the same
// representation.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace sluice::base {

template <class Rep, class Tag>
class NamedType {
 public:
  constexpr NamedType() = default;
  constexpr explicit NamedType(Rep value) : value_(value) {}
  constexpr Rep operator()() const { return value_; }
  constexpr auto operator<=>(const NamedType&) const = default;
  constexpr NamedType& operator++() {
    ++value_;
    return *this;
  }
  // The value `n` further on; for positions and indexes.
  constexpr NamedType plus(Rep n) const { return NamedType(static_cast<Rep>(value_ + n)); }

 private:
  Rep value_{};
};

}  // namespace sluice::base

template <class Rep, class Tag>
struct std::hash<sluice::base::NamedType<Rep, Tag>> {
  std::size_t operator()(const sluice::base::NamedType<Rep, Tag>& v) const {
    return std::hash<Rep>{}(v());
  }
};
