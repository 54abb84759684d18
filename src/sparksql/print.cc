// Values as text: Spark's CAST(… AS STRING) for every leaf, JSON arrays for what is nested, as the
// recorded vectors print them.
#include "sparksql/analyzer.h"
#include "sparksql/sparksql.h"

namespace sluice::sparksql {
namespace {

class Printer {
 public:
  explicit Printer(const SessionConf& conf) : zone_(text_sql(conf.time_zone)) {}

  // A text, NULL for NULL.
  std::string text(const std::string& sql, const DataType& type) {
    switch (type.kind()) {
      case TypeKind::kString:
        return sql;
      case TypeKind::kNull:
        return "CAST(NULL AS VARCHAR)";
      case TypeKind::kFloat:
      case TypeKind::kDouble:
      case TypeKind::kDate:
      case TypeKind::kTimestampNtz:
        return "spark_text(" + sql + ")";
      case TypeKind::kTimestamp:
        return "spark_text(" + sql + ", " + zone_ + ")";
      case TypeKind::kDecimal:
        return decimal_text_sql(sql, type);
      case TypeKind::kBinary:
        return "hex(" + sql + ")";
      case TypeKind::kArray:
      case TypeKind::kMap:
      case TypeKind::kStruct:
        return nested(sql, type);
      default:
        return "CAST(" + sql + " AS VARCHAR)";
    }
  }

 private:
  std::string variable() { return "p" + std::to_string(++counter_); }

  // The same as JSON: quoted, or null.
  std::string json(const std::string& sql, const DataType& type) {
    const bool is_nested = type.kind() == TypeKind::kArray || type.kind() == TypeKind::kMap ||
                           type.kind() == TypeKind::kStruct;
    const std::string value =
        is_nested ? nested(sql, type) : "CAST(to_json(" + text(sql, type) + ") AS VARCHAR)";
    return "coalesce(" + value + ", 'null')";
  }

  static std::string joined(const std::string& list) {
    return "('[' || array_to_string(" + list + ", ',') || ']')";
  }

  std::string nested(const std::string& sql, const DataType& type) {
    if (type.kind() == TypeKind::kStruct) {
      std::string parts;
      for (const auto& field : type.fields()) {
        parts += (parts.empty() ? "" : " || ',' || ") +
                 json("struct_extract(" + sql + ", " + text_sql(field.name) + ")", *field.type);
      }
      return "CASE WHEN " + sql + " IS NULL THEN NULL ELSE '[' || " +
             (parts.empty() ? "''" : parts) + " || ']' END";
    }
    const std::string item = variable();
    if (type.kind() == TypeKind::kMap) {
      return joined("list_transform(map_entries(" + sql + "), lambda " + item + ": '[' || " +
                    json(item + ".key", type.key()) + " || ',' || " +
                    json(item + ".value", type.value()) + " || ']')");
    }
    return joined("list_transform(" + sql + ", lambda " + item + ": " + json(item, type.element()) +
                  ")");
  }

  std::string zone_;
  int counter_ = 0;
};

}  // namespace

std::string as_text_query(const LoweredQuery& query, const SessionConf& conf) {
  Printer printer(conf);
  std::string items;
  std::string names;
  const auto& fields = query.schema.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string column = "\"c" + std::to_string(i) + "\"";
    items += (i == 0 ? "" : ", ") + printer.text("q." + column, *fields[i].type) + " AS " + column;
    names += (i == 0 ? "" : ", ") + column;
  }
  if (!query.ordered) {
    return "SELECT " + items + " FROM (" + query.duckdb_sql + ") AS q(" + names + ")";
  }
  return "SELECT " + items + " FROM (SELECT *, row_number() OVER () FROM (" + query.duckdb_sql +
         ") AS p) AS q(" + names + (names.empty() ? "" : ", ") + "\"n\") ORDER BY q.\"n\"";
}

}  // namespace sluice::sparksql
