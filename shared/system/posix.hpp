// SPDX-License-Identifier: Apache-2.0
//
// What Linux and macOS call by different names: descriptors that children do not inherit, and a
// bell that wakes a poll(). The bell is the same on both, so that what is tested is what runs.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace kredis::ports {

enum class Blocking { no, yes };

#ifdef __APPLE__

/// For send(). macOS has no such flag for a call; the sockets below have it for all.
inline constexpr int k_no_signal = 0;

/// Unlike on Linux a child that starts between the two calls inherits the descriptor.
inline void keep_from_children(int fd, Blocking blocking) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (blocking == Blocking::no) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

inline void set_up_socket(int fd, Blocking blocking) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
  keep_from_children(fd, blocking);
}

inline int open_socket(int family, int type, int protocol, Blocking blocking) {
  const int fd = ::socket(family, type, protocol);
  if (fd >= 0) {
    set_up_socket(fd, blocking);
  }
  return fd;
}

inline int open_socket_pair(std::array<int, 2>& ends) {
  const int status = ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data());
  if (status == 0) {
    set_up_socket(ends[0], Blocking::yes);
    set_up_socket(ends[1], Blocking::yes);
  }
  return status;
}

inline int open_pipe(std::array<int, 2>& ends, Blocking blocking) {
  const int status = ::pipe(ends.data());
  if (status == 0) {
    keep_from_children(ends[0], blocking);
    keep_from_children(ends[1], blocking);
  }
  return status;
}

#else

/// For send(): a closed connection is an error, not a signal.
inline constexpr int k_no_signal = MSG_NOSIGNAL;

/// The three return what socket(), socketpair() and pipe() return.
inline int open_socket(int family, int type, int protocol, Blocking blocking) {
  const int more = SOCK_CLOEXEC | (blocking == Blocking::no ? SOCK_NONBLOCK : 0);
  return ::socket(family, type | more, protocol);
}

inline int open_socket_pair(std::array<int, 2>& ends) {
  return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
}

inline int open_pipe(std::array<int, 2>& ends, Blocking blocking) {
  return ::pipe2(ends.data(), O_CLOEXEC | (blocking == Blocking::no ? O_NONBLOCK : 0));
}

#endif

/// A pipe to oneself: poll() finds `fd()` readable once it was rung, until it is cleared.
class Bell {
 public:
  Bell() noexcept {
    if (open_pipe(ends_, Blocking::no) != 0) {
      ends_ = {-1, -1};
    }
  }
  ~Bell() {
    for (const int fd : ends_) {
      if (fd >= 0) {
        ::close(fd);
      }
    }
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  int fd() const noexcept { return ends_[0]; }

  /// Threads: any; safe inside a signal handler. A full pipe is readable, too.
  void ring() const noexcept {
    const int kept_errno = errno;
    [[maybe_unused]] const auto written = ::write(ends_[1], "", 1);
    errno = kept_errno;
  }

  void clear() const noexcept {
    std::array<char, 64> rings{};
    while (::read(ends_[0], rings.data(), rings.size()) > 0) {
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace kredis::ports
