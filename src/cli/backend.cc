#include "cli/backend.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <future>
#include <map>
#include <optional>

#include "base/env.h"
#include "cli/credentials.h"
#include "cli/interrupt.h"
#include "http/client.h"
#include "server/engine.h"
#include "server/settings.h"

namespace sluice::cli {
namespace {

namespace json = boost::json;

// A server that starts holds the folder before it says where it listens.
constexpr std::int64_t kServerStartMs = 10'000;
constexpr std::int64_t kPollMs = 50;

class RemoteBackend final : public Backend {
 public:
  explicit RemoteBackend(std::string endpoint) : endpoint_(std::move(endpoint)) {
    while (endpoint_.ends_with('/'))
      endpoint_.pop_back();
  }

  // Unsigned, until the server asks: only one with keys does, and others would take the key's
  // region and account for the caller's.
  Outcome<http::Response> fetch(http::Request request) override {
    if (!credentials_) {
      auto response = send(request);
      if (!response || !asks_for_signature(*response)) return response;
      auto found = find_credentials();
      if (!found) return std::unexpected(found.error());
      credentials_ = std::move(*found);
    }
    sign_request(request, endpoint_, *credentials_);
    return send(request);
  }

  std::string name() const override { return endpoint_; }

 private:
  static bool asks_for_signature(const http::Response& response) {
    constexpr std::string_view missing = "MissingAuthenticationTokenException";
    return response.status >= 400 && (response.headers.get("x-amzn-ErrorType") == missing ||
                                      response.body.find(missing) != std::string::npos);
  }

  Outcome<http::Response> send(const http::Request& request) {
    http::ClientRequest outgoing{.method = request.method, .url = endpoint_ + request.target};
    outgoing.headers = request.headers;
    outgoing.body = request.body;
    auto response = client_.fetch(outgoing);
    if (!response)
      return std::unexpected(fmt::format("{}: {}", endpoint_, response.error().message));
    return std::move(*response);
  }

  std::string endpoint_;
  std::optional<aws::Credentials> credentials_;  // once the server has asked for a signature
  http::Client client_;
};

// Keeps the one answer of a handler that is called in process.
class Waiting final : public http::ResponseSink {
 public:
  void send(http::Response response) override { answer_.set_value(std::move(response)); }
  void start(http::Response head) override { streamed_ = std::move(head); }
  bool write(std::string chunk) override {
    streamed_.body += chunk;
    return true;
  }
  void finish() override { answer_.set_value(std::move(streamed_)); }
  void abort() override {
    answer_.set_value({.status = 500, .headers = {}, .body = "the answer broke off"});
  }
  std::size_t pending_bytes() const override { return 0; }
  void when_writable(std::function<void()> ready) override { ready(); }

  http::Response wait() { return answer_.get_future().get(); }

 private:
  std::promise<http::Response> answer_;
  http::Response streamed_;
};

class EmbeddedBackend final : public Backend {
 public:
  static Outcome<std::unique_ptr<Backend>> open(const std::string& folder) {
    auto made = std::make_unique<EmbeddedBackend>();
    made->folder_ = folder;
    // Nobody else is here who could wait for a status.
    const std::map<std::string, std::string> flags{{"data", folder}, {"kinesis.transition", "0ms"}};
    if (auto loaded = made->settings_.load("", flags); !loaded)
      return std::unexpected(loaded.error().message);
    auto engine = server::Engine::open(made->settings_, server::Callers::kOwner);
    if (!engine) return std::unexpected(engine.error());
    made->engine_ = std::move(*engine);
    return made;
  }

  Outcome<http::Response> fetch(http::Request request) override {
    request.headers.set("Host", "localhost");
    request.peer = "127.0.0.1";
    auto sink = std::make_shared<Waiting>();
    engine_->front().handle(std::move(request), http::Responder(sink));
    return sink->wait();
  }

  std::string name() const override { return folder_; }

 private:
  std::string folder_;
  server::Settings settings_;
  std::unique_ptr<server::Engine> engine_;
};

// "Type: message" of an AWS error reply, or the body as it is.
std::string error_text(const http::Response& response) {
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error);
  if (error || !body.is_object()) return fmt::format("HTTP {}: {}", response.status, response.body);
  const auto text = [&](std::string_view name) -> std::string {
    const auto* v = body.as_object().if_contains(name);
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : "";
  };
  const std::string message = text("message").empty() ? text("Message") : text("message");
  const std::string type = text("__type");
  return type.empty() ? message : fmt::format("{}: {}", type, message);
}

}  // namespace

Outcome<json::value> Backend::json(std::string method, std::string target, std::string body,
                                   std::string_view content_type) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("Content-Type", content_type);
  request.headers.add("X-Sluice-Request", "1");
  request.body = std::move(body);
  auto response = fetch(std::move(request));
  if (!response) return std::unexpected(response.error());
  if (response->status >= 300) return std::unexpected(error_text(*response));
  if (response->body.empty()) return json::value(nullptr);
  boost::system::error_code error;
  json::value reply = json::parse(response->body, error);
  if (error)
    return std::unexpected(fmt::format("{}: the answer is no JSON: {}", name(), response->body));
  return reply;
}

Outcome<json::object> Backend::kinesis(std::string_view action, const json::object& arguments) {
  http::Request request;
  request.method = "POST";
  request.target = "/";
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", fmt::format("Kinesis_20131202.{}", action));
  request.body = json::serialize(arguments);
  auto response = fetch(std::move(request));
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(error_text(*response));
  if (response->body.empty()) return json::object();
  boost::system::error_code error;
  json::value reply = json::parse(response->body, error);
  if (error || !reply.is_object())
    return std::unexpected(fmt::format("{}: the answer is no JSON object", name()));
  return std::move(reply.as_object());
}

std::unique_ptr<Backend> connect(const std::string& endpoint) {
  return std::make_unique<RemoteBackend>(endpoint);
}

Outcome<std::unique_ptr<Backend>> open_backend(const Where& where, DataFolder folder) {
  if (!where.endpoint.empty()) return connect(where.endpoint);
  const Interrupt interrupt;
  for (std::int64_t waited = 0; waited < kServerStartMs; waited += kPollMs) {
    if (auto endpoint = server::running_endpoint(where.data)) return connect(*endpoint);
    if (!server::is_in_use(where.data) || !interrupt.wait_ms(kPollMs)) break;
  }
  if (folder == DataFolder::kMustExist && !base::posix_env().stat(where.data))
    return std::unexpected(
        fmt::format("there is no data folder {} and no --endpoint was given", where.data));
  return EmbeddedBackend::open(where.data);
}

int complain(std::string_view message) {
  fmt::print(stderr, "sluice: {}\n", message);
  return 1;
}

}  // namespace sluice::cli
