// What the files of the control plane share: the call as it was asked, and the shapes of answers.
#pragma once

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/json_protocol.h"
#include "base/json_writer.h"
#include "gateway/control_plane.h"
#include "gateway/json_fields.h"
#include "gateway/patch.h"

namespace sluice::gateway {

inline constexpr std::size_t kPageDefault = 25;
inline constexpr std::size_t kPageMax = 500;

// One call of the control plane.
struct Asked {
  const http::Request& request;
  aws::Caller caller;
  std::vector<std::string> parts;  // of the path, decoded
  std::vector<std::pair<std::string, std::string>> query;
  std::shared_ptr<const RestApi> api;  // where the path names one
  const Map* body = nullptr;           // of a call that has JSON, never null there

  std::string_view parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
      if (key == name) return value;
    }
    return {};
  }
  bool is(std::string_view method) const { return request.method == method; }
  std::size_t number(std::string_view name, std::size_t otherwise) const {
    const std::string_view text = parameter(name);
    std::size_t n = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  }
  std::size_t limit() const {
    return std::clamp<std::size_t>(number("limit", kPageDefault), 1, kPageMax);
  }
};

inline http::Response reply(int status, std::string body) {
  http::Response out;
  out.status = status;
  out.headers.set("Content-Type", "application/json");
  out.body = std::move(body);
  return out;
}

inline http::Response error(int status, std::string_view type, std::string_view message) {
  std::string body;
  base::JsonWriter(body).begin_object().field("message", message).end_object();
  http::Response out = reply(status, std::move(body));
  out.headers.set("x-amzn-ErrorType", type);
  return out;
}

inline http::Response not_found(std::string_view message) {
  return error(404, "NotFoundException", message);
}
inline http::Response bad_request(std::string_view message) {
  return error(400, "BadRequestException", message);
}

http::Response store_error(const base::Failure<StoreError>& failure);

template <class Write>
http::Response written(int status, Write write) {
  std::string body;
  base::JsonWriter out(body);
  write(out);
  return reply(status, std::move(body));
}

// Lists are {"item": [...], "position": …}; the position is the number of the next item.
template <class T, class Write>
http::Response page(const std::vector<T>& items, std::size_t from, std::size_t limit, Write write) {
  std::string body;
  base::JsonWriter out(body);
  out.begin_object();
  const std::size_t to = std::min(items.size(), from + limit);
  if (to < items.size()) out.field("position", std::string_view(std::to_string(to)));
  out.key("item").begin_array();
  for (std::size_t i = std::min(from, items.size()); i < to; ++i)
    write(out, items[i]);
  out.end_array().end_object();
  return reply(200, std::move(body));
}

// A part of the path, as control_*.cc answer for it: they change `api`, and what they answer counts
// when it is stored; calls of GET change nothing.
using ApiOperation = http::Response (*)(RestApi& api, const Asked& asked, base::Random& random);
struct ApiRoute {
  std::string_view method;
  std::string_view path;  // after /restapis/<id>/
  ApiOperation answer;
};
std::span<const ApiRoute> resource_routes();     // control_resources.cc
std::span<const ApiRoute> integration_routes();  // control_integrations.cc
std::span<const ApiRoute> part_routes();         // control_parts.cc

// Where the path names them; the first that is missing is what the answer says.
struct Named {
  Resource* resource = nullptr;
  MethodModel* method = nullptr;
  std::string missing;
};
Named find_resource(RestApi& api, const Asked& asked);
Named find_method(RestApi& api, const Asked& asked);

// The first of `names` that the call sets, as an answer that says that it is not available.
std::optional<http::Response> not_available(const Asked& asked,
                                            std::initializer_list<std::string_view> names);

// Applies the call's patch and answers what is wrong with it.
template <class T>
std::optional<http::Response> patched(T& to, std::span<const PatchField<T>> fields,
                                      const Asked& asked) {
  std::vector<PatchOperation> operations;
  if (const auto error = read_patch(*asked.body, operations)) return bad_request(*error);
  if (const auto error = apply_patch(to, fields, operations)) return bad_request(*error);
  return std::nullopt;
}

}  // namespace sluice::gateway
