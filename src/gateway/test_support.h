// A gateway with one deployed method, for tests that look at one thing of a call.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/value/json_read.h"

namespace sluice::gateway {

class NoService final : public aws::ServiceInvoker {
 public:
  void call(aws::ServiceRequest, aws::ServiceDone done) override { done({}); }
};

class PromiseSink final : public http::ResponseSink {
 public:
  explicit PromiseSink(std::promise<http::Response>& out) : out_(out) {}
  void send(http::Response response) override { out_.set_value(std::move(response)); }
  void start(http::Response) override {}
  bool write(std::string) override { return false; }
  void finish() override {}
  void abort() override {}
  std::size_t pending_bytes() const override { return 0; }
  void when_writable(std::function<void()> ready) override { ready(); }

 private:
  std::promise<http::Response>& out_;
};

class DeployedApi : public testing::Test {
 protected:
  void open(http::AsyncClient* outgoing = nullptr) {
    gateway_ =
        std::move(*Gateway::open(":memory:", {service_, clock_, random_, metrics_, {}, outgoing}));
  }

  static std::string field(const std::string& json, std::string_view name) {
    Arena arena;
    const auto v = read_json(arena, json);
    return v && v->kind == Kind::kMap ? std::string(v->map->get(name).text()) : "";
  }
  static http::Response answer(http::Handler& handler, const std::string& target,
                               const std::string& body) {
    http::Request request;
    request.method = "POST";
    request.target = target;
    request.body = body;
    std::promise<http::Response> out;
    handler.handle(std::move(request), http::Responder(std::make_shared<PromiseSink>(out)));
    return out.get_future().get();
  }

  // Any method at `path`, deployed as stage "s". `operation` and `root` are members of the
  // document's objects of these names.
  void deploy(const std::string& path, const std::string& operation, const std::string& root,
              const std::string& stage_variables = "{}") {
    const http::Response imported =
        answer(gateway_->control_plane(), "/restapis?mode=import",
               fmt::format(R"({{"openapi": "3.0.1", "info": {{"title": "t"}}, {},
            "paths": {{"{}": {{"x-amazon-apigateway-any-method": {{{}}}}}}}}})",
                           root, path, operation));
    ASSERT_EQ(imported.status, 201) << imported.body;
    id_ = field(imported.body, "id");
    const http::Response deployed =
        answer(gateway_->control_plane(), "/restapis/" + id_ + "/deployments",
               "{\"stageName\":\"s\",\"variables\":" + stage_variables + "}");
    ASSERT_EQ(deployed.status, 201) << deployed.body;
  }

  http::Response call(const std::string& method, const std::string& path,
                      const std::vector<std::pair<std::string, std::string>>& headers = {},
                      std::string body = "") {
    http::Request request;
    request.method = method;
    request.target = "/s" + path;
    request.peer = "192.0.2.7";
    request.body = std::move(body);
    for (const auto& [name, value] : headers)
      request.headers.add(name, value);
    std::promise<http::Response> out;
    gateway_->invoke({id_, "s", path}, std::move(request),
                     http::Responder(std::make_shared<PromiseSink>(out)));
    return out.get_future().get();
  }

  NoService service_;
  base::ManualClock clock_{1'700'000'000'000};
  base::SeededRandom random_{7};
  base::MetricsRegistry metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::string id_;
};

}  // namespace sluice::gateway
