// Sends the feeder's posts by HTTP, one connection a sender.
#pragma once

#include "feed/feeder.h"

namespace sluice::cli {

feed::Feeder::Sender make_http_sender();

}  // namespace sluice::cli
