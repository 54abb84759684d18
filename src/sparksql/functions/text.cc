#include "sparksql/functions/text.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "sparksql/functions/unicode.h"

namespace sluice::sparksql {
namespace {

bool contains(std::string_view set, char32_t wanted) {
  for (std::size_t at = 0; at < set.size();) {
    if (next_code_point(set, at) == wanted) return true;
  }
  return false;
}

std::size_t last_start(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (text[at] & 0xC0) == 0x80)
    --at;
  return at;
}

}  // namespace

std::string_view trim_set(std::string_view text, std::string_view chars, TrimSide side) {
  if (side != TrimSide::kRight) {
    while (!text.empty()) {
      std::size_t at = 0;
      if (!contains(chars, next_code_point(text, at))) break;
      text.remove_prefix(at);
    }
  }
  if (side != TrimSide::kLeft) {
    while (!text.empty()) {
      const std::size_t start = last_start(text);
      std::size_t at = start;
      if (!contains(chars, next_code_point(text, at))) break;
      text = text.substr(0, start);
    }
  }
  return text;
}

std::string_view substring(std::string_view text, std::int64_t position, std::int64_t length) {
  std::int64_t start = 0;
  if (position > 0) start = position - 1;
  if (position < 0) start = static_cast<std::int64_t>(code_point_count(text)) + position;
  const std::int64_t end =
      std::min<std::int64_t>(start + length, std::numeric_limits<std::int32_t>::max());
  if (end <= start || end <= 0) return {};
  const auto from = static_cast<std::size_t>(std::max<std::int64_t>(start, 0));
  const std::size_t first = code_point_offset(text, from);
  const std::string_view rest = text.substr(first);
  return rest.substr(0, code_point_offset(rest, static_cast<std::size_t>(end) - from));
}

std::string_view substring_index(std::string_view text, std::string_view delimiter,
                                 std::int64_t count) {
  if (delimiter.empty() || count == 0) return {};
  if (count > 0) {
    std::size_t at = std::string_view::npos;
    for (std::size_t from = 0; count > 0; --count, from = at + 1) {
      at = text.find(delimiter, from);
      if (at == std::string_view::npos) return text;
    }
    return text.substr(0, at);
  }
  std::size_t at = text.size();
  for (; count < 0; ++count) {
    at = at == 0 ? std::string_view::npos : text.rfind(delimiter, at - 1);
    if (at == std::string_view::npos) return text;
  }
  return text.substr(at + delimiter.size());
}

std::string translate(std::string_view text, std::string_view from, std::string_view to) {
  struct Pair {
    char32_t from;
    std::optional<char32_t> to;
  };
  std::vector<Pair> pairs;
  std::size_t to_at = 0;
  for (std::size_t at = 0; at < from.size();) {
    Pair pair{next_code_point(from, at), std::nullopt};
    if (to_at < to.size()) pair.to = next_code_point(to, to_at);
    pairs.push_back(pair);
  }
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    const auto found =
        std::find_if(pairs.begin(), pairs.end(), [c](const Pair& p) { return p.from == c; });
    if (found == pairs.end())
      append_utf8(out, c);
    else if (found->to)
      append_utf8(out, *found->to);
  }
  return out;
}

std::int32_t locate(std::string_view needle, std::string_view text, std::int64_t start) {
  if (start < 1) return 0;
  const auto skipped = static_cast<std::size_t>(start - 1);
  if (needle.empty())
    return skipped <= code_point_count(text) || start == 1 ? static_cast<std::int32_t>(start) : 0;
  const std::size_t from = code_point_offset(text, skipped);
  const std::size_t at = text.find(needle, from);
  if (at == std::string_view::npos) return 0;
  return static_cast<std::int32_t>(code_point_count(text.substr(0, at)) + 1);
}

std::string pad(std::string_view text, std::int64_t length, std::string_view with, bool left) {
  if (length <= 0) return {};
  const auto have = static_cast<std::int64_t>(code_point_count(text));
  const auto wanted = static_cast<std::size_t>(length);
  if (have >= length || with.empty())
    return std::string(text.substr(0, code_point_offset(text, wanted)));
  std::string filling;
  std::size_t at = 0;
  for (std::int64_t i = have; i < length; ++i) {
    if (at >= with.size()) at = 0;
    append_utf8(filling, next_code_point(with, at));
  }
  return left ? filling + std::string(text) : std::string(text) + filling;
}

std::string reverse(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t start = last_start(text);
    out += text.substr(start);
    text = text.substr(0, start);
  }
  return out;
}

std::optional<bool> like(std::string_view text, std::string_view pattern, char32_t escape,
                         std::string& error) {
  enum class Kind { kLiteral, kOne, kMany };
  struct Item {
    Kind kind;
    char32_t c;
  };
  std::vector<Item> items;
  for (std::size_t at = 0; at < pattern.size();) {
    const char32_t c = next_code_point(pattern, at);
    if (c == escape) {
      const auto wrong = [&](const char* kind, const std::string& why) {
        error = "[INVALID_FORMAT." + std::string(kind) + "] The format is invalid: '" +
                std::string(pattern) + "'. " + why + " SQLSTATE: 42601";
      };
      if (at >= pattern.size()) {
        wrong("ESC_AT_THE_END", "The escape character is not allowed to end with.");
        return std::nullopt;
      }
      const char32_t next = next_code_point(pattern, at);
      if (next != '_' && next != '%' && next != escape) {
        std::string shown;
        append_utf8(shown, next);
        wrong("ESC_IN_THE_MIDDLE",
              "The escape character is not allowed to precede '" + shown + "'.");
        return std::nullopt;
      }
      items.push_back({Kind::kLiteral, next});
    } else {
      items.push_back({c == '_' ? Kind::kOne : c == '%' ? Kind::kMany : Kind::kLiteral, c});
    }
  }
  // Greedy with one point to come back to: linear in practice, quadratic at worst.
  std::size_t at = 0;
  std::size_t item = 0;
  std::size_t back_item = items.size() + 1;
  std::size_t back_at = 0;
  while (at < text.size()) {
    if (item < items.size() && items[item].kind == Kind::kMany) {
      back_item = ++item;
      back_at = at;
      continue;
    }
    std::size_t next = at;
    const char32_t c = next_code_point(text, next);
    if (item < items.size() && (items[item].kind == Kind::kOne || items[item].c == c)) {
      ++item;
      at = next;
      continue;
    }
    if (back_item > items.size()) return false;
    next_code_point(text, back_at);
    at = back_at;
    item = back_item;
  }
  while (item < items.size() && items[item].kind == Kind::kMany)
    ++item;
  return item == items.size();
}

}  // namespace sluice::sparksql
