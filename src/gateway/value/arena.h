// Memory of one render: everything a template makes lives here and dies with it. Soft limit: an
// allocation always succeeds, going over the limit raises exhausted(), which the interpreter and
// the JSON reader look at between steps (a single allocation is bounded by its caller).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::gateway {

class Arena {
 public:
  static constexpr std::size_t kLimitBytes = std::size_t{64} << 20;

  explicit Arena(std::size_t limit_bytes = kLimitBytes) : limit_bytes_(limit_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(std::size_t bytes) {
    bytes = (bytes + 7) & ~std::size_t{7};
    if (bytes > static_cast<std::size_t>(end_ - next_)) grow(bytes);
    char* at = next_;
    next_ += bytes;
    used_ += bytes;
    return at;
  }
  template <class T>
  T* make_array(std::size_t n) {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): arrays of pointers are meant
    return static_cast<T*>(allocate(n * sizeof(T)));
  }
  // T must not need a destructor: none is run.
  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T))) T{std::forward<Args>(args)...};
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* at = make_array<char>(text.size());
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }
  bool exhausted() const { return used_ > limit_bytes_; }
  std::size_t used() const { return used_; }
  std::size_t left() const { return used_ > limit_bytes_ ? 0 : limit_bytes_ - used_; }

 private:
  void grow(std::size_t bytes);

  char* next_ = first_;
  char* end_ = first_ + sizeof(first_);
  std::size_t used_ = 0;
  std::size_t limit_bytes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  alignas(8) char first_[8192];
};

// A vector in an arena; what it outgrows stays behind until the arena dies.
template <class T>
struct ArenaVector {
  T* data = nullptr;
  std::size_t size = 0;
  std::size_t capacity = 0;

  void push(Arena& arena, T value) {
    if (size == capacity) reserve(arena, capacity == 0 ? 4 : capacity * 2);
    data[size++] = value;
  }
  void reserve(Arena& arena, std::size_t n) {
    if (n <= capacity) return;
    T* bigger = arena.make_array<T>(n);
    std::copy(data, data + size, bigger);
    data = bigger;
    capacity = n;
  }
  void insert(Arena& arena, std::size_t at, T value) {
    push(arena, value);
    for (std::size_t i = size - 1; i > at; --i)
      data[i] = data[i - 1];
    data[at] = value;
  }
  void erase(std::size_t at) {
    for (std::size_t i = at + 1; i < size; ++i)
      data[i - 1] = data[i];
    --size;
  }
  T* begin() const { return data; }
  T* end() const { return data + size; }
  T& operator[](std::size_t i) const { return data[i]; }
};

}  // namespace sluice::gateway
