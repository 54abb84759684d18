// Java's methods that a template may call, by name; which of them an object has is decided by its
// kind when they are called.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::gateway::vtl {

// clang-format off
#define SLUICE_VTL_METHODS(X) \
  X(add) X(addAll) X(base64Decode) X(base64Encode) X(booleanValue) X(charAt) X(clear) \
  X(codePointAt) X(compareTo) X(compareToIgnoreCase) X(concat) X(contains) X(containsAll) \
  X(containsKey) X(containsValue) X(count) X(doubleValue) X(endsWith) X(entrySet) X(equals) \
  X(equalsIgnoreCase) X(escapeJavaScript) X(floatValue) X(get) X(getKey) X(getOrDefault) \
  X(getValue) X(hasNext) X(hashCode) X(indexOf) X(intValue) X(intern) X(isBlank) X(isEmpty) \
  X(isFirst) X(isInfinite) X(isLast) X(isNaN) X(iterator) X(json) X(keySet) X(lastIndexOf) \
  X(length) X(longValue) X(matches) X(next) X(params) X(parseBoolean) X(parseDouble) \
  X(parseInt) X(parseJson) X(parseLong) X(path) X(put) X(putAll) X(putIfAbsent) X(remove) \
  X(removeAll) X(repeat) X(replace) X(replaceAll) X(replaceFirst) X(retainAll) X(set) \
  X(setValue) X(shortValue) X(size) X(split) X(startsWith) X(stop) X(strip) X(stripLeading) \
  X(stripTrailing) X(subList) X(subSequence) X(substring) X(toArray) X(toBinaryString) \
  X(toCharArray) X(toHexString) X(toLowerCase) X(toString) X(toUpperCase) X(trim) X(urlDecode) \
  X(urlEncode) X(valueOf) X(values) X(getIndex) X(getCount) X(getFirst) X(getLast) \
  X(getHasNext) X(getParent) X(getTopmost) X(max) X(min) X(abs) X(regionMatches) \
  X(contentEquals)
// clang-format on

// clang-format off
enum class Method : std::uint8_t {  // NOLINT(performance-enum-size)
  kUnknown,
#define X(name) k_##name,  // NOLINT(bugprone-macro-parentheses)
  SLUICE_VTL_METHODS(X)
#undef X
};
// clang-format on

Method find_method(std::string_view name);

}  // namespace sluice::gateway::vtl
