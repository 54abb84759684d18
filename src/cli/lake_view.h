// The Delta tables of a data folder as commands see them: details, history, and Spark SQL over
// them. Opens no server and takes no lock; each look sees the newest snapshots.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/backend.h"
#include "cli/text_table.h"
#include "delta/delta.h"
#include "sparksql/session.h"
#include "types/data_type.h"

namespace sluice::cli {

struct ResultTable {
  types::DataType schema;  // a struct
  std::vector<Column> columns;
  std::vector<Row> rows;  // values as Spark prints them
};

struct TableDetails {
  std::string schema_name, name, root;
  types::DataType schema;
  std::int64_t version = 0;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t rows = -1;  // −1: some file does not say
  std::int64_t updated_ms = 0;
};

// A row as people read it: numbers inside arrays without the quotes of the text form.
Row readable_row(const types::DataType& schema, Row row);
ResultTable empty_result(const types::DataType& schema);

class LakeView {
 public:
  static Outcome<std::unique_ptr<LakeView>> open(const std::string& data_folder,
                                                 DataFolder folder = DataFolder::kMustExist);
  ~LakeView();

  Outcome<std::vector<TableDetails>> tables();
  // `name`: table, or schema.table.
  Outcome<TableDetails> details(const std::string& name);
  // Newest first.
  Outcome<std::vector<delta::HistoryEntry>> history(const std::string& name, std::size_t count);
  // One query over the tables as they are now.
  Outcome<ResultTable> query(const std::string& sql);

  // The session of `sluice sql`: settings and views last from call to call, each call sees the
  // newest snapshots.
  sparksql::SqlResult<sparksql::RowReader> run(const sparksql::Statement& statement);
  // All statements of a text, one JSON line each; how many failed.
  int run_json(const std::string& text, const std::string& file,
               const std::function<void(std::string_view)>& emit);

 private:
  struct Parts;
  explicit LakeView(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// 2026-11-23 18:00:05 UTC
std::string utc_text(std::int64_t ms);
// `name` between backticks.
std::string quoted_name(const std::string& name);

}  // namespace sluice::cli
