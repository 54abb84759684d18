#include "server/instance.h"

#include <fmt/format.h>

#include "base/log.h"

namespace sluice::server {
namespace {

constexpr base::Logger kLog{"server"};

}  // namespace

Instance::Instance(const Settings& settings) : settings_(settings) {}

Instance::~Instance() {
  stop();
}

std::expected<std::unique_ptr<Instance>, std::string> Instance::start(const Settings& settings) {
  const std::string address = settings.host() == "localhost" ? "127.0.0.1" : settings.host();
  // First of all: a port that is taken must not cost a data folder.
  auto listener = http::Listener::open(address, static_cast<std::uint16_t>(settings.port()));
  if (!listener) return std::unexpected(listener.error().message);
  auto engine = Engine::open(settings, Callers::kNetwork);
  if (!engine) return std::unexpected(engine.error());

  std::unique_ptr<Instance> made(new Instance(settings));
  made->engine_ = std::move(*engine);
  made->loops_ = std::make_unique<runtime::LoopGroup>(static_cast<std::size_t>(settings.loops()),
                                                      &made->engine_->metrics());
  made->engine_->on_failure([instance = made.get()] {
    const std::lock_guard lock(instance->mutex_);
    instance->failed_ = true;
    instance->wake_.notify_all();
  });
  http::ServerOptions options{
      .address = address, .port = listener->port(), .limits = settings.http_limits()};
  made->server_ = std::make_unique<http::Server>(*made->loops_, made->engine_->front(), options,
                                                 made->engine_->metrics());
  made->loops_->start();
  auto port = made->server_->start(std::move(*listener));
  if (!port) return std::unexpected(port.error().message);
  made->port_ = *port;
  if (auto noted = made->engine_->note_endpoint(made->endpoint()); !noted)
    return std::unexpected(noted.error());
  return made;
}

std::string Instance::endpoint() const {
  // Nobody can call the address that stands for all of them.
  std::string host = settings_.host();
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return fmt::format("http://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]",
                     port_);
}

bool Instance::wait() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stop_requested_ || failed_; });
  return !failed_;
}

void Instance::request_stop() {
  const std::lock_guard lock(mutex_);
  stop_requested_ = true;
  wake_.notify_all();
}

void Instance::stop() {
  if (server_) {
    if (!server_->stop(settings_.stop_timeout()))
      kLog.warn("requests were cut off after {} ms", settings_.stop_timeout().count());
  }
  if (engine_) engine_->stop();
  if (loops_) loops_->stop();
  server_.reset();
  engine_.reset();
  loops_.reset();
}

}  // namespace sluice::server
