#include "duck/scalar_function.h"

#include <cassert>
#include <cstring>
#include <exception>
#include <memory>

#include "duck/state.h"

// Exported by libduckdb 1.5, not yet in the header of 1.4: assigns without the check of UTF-8 that
// duckdb_vector_assign_string_element_len makes (our functions give valid text).
extern "C" void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index,
                                                               const char* str, idx_t str_len);

namespace sluice::duck {

LogicalType LogicalType::decimal(int precision, int scale) {
  return LogicalType(duckdb_create_decimal_type(static_cast<std::uint8_t>(precision),
                                                static_cast<std::uint8_t>(scale)));
}

LogicalType LogicalType::list(const LogicalType& element) {
  return LogicalType(duckdb_create_list_type(element.raw()));
}

LogicalType LogicalType::map(const LogicalType& key, const LogicalType& value) {
  return LogicalType(duckdb_create_map_type(key.raw(), value.raw()));
}

LogicalType LogicalType::structure(const std::vector<std::string>& names,
                                   const std::vector<LogicalType>& types) {
  assert(names.size() == types.size());
  std::vector<const char*> raw_names;
  std::vector<duckdb_logical_type> raw_types;
  for (std::size_t i = 0; i < names.size(); ++i) {
    raw_names.push_back(names[i].c_str());
    raw_types.push_back(types[i].raw());
  }
  return LogicalType(duckdb_create_struct_type(raw_types.data(), raw_names.data(), names.size()));
}

LogicalType::LogicalType(LogicalType&& other) noexcept
    : type_(std::exchange(other.type_, nullptr)) {}

LogicalType& LogicalType::operator=(LogicalType&& other) noexcept {
  std::swap(type_, other.type_);
  return *this;
}

LogicalType::~LogicalType() {
  if (type_ != nullptr) duckdb_destroy_logical_type(&type_);
}

Writer::Writer(duckdb_vector vector) : vector_(vector), data_(duckdb_vector_get_data(vector)) {
  duckdb_logical_type type = duckdb_vector_get_column_type(vector);
  type_ = duckdb_get_type_id(type);
  if (type_ == DUCKDB_TYPE_DECIMAL) type_ = duckdb_decimal_internal_type(type);
  duckdb_destroy_logical_type(&type);
}

void Writer::set_null(std::uint64_t row) {
  if (type_ == DUCKDB_TYPE_STRUCT) {
    // A struct's NULL covers its fields: readers may look at them alone.
    duckdb_logical_type type = duckdb_vector_get_column_type(vector_);
    const idx_t count = duckdb_struct_type_child_count(type);
    duckdb_destroy_logical_type(&type);
    for (idx_t i = 0; i < count; ++i)
      struct_child(i).set_null(row);
  }
  if (validity_ == nullptr) {
    duckdb_vector_ensure_validity_writable(vector_);
    validity_ = duckdb_vector_get_validity(vector_);
  }
  validity_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  if (type_ == DUCKDB_TYPE_LIST || type_ == DUCKDB_TYPE_MAP)
    static_cast<duckdb_list_entry*>(data_)[row] = {duckdb_list_vector_get_size(vector_), 0};
}

void Writer::set_text(std::uint64_t row, std::string_view text) {
  duckdb_unsafe_vector_assign_string_element_len(vector_, row, text.data(), text.size());
}

void Writer::set_text_in_place(std::uint64_t row, std::string_view text) {
  duckdb_string_t& value = static_cast<duckdb_string_t*>(data_)[row];
  value.value.inlined.length = static_cast<std::uint32_t>(text.size());
  if (text.size() <= sizeof(value.value.inlined.inlined)) {
    std::memset(value.value.inlined.inlined, 0, sizeof(value.value.inlined.inlined));
    if (!text.empty()) std::memcpy(value.value.inlined.inlined, text.data(), text.size());
    return;
  }
  std::memcpy(value.value.pointer.prefix, text.data(), sizeof(value.value.pointer.prefix));
  value.value.pointer.ptr = const_cast<char*>(text.data());
}

void Writer::set_decimal(std::uint64_t row, Int128 unscaled) {
  switch (type_) {
    case DUCKDB_TYPE_SMALLINT:
      return set(row, static_cast<std::int16_t>(unscaled));
    case DUCKDB_TYPE_INTEGER:
      return set(row, static_cast<std::int32_t>(unscaled));
    case DUCKDB_TYPE_BIGINT:
      return set(row, static_cast<std::int64_t>(unscaled));
    default:
      return set(row, duckdb_hugeint{.lower = static_cast<std::uint64_t>(unscaled),
                                     .upper = static_cast<std::int64_t>(unscaled >> 64)});
  }
}

std::uint64_t Writer::append(std::uint64_t row, std::uint64_t length) {
  const std::uint64_t offset = duckdb_list_vector_get_size(vector_);
  duckdb_list_vector_reserve(vector_, offset + length);
  duckdb_list_vector_set_size(vector_, offset + length);
  static_cast<duckdb_list_entry*>(data_)[row] = {offset, length};
  return offset;
}

Writer Writer::list_child() const {
  return Writer(duckdb_list_vector_get_child(vector_));
}

Writer Writer::struct_child(std::uint64_t at) const {
  return Writer(duckdb_struct_vector_get_child(vector_, at));
}

ScalarCall::ScalarCall(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
    : info_(info), size_(duckdb_data_chunk_get_size(input)), result_(output) {
  const idx_t count = duckdb_data_chunk_get_column_count(input);
  arguments_.reserve(count);
  for (idx_t i = 0; i < count; ++i)
    arguments_.emplace_back(duckdb_data_chunk_get_vector(input, i));
}

bool ScalarCall::any_null(std::uint64_t row) const {
  for (const Vector& argument : arguments_) {
    if (argument.is_null(row)) return true;
  }
  return false;
}

void ScalarCall::fail(const std::string& message) {
  failed_ = true;
  duckdb_scalar_function_set_error(info_, message.c_str());
}

namespace {

// DuckDB calls this; nothing may be thrown through it.
void run_body(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  try {
    ScalarCall call(info, input, output);
    (*static_cast<const ScalarBody*>(duckdb_scalar_function_get_extra_info(info)))(call);
  } catch (const std::exception& error) {
    duckdb_scalar_function_set_error(info, error.what());
  }
}

void destroy_body(void* body) {
  delete static_cast<ScalarBody*>(body);
}

duckdb_scalar_function make_function(ScalarFunction function) {
  duckdb_scalar_function raw = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(raw, function.name.c_str());
  if (function.varargs) {
    assert(function.arguments.size() == 1);
    duckdb_scalar_function_set_varargs(raw, function.arguments[0].raw());
  } else {
    for (const LogicalType& argument : function.arguments)
      duckdb_scalar_function_add_parameter(raw, argument.raw());
  }
  duckdb_scalar_function_set_return_type(raw, function.result.raw());
  duckdb_scalar_function_set_special_handling(raw);
  if (function.is_volatile) duckdb_scalar_function_set_volatile(raw);
  duckdb_scalar_function_set_extra_info(raw, new ScalarBody(std::move(function.body)),
                                        destroy_body);
  duckdb_scalar_function_set_function(raw, run_body);
  return raw;
}

}  // namespace

DuckResult<void> register_scalar(Connection& connection, ScalarFunction function) {
  std::vector<ScalarFunction> functions;
  functions.push_back(std::move(function));
  return register_overloads(connection, std::move(functions));
}

DuckResult<void> register_overloads(Connection& connection, std::vector<ScalarFunction> functions) {
  assert(!functions.empty());
  const std::string name = functions.front().name;
  const std::lock_guard lock(connection.state().mutex);
  if (connection.state().functions.contains(name)) return {};
  duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name.c_str());
  bool good = true;
  for (ScalarFunction& function : functions) {
    assert(function.name == name);
    duckdb_scalar_function raw = make_function(std::move(function));
    good = good && duckdb_add_scalar_function_to_set(set, raw) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&raw);
  }
  good = good && duckdb_register_scalar_function_set(connection.raw(), set) == DuckDBSuccess;
  duckdb_destroy_scalar_function_set(&set);
  if (!good) return base::fail(DuckError::kInternal, "DuckDB takes no function " + name);
  connection.state().functions.insert(name);
  return {};
}

}  // namespace sluice::duck
