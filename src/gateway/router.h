// Which resource and method a path means: static parts before {name} before {name+}, going back
// where a branch has no method for the request. Built once from an API's resources.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/model.h"

namespace sluice::gateway {

struct Route {
  std::size_t resource = 0;                                     // number in RestApi::resources
  std::string method;                                           // as it is defined: "PUT" or "ANY"
  std::vector<std::pair<std::string, std::string>> parameters;  // decoded values
};

class Router {
 public:
  explicit Router(const std::vector<Resource>& resources);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // `path` is what follows the stage, still percent-encoded. False: no method answers there.
  bool find(std::string_view method, std::string_view path, Route& out) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
    std::unique_ptr<Node> variable;
    std::unique_ptr<Node> greedy;
    std::string name;  // of the variable
    std::size_t resource = 0;
    bool has_any = false;
    std::vector<std::string> methods;
  };
  static bool answers(const Node& node, std::string_view method, Route& out);
  bool walk(const Node& node, std::size_t part, std::string_view method, Route& out,
            const std::vector<std::string_view>& parts, std::string_view path) const;

  Node root_;
};

}  // namespace sluice::gateway
