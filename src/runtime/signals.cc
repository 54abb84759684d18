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
    // Weak: the wait must not keep the object that keeps the wait. Whoever lets go last, the
    // destructor's thread or the loop's inside the handler, ends the wait with the set.
    set.async_wait([weak = weak_from_this()](const boost::system::error_code& error, int signal) {
      const auto self = weak.lock();
      if (error || !self) return;
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

Signals::~Signals() = default;

}  // namespace sluice::runtime
