// Sluice's side of the comparison: the protocol of java/src/main/java/Oracle.java, on one thread.
#include <array>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "gateway/render.h"

namespace {

std::optional<std::array<std::string, 6>> read_fields(std::string_view line) {
  std::array<std::string, 6> fields;
  for (std::string& field : fields) {
    const std::size_t end = std::min(line.find('\t'), line.size());
    auto text = sluice::base::base64_decode(line.substr(0, end));
    if (!text) return std::nullopt;
    field = std::move(*text);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

std::string answer(std::array<std::string, 6>& fields) {
  sluice::gateway::RenderInputs inputs;
  inputs.body = std::move(fields[1]);
  inputs.vars = std::move(fields[2]);
  inputs.params = std::move(fields[3]);
  inputs.context = std::move(fields[4]);
  inputs.stage_variables = std::move(fields[5]);
  const auto got = sluice::gateway::render_template(fields[0], inputs);
  std::string out;
  if (got) {
    out = "=\t";
    sluice::base::base64_append(out, *got);
    return out;
  }
  out = got.error().message;
  for (char& c : out)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return (out.starts_with("Could not process payload") ? "!\tpayload\t" : "!\ttemplate\t") + out;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    auto fields = read_fields(line);
    if (!fields) {
      std::cerr << "a line is not six fields of base64\n";
      return 1;
    }
    std::cout << answer(*fields) << '\n';
    if (std::cin.rdbuf()->in_avail() <= 0) std::cout.flush();
  }
  return 0;
}
