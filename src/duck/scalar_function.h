// Native scalar functions: a C++ body called for a chunk of rows. What every function needs (type
// handles, NULL rows, writing text and nested values, error reporting without exceptions) is here.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "duck/duck.h"

namespace sluice::duck {

__extension__ using Int128 = __int128;

// An owned DuckDB type.
class LogicalType {
 public:
  explicit LogicalType(duckdb_type simple) : type_(duckdb_create_logical_type(simple)) {}
  static LogicalType decimal(int precision, int scale);
  static LogicalType list(const LogicalType& element);
  static LogicalType map(const LogicalType& key, const LogicalType& value);
  static LogicalType structure(const std::vector<std::string>& names,
                               const std::vector<LogicalType>& types);
  LogicalType(LogicalType&& other) noexcept;
  LogicalType& operator=(LogicalType&& other) noexcept;
  ~LogicalType();
  duckdb_logical_type raw() const { return type_; }

 private:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  duckdb_logical_type type_ = nullptr;
};

// Fills one vector, any row at a time. Children of lists grow by need.
class Writer {
 public:
  explicit Writer(duckdb_vector vector);
  void set_null(std::uint64_t row);
  template <class T>
  void set(std::uint64_t row, T value) {
    static_cast<T*>(data_)[row] = value;
  }
  // Copies. Text must be valid UTF-8 where the vector is VARCHAR.
  void set_text(std::uint64_t row, std::string_view text);
  // Points at the text, which must outlive every reader of the vector.
  void set_text_in_place(std::uint64_t row, std::string_view text);
  void set_decimal(std::uint64_t row, Int128 unscaled);  // by the vector's own width

  // A list's elements: append() room for `length` more and get the offset of the first.
  std::uint64_t append(std::uint64_t row, std::uint64_t length);
  Writer list_child() const;  // valid until the next append()
  Writer struct_child(std::uint64_t at) const;
  duckdb_vector raw() const { return vector_; }

 private:
  duckdb_vector vector_;
  void* data_;
  duckdb_type type_;
  std::uint64_t* validity_ = nullptr;  // fetched at the first NULL
};

// One chunk's call.
class ScalarCall {
 public:
  ScalarCall(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output);
  std::uint64_t size() const { return size_; }
  std::uint64_t argument_count() const { return arguments_.size(); }
  const Vector& argument(std::uint64_t at) const { return arguments_[at]; }
  Writer& result() { return result_; }
  bool any_null(std::uint64_t row) const;
  // The query ends with this message. Return from the body after it.
  void fail(const std::string& message);
  bool failed() const { return failed_; }

 private:
  duckdb_function_info info_;
  std::uint64_t size_;
  std::vector<Vector> arguments_;
  Writer result_;
  bool failed_ = false;
};

using ScalarBody = std::function<void(ScalarCall&)>;

struct ScalarFunction {
  std::string name;
  std::vector<LogicalType> arguments;
  LogicalType result;
  // Called for whole chunks, from several threads at once: const, or its own locks. It looks for
  // NULLs itself (ScalarCall::any_null).
  ScalarBody body;
  // Set where an answer may be an error or differs from call to call: DuckDB then runs it for the
  // rows that are asked for and no others.
  bool is_volatile = false;
  bool varargs = false;  // any number of the one argument type
};

// No harm where the name is registered already: the first stays.
DuckResult<void> register_scalar(Connection& connection, ScalarFunction function);
// The same for functions of one name that differ in their arguments.
DuckResult<void> register_overloads(Connection& connection, std::vector<ScalarFunction> functions);

}  // namespace sluice::duck
