// One port for everything (docs/design: security): decides what each request is, refuses what a
// browser must not send, and hands it to the room that answers. Runs on the event loops; keeps no
// state between requests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/authenticator.h"
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
    aws::Authenticator authenticator;
    std::string default_api;   // id of the API whose stages may stand first in a path; empty: none
    bool cors_as_aws = false;  // Kinesis answers any web page
  };

  Front(Rooms rooms, base::MetricsRegistry& metrics);
  void handle(http::Request&& request, http::Responder responder) override;

 private:
  // What AWS says to the signature of a call for `service`; nullopt: it may go on.
  std::optional<aws::Refusal> check_signature(const http::Request& request,
                                              std::string_view service) const;
  // False: refused, and the refusal was sent. `trusted`: any page may have made it.
  bool let_in(const http::Request& request, http::PathClass path, http::Responder& responder,
              bool trusted = false) const;
  void handle_admin(http::Request&& request, http::Responder responder);
  void handle_kinesis(http::Request&& request, http::PathClass path, http::Responder responder);
  void handle_apigateway(http::Request&& request, http::Responder responder);
  void call_kinesis(http::Request&& request, std::optional<aws::Refusal> refusal,
                    http::Headers cors, http::Responder responder);
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
