// A flat open-addressing set of 16-byte hashes: the dedup state in memory. Keys are uniform hashes,
// so a key's place is its upper half scaled to the table and sorted input walks memory in order.
// No removal. One thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/uint128.h"

namespace sluice::pipeline {

class KeySet {
 public:
  // 16 bytes at a load of at most 0.7.
  static constexpr std::size_t kBytesPerKey = 23;

  std::size_t size() const { return size_ + (has_zero_ ? 1 : 0); }
  std::size_t bytes() const { return slots_.size() * sizeof(base::Uint128); }

  bool contains(base::Uint128 key) const {
    if (key == 0) return has_zero_;
    if (slots_.empty()) return false;
    return slots_[find(key)] == key;
  }

  // False: it was there already.
  bool insert(base::Uint128 key) {
    if (key == 0) {
      const bool fresh = !has_zero_;
      has_zero_ = true;
      return fresh;
    }
    if ((size_ + 1) * 10 > slots_.size() * 7) grow(std::max<std::size_t>(64, slots_.size() * 2));
    const std::size_t at = find(key);
    if (slots_[at] == key) return false;
    slots_[at] = key;
    ++size_;
    return true;
  }

  // Room for `keys` keys without growing again.
  void reserve(std::size_t keys) {
    const std::size_t slots = (keys * 10 + 6) / 7 + 1;
    if (slots > slots_.size()) grow(slots);
  }

  void clear() {
    slots_.clear();
    slots_.shrink_to_fit();
    size_ = 0;
    has_zero_ = false;
  }

 private:
  // Where `key` is, or the empty slot where it belongs.
  std::size_t find(base::Uint128 key) const {
    auto at = static_cast<std::size_t>((base::Uint128{base::high64(key)} * slots_.size()) >> 64);
    while (slots_[at] != 0 && slots_[at] != key)
      if (++at == slots_.size()) at = 0;
    return at;
  }

  void grow(std::size_t slots) {
    std::vector<base::Uint128> old(slots, 0);
    old.swap(slots_);
    for (const base::Uint128 key : old)
      if (key != 0) slots_[find(key)] = key;
  }

  std::vector<base::Uint128> slots_;  // 0: empty
  std::size_t size_ = 0;              // without the key 0
  bool has_zero_ = false;
};

}  // namespace sluice::pipeline
