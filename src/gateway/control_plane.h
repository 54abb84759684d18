// API Gateway's own API (REST-JSON). Answers on the blocking pool: every change is on disk before
// it is acknowledged. Calls that touch one API alone are functions in control_resources.cc,
// control_integrations.cc and control_parts.cc; deployments and stages in control_stages.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/random.h"
#include "gateway/data_plane.h"
#include "gateway/openapi.h"
#include "gateway/store.h"
#include "http/http.h"

namespace sluice::gateway {

struct Asked;  // control_replies.h
struct ApiRoute;

class ControlPlane final : public http::Handler {
 public:
  ControlPlane(Store& store, DataPlane& data_plane, base::Clock& clock, base::Random& random,
               std::function<bool(std::function<void()>)> blocking);

  void handle(http::Request&& request, http::Responder responder) override;
  // The same without HTTP around it. Blocks on the disk.
  http::Response answer(const http::Request& request);

 private:
  http::Response dispatch(const Asked& asked);
  http::Response of_api(const Asked& asked);
  http::Response edit(const Asked& asked, const ApiRoute& route);
  http::Response create_api(const Asked& asked);
  http::Response get_api(const Asked& asked);
  http::Response update_api(const Asked& asked);
  http::Response tags(const Asked& asked);
  http::Response get_export(const Asked& asked);
  http::Response import_api(const Asked& asked);
  http::Response put_api(const Asked& asked);
  http::Response get_apis(const Asked& asked);
  http::Response delete_api(const Asked& asked);
  http::Response create_deployment(const Asked& asked);
  http::Response get_deployments(const Asked& asked);
  http::Response get_deployment(const Asked& asked);
  http::Response update_deployment(const Asked& asked);
  http::Response delete_deployment(const Asked& asked);
  http::Response create_stage(const Asked& asked);
  http::Response update_stage(const Asked& asked);
  http::Response serve_stage(const Asked& asked, const Stage& stage, int status);
  http::Response get_stages(const Asked& asked);
  http::Response get_stage(const Asked& asked);
  http::Response delete_stage(const Asked& asked);
  base::Result<RestApi, ImportError> read_import(const Asked& asked);

  Store& store_;
  DataPlane& data_plane_;
  base::Clock& clock_;
  base::Random& random_;
  std::function<bool(std::function<void()>)> blocking_;
  std::mutex changes_;  // one change at a time: store and data plane agree
};

}  // namespace sluice::gateway
