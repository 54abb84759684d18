#include "runtime/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

namespace sluice::runtime {

struct Signals::Impl : std::enable_shared_from_this<Signals::Impl> {
  Impl(Loop& loop, std::function<void(int)> callback)
      : set(loop.context(), SIGINT, SIGTERM), on_stop(std::move(callback)) {}

  void wait() {
    set.async_wait([self = shared_from_this()](const boost::system::error_code& error, int signal) {
      if (error) return;
      self->on_stop(signal);
      self->wait();
    });
  }

  boost::asio::signal_set set;
  std::function<void(int)> on_stop;
};

Signals::Signals(Loop& loop, std::function<void(int)> on_stop)
    : impl_(std::make_shared<Impl>(loop, std::move(on_stop))) {
  std::signal(SIGPIPE, SIG_IGN);
  impl_->wait();
}

Signals::~Signals() {
  // Not cancel(): a wait in flight on the loop's thread would race with it.
  boost::system::error_code ignored;
  static_cast<void>(impl_->set.clear(ignored));
}

}  // namespace sluice::runtime
