// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace kredis::kube {

Interrupt::Interrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Interrupt::~Interrupt() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void Interrupt::raise() noexcept {
  const int kept_errno = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  errno = kept_errno;
}

bool Interrupt::raised() const noexcept {
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

Error interrupted() { return Error::timeout("interrupted"); }

}  // namespace kredis::kube
