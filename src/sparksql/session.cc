// Session: statement by statement over one connection.
#include "sparksql/session.h"

#include "base/json_writer.h"
#include "sparksql/analyzer.h"
#include "sparksql/error.h"

namespace sluice::sparksql {

class Session::Tables final : public Catalog {
 public:
  explicit Tables(const Catalog& outer) : outer_(outer) {}

  std::optional<Relation> find(const TableName& name) const override {
    if (name.size() == 1) {
      if (const auto found = views.find(lower_case(name[0])); found != views.end()) {
        return found->second;
      }
    }
    return outer_.find(name);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> all = outer_.names();
    for (const auto& [name, view] : views) {
      all.push_back("`" + name + "`");
    }
    return all;
  }

  std::map<std::string, Relation> views;

 private:
  const Catalog& outer_;
};

namespace {

// A native function that the registry knows and this build lacks: refused, as any other that is not
// there.
std::optional<std::string> missing_native(const std::string& message) {
  static constexpr std::string_view kBegin = "Function with name spark_";
  const auto begin = message.find(kBegin);
  const auto end = message.find(" does not exist");
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return std::nullopt;
  }
  return message.substr(begin + kBegin.size(), end - begin - kBegin.size());
}

SqlError from_duck(const base::Failure<duck::DuckError>& failure, const Place& place) {
  if (const auto name = missing_native(failure.message)) {
    return unsupported("what needs the function " + *name, Stage::kAnalysis, place);
  }
  if (failure.code == duck::DuckError::kInternal) {
    return make_error("INTERNAL_ERROR", "XX000", failure.message, Stage::kExecution, place);
  }
  return execution_error(failure.message, place);
}

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kParse:
      return "parse";
    case Stage::kAnalysis:
      return "analysis";
    case Stage::kExecution:
      return "execution";
  }
  return "";
}

bool is_nested(const types::DataType& type) {
  return type.kind() == types::TypeKind::kArray || type.kind() == types::TypeKind::kMap ||
         type.kind() == types::TypeKind::kStruct;
}

std::string row_json(const RowReader::Row& row, const types::DataType& schema) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_array();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i]) {
      json.null();
    } else if (is_nested(*schema.fields()[i].type)) {
      json.raw(*row[i]);
    } else {
      json.value(std::string_view(*row[i]));
    }
  }
  json.end_array();
  return out;
}

}  // namespace

SqlResult<std::optional<RowReader::Row>> RowReader::next() {
  while (result_) {
    if (chunk_ && row_ < chunk_->size()) {
      Row row;
      for (std::size_t i = 0; i < schema_.fields().size(); ++i) {
        const duck::Vector column = chunk_->column(i);
        row.push_back(column.is_null(row_) ? std::nullopt
                                           : std::optional(std::string(column.text(row_))));
      }
      ++row_;
      return row;
    }
    auto chunk = result_->next();
    if (!chunk) {
      SqlError error = from_duck(chunk.error(), place_);
      result_.reset();
      return std::unexpected(std::move(error));
    }
    if (!*chunk) {
      result_.reset();
      break;
    }
    chunk_ = std::move(**chunk);
    row_ = 0;
  }
  return std::optional<Row>();
}

Session::Session(duck::Connection& connection, const Catalog& tables, SessionConf conf)
    : connection_(connection), conf_(std::move(conf)), tables_(std::make_shared<Tables>(tables)) {}

SqlResult<std::unique_ptr<Session>> Session::open(duck::Connection& connection,
                                                  const Catalog& tables, SessionConf conf) {
  if (auto done = register_functions(connection); !done) {
    return std::unexpected(from_duck(done.error(), {}));
  }
  return std::unique_ptr<Session>(new Session(connection, tables, std::move(conf)));
}

