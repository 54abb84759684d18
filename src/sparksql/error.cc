// Spark's error texts and the "did you mean" of unresolved names.
#include "sparksql/error.h"

#include <algorithm>
#include <cctype>

namespace sluice::sparksql {

SqlError make_error(std::string error_class, std::string sql_state, std::string message,
                    Stage stage, Place place) {
  return {std::move(error_class), std::move(sql_state), std::move(message), stage,
          std::move(place)};
}

SqlError unsupported(std::string_view what, Stage stage, Place place) {
  return make_error("UNSUPPORTED_BY_SLUICE", "0A000",
                    "Apache Spark takes this, Sluice does not yet: " + std::string(what) + ".",
                    stage, std::move(place));
}

std::string quote_name(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) {
      out += '.';
    }
    out += '`';
    for (const char c : part) {
      out += c;
      if (c == '`') {
        out += c;
      }
    }
    out += '`';
  }
  return out;
}

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Levenshtein distance, case-insensitive; texts are cut at 64 characters.
std::size_t distance(std::string_view left, std::string_view right) {
  const std::string a = lower(left.substr(0, 64));
  const std::string b = lower(right.substr(0, 64));
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind("`.`");
  return dot == std::string_view::npos ? name : name.substr(dot + 2);
}

}  // namespace

std::string suggestions(std::string_view wanted, std::vector<std::string> names) {
  constexpr std::size_t kSuggestionsMax = 5;
  const std::string quoted = "`" + std::string(wanted) + "`";
  std::ranges::stable_sort(
      names, {}, [&](const std::string& name) { return distance(last_part(name), quoted); });
  std::string out = "[";
  for (std::size_t i = 0; i < names.size() && i < kSuggestionsMax; ++i) {
    out += (i == 0 ? "" : ", ") + names[i];
  }
  return out + "]";
}

std::string SqlError::to_string() const {
  std::string out = "[" + error_class + "] " + message;
  if (!sql_state.empty()) {
    out += " SQLSTATE: " + sql_state;
  }
  const std::string file = place.file.empty() ? "" : place.file + ", ";
  return out + " (" + file + "line " + std::to_string(place.line) + ", column " +
         std::to_string(place.column) + ")";
}

}  // namespace sluice::sparksql
