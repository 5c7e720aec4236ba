// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace kredis::sandbox {

Result<Pty> Pty::open(const std::string& root) {
  const std::string multiplexer = root + "/dev/ptmx";
  Pty pty{.master = Fd(::open(multiplexer.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)), .path = {}};
  std::array<char, 64> path{};
  if (!pty.master || ::unlockpt(pty.master.get()) != 0 ||
      ::ptsname_r(pty.master.get(), path.data(), path.size()) != 0) {
    return Error::internal(std::string("cannot open a terminal: ") + std::strerror(errno));
  }
  pty.path = root + path.data();
  resize_terminal(pty.master.get(), 80, 24);
  return pty;
}

void resize_terminal(int master, unsigned columns, unsigned rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  ::ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace kredis::sandbox
