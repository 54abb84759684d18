// How a command reaches Sluice: by HTTP to a server, or, where none runs, the engine itself over
// the data folder, asked in the same words (the server's handler is called in process). Commands do
// not know which.
#pragma once

#include <boost/json/object.hpp>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "http/http.h"

namespace sluice::cli {

// Why a command cannot go on, for people.
template <class T>
using Outcome = std::expected<T, std::string>;

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Outcome<http::Response> fetch(http::Request request) = 0;
  // Where it is, for messages: http://127.0.0.1:4566 or the folder.
  virtual std::string name() const = 0;

  // A Kinesis call; an error reply becomes "ResourceNotFoundException: Stream … not found.".
  Outcome<boost::json::object> kinesis(std::string_view action,
                                       const boost::json::object& arguments);
  // A JSON call to any other path; an error reply becomes its message.
  Outcome<boost::json::value> json(std::string method, std::string target, std::string body,
                                   std::string_view content_type = "application/json");
};

// What to do when there is neither a server nor a data folder.
enum class DataFolder { kMayBeAbsent, kMustExist };

// `--endpoint` if given; else the server that holds the data folder, found by the note it left
// there; else the folder.
Outcome<std::unique_ptr<Backend>> open_backend(const Where& where, DataFolder folder);
std::unique_ptr<Backend> connect(const std::string& endpoint);

// Prints "sluice: <message>" on standard error; the exit status of a failed command.
int complain(std::string_view message);

}  // namespace sluice::cli
