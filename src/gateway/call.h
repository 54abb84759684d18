// One call of a deployed method, from request to reply. Lives until the reply is sent: the service
// may answer on another thread.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/data_plane.h"
#include "http/async_client.h"

namespace sluice::gateway {

// A value of a template as text: null is empty, a list is several.
std::string java_text(const Value& v);
std::vector<std::string> java_texts(const Value& v);

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(DataPlane& plane, std::shared_ptr<const StageRuntime> stage, std::string path_and_query,
       http::Request&& request, http::Responder responder);

  void run();

 private:
  // What the gateway replies itself.
  struct Error {
    ResponseType response;
    int status;
    std::string_view type;  // x-amzn-ErrorType
    std::string message;
    bool spaced = true;       // AWS writes {"message": "…"}, and {"message":"…"} with some
    std::string detail = {};  // what a validator found
  };
  using Checked = std::expected<void, Error>;

  static Error internal_error();
  static Error configuration_error();
  static Error bad_request(ResponseType response, std::string_view text);

  void read_request();
  Checked prepare();
  Checked validate();
  Checked validate_body();
  Checked check_body();
  Checked map_request();
  void map_query(const Mapping& m, std::string value);
  Checked render_request();
  Checked render(const CompiledTemplate& t, std::string_view body, std::string& out);
  void call_service();
  void call_http();
  std::optional<std::string> integration_url() const;
  void proxy_headers();
  void default_headers();
  std::string trace_id();
  void http_answered(base::Result<http::Response, http::ClientError> answer);
  static Error http_error(const base::Failure<http::ClientError>& failure);
  void answer_mock();
  void integration_answered(int status, std::string body, http::Headers headers);
  Checked map_response(const CompiledResponse& chosen, int status, http::Response& out);
  const CompiledResponse* choose_response(int status) const;
  const CompiledTemplate* choose_template(const CompiledResponse& response) const;
  void apply_overrides(http::Response& out, const Value& context);
  void request_overrides();
  void finish(http::Response response);
  void fail(const Error& error);
  void customize(const Error& error, const CompiledGatewayResponse& custom, http::Response& out);
  void note_error(const Error& error);

  std::expected<std::string, Error> evaluate(const Expression& e, bool response);
  std::string context_value(std::string_view path);
  std::string value_of(std::string_view expression);
  Value build_context();
  Value build_stage_variables();
  void prepare_environment(const vtl::Template& t);
  bool is_binary(std::string_view media_type) const;

  DataPlane& plane_;
  std::shared_ptr<const StageRuntime> stage_;
  http::Request request_;
  http::Responder responder_;
  std::string path_and_query_;
  std::int64_t started_ns_;
  std::int64_t started_ms_;
  std::string request_id_;
  std::string extended_id_;
  std::string trace_id_;
  std::string media_type_;  // of the request, lower case, without parameters
  Route route_;
  const CompiledMethod* method_ = nullptr;
  std::vector<std::pair<std::string, std::string>> query_;
  vtl::Parameters params_;
  vtl::Environment env_;
  http::Headers integration_headers_;
  std::map<std::string, std::string> integration_path_;  // decoded
  std::vector<std::pair<std::string, std::string>> integration_query_;
  std::string integration_body_;
  std::string response_body_;
  http::Headers response_headers_;
};

}  // namespace sluice::gateway