SqlResult<void> Session::create_view(const Statement& statement) {
  const std::string name = lower_case(statement.name.back());
  if (tables_->views.contains(name) && !statement.or_replace) {
    if (statement.if_not_exists) {
      return {};
    }
    return std::unexpected(
        make_error("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
                   "Cannot create the temporary view " + quote_name(statement.name) +
                       " because it already exists. Choose a different name, drop or replace the "
                       "existing view, "
                       "or add the IF NOT EXISTS clause to tolerate pre-existing views.",
                   Stage::kAnalysis, statement.place));
  }
  // Spark resolves a view when it is made. The view it replaces is still there for it.
  const auto lowered = lower_query(statement.query, *tables_, conf_);
  if (!lowered) {
    return std::unexpected(lowered.error());
  }
  Relation view;
  view.kind = Relation::Kind::kView;
  view.schema = lowered->schema;
  view.view = statement.query;
  view.view_columns = statement.columns;
  view.full_name = {statement.name.back()};
  if (!statement.columns.empty() && statement.columns.size() != lowered->schema.fields().size()) {
    return std::unexpected(make_error("CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
                                      "21S01", "The view's columns are not as many as the query's.",
                                      Stage::kAnalysis, statement.place));
  }
  tables_->views[name] = std::move(view);
  return {};
}

SqlResult<RowReader> Session::run(const Statement& statement) {
  RowReader reader;
  reader.schema_ = types::DataType::structure({});
  reader.place_ = statement.place;
  if (statement.kind == StatementKind::kSet) {
    for (const auto& [key, value] : statement.properties) {
      if (auto done = conf_.set(key, value); !done) {
        SqlError error = done.error();
        error.place = statement.place;
        return std::unexpected(std::move(error));
      }
    }
    return reader;
  }
  if (statement.kind == StatementKind::kCreateTemporaryView) {
    if (auto done = create_view(statement); !done) {
      return std::unexpected(done.error());
    }
    return reader;
  }
  if (statement.kind != StatementKind::kQuery) {
    return std::unexpected(
        unsupported("this statement here (a session takes queries, SET and CREATE TEMPORARY VIEW)",
                    Stage::kAnalysis, statement.place));
  }
  const auto lowered = lower_query(statement.query, *tables_, conf_);
  if (!lowered) {
    return std::unexpected(lowered.error());
  }
  if (auto done = register_natives(connection_, lowered->functions); !done) {
    return std::unexpected(from_duck(done.error(), statement.place));
  }
  auto result = connection_.stream(as_text_query(*lowered, conf_));
  if (!result) {
    return std::unexpected(from_duck(result.error(), statement.place));
  }
  reader.schema_ = lowered->schema;
  reader.result_ = std::move(*result);
  return reader;
}

std::string error_json(const SqlError& error) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("error").begin_object();
  json.field("class", std::string_view(error.error_class));
  json.key("sqlState");
  if (error.sql_state.empty()) {
    json.null();
  } else {
    json.value(std::string_view(error.sql_state));
  }
  json.field("message", std::string_view(error.message));
  json.field("stage", stage_name(error.stage));
  json.field("line", error.place.line).field("column", error.place.column);
  json.end_object().end_object();
  return out;
}

int Session::run_text(std::string_view text, const std::string& file,
                      const std::function<void(std::string_view)>& emit) {
  int failures = 0;
  for (const auto& statement : parse_statements_leniently(text, file)) {
    SqlResult<RowReader> reader =
        statement ? run(*statement) : SqlResult<RowReader>(std::unexpected(statement.error()));
    if (!reader) {
      ++failures;
      emit(error_json(reader.error()) + "\n");
      continue;
    }
    // A failure may come behind any row: the line starts when the first chunk is there, and an
    // error after that closes it with an "error" member of its own.
    auto row = reader->next();
    if (!row) {
      ++failures;
      emit(error_json(row.error()) + "\n");
      continue;
    }
    std::string head = "{\"schema\":";
    base::append_json_string(head, reader->schema().to_ddl());
    emit(head + ",\"rows\":[");
    bool first = true;
    while (row && *row) {
      emit((first ? "" : ",") + row_json(**row, reader->schema()));
      first = false;
      row = reader->next();
    }
    if (!row) {
      ++failures;
      emit("]," + error_json(row.error()).substr(1) + "\n");
    } else {
      emit("]}\n");
    }
  }
  return failures;
}

}  // namespace sluice::sparksql
