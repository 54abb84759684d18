// Expected failures as values. Every door declares its own small `enum class` of error codes, each
// with a comment that says what the caller may do, and returns Result<T, ThatEnum>. Broken
// invariants are asserts, not results.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sluice::base {

// Why something failed: the code decides what the caller does, the message is for people.
template <class Code>
struct Failure {
  Code code;
  std::string message;
};

template <class T, class Code>
using Result = std::expected<T, Failure<Code>>;

template <class Code>
[[nodiscard]] std::unexpected<Failure<Code>> fail(Code code, std::string message) {
  return std::unexpected(Failure<Code>{code, std::move(message)});
}

}  // namespace sluice::base
