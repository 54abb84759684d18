// One port for everything (docs/design: security): decides what each request is, refuses what a
// browser must not send, and hands it to the room that answers. Runs on the event loops; keeps no
// state between requests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/metrics.h"
#include "gateway/gateway.h"
#include "http/browser_guard.h"
#include "http/http.h"

namespace sluice::server {

class Front final : public http::Handler {
 public:
  struct Rooms {
    aws::ServiceInvoker& kinesis;
    gateway::Gateway& gateway;
    http::Handler& admin;
    http::BrowserGuard guard;
    std::string default_api;  // id of the API whose stages may stand first in a path; empty: none
  };

  Front(Rooms rooms, base::MetricsRegistry& metrics);
  void handle(http::Request&& request, http::Responder responder) override;

 private:
  // False: refused, and the refusal was sent.
  bool let_in(const http::Request& request, http::PathClass path, http::Responder& responder) const;
  void call_kinesis(http::Request&& request, http::Responder responder);
  // An AWS call by its signature's scope or its target header.
  bool names_service(const http::Request& request, std::string_view service,
                     std::string_view target_prefix) const;

  Rooms rooms_;
  base::Counter& admin_requests_;
  base::Counter& invoke_requests_;
  base::Counter& service_requests_;
  base::Counter& unknown_requests_;
};

}  // namespace sluice::server
