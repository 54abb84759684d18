// Any text as Spark SQL: parsing and analysis end, in an error or in a lowered query.
#include <cstdint>
#include <string_view>

#include "sparksql/sparksql.h"

namespace {

class NoTables final : public sluice::sparksql::Catalog {
 public:
  std::optional<sluice::sparksql::Relation> find(
      const sluice::sparksql::TableName&) const override {
    return std::nullopt;
  }
  std::vector<std::string> names() const override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const NoTables tables;
  for (const auto& statement : sluice::sparksql::parse_statements_leniently(text, "fuzz.sql")) {
    if (statement && statement->query) {
      (void)sluice::sparksql::lower_query(statement->query, tables, {});
      (void)sluice::sparksql::lower_flow(statement->query, tables, {});
    }
  }
  return 0;
}
