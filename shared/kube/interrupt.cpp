// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/interrupt.hpp"

#include <poll.h>

namespace kredis::kube {

bool Interrupt::raised() const noexcept {
  pollfd waiting{fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

void Interrupt::lower() noexcept { bell_.clear(); }

Error interrupted() { return Error::cancelled("interrupted"); }

}  // namespace kredis::kube
