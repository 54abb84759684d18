// sluice streams tail.
#pragma once

#include "cli/arguments.h"
#include "cli/backend.h"

namespace sluice::cli {

// Prints the stream's records until it is interrupted, has shown `count`, or nobody reads the
// output any more; the exit status.
int tail(Backend& backend, const StreamsArguments& arguments);

}  // namespace sluice::cli
