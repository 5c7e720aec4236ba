// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/program/control.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_longest_line = 1024 * 1024;

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return Error::invalid_argument("the folder's name is too long for a socket: " + text)
        .with_hint("choose a shorter one with --dir");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

Result<Fd> unix_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    return Error::internal("no socket could be made");
  }
  return fd;
}

// Up to the line's end, the stream's end, or the limit.
std::string read_line(const Fd& fd) {
  std::string line;
  std::array<char, 4096> piece{};
  while (line.size() < k_longest_line && line.find('\n') == std::string::npos) {
    const ssize_t count = ::read(fd.get(), piece.data(), piece.size());
    if (count <= 0) {
      break;
    }
    line.append(piece.data(), static_cast<std::size_t>(count));
  }
  return line;
}

void write_line(const Fd& fd, const Json& value) {
  const std::string line = value.dump() + "\n";
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t count = ::send(fd.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) {
      return;  // The asker has left.
    }
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(const std::filesystem::path& socket,
                                                           ControlHandler handler) {
  KREDIS_TRY(const sockaddr_un address, socket_address(socket));
  KREDIS_TRY(Fd listener, unix_socket());
  KREDIS_TRY(Pipe stop, Pipe::make());
  ::unlink(socket.c_str());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.get(), where, sizeof address) != 0 || ::listen(listener.get(), 8) != 0) {
    return Error::unreachable("cannot listen on " + socket.string());
  }
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(listener), std::move(stop), std::move(handler)));
}

ControlServer::ControlServer(Fd listener, Pipe stop, ControlHandler handler)
    : listener_(std::move(listener)), stop_(std::move(stop)), handler_(std::move(handler)) {
  thread_ = std::thread([this] { run(); });
}

ControlServer::~ControlServer() {
  stop_.write.reset();
  thread_.join();
}

void ControlServer::run() const {
  std::array<pollfd, 2> waits{pollfd{listener_.get(), POLLIN, 0},
                              pollfd{stop_.read.get(), POLLIN, 0}};
  while (::poll(waits.data(), waits.size(), -1) >= 0 || errno == EINTR) {
    if (waits[1].revents != 0) {
      return;
    }
    if (waits[0].revents != 0) {
      serve(Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    }
  }
}

void ControlServer::serve(const Fd& client) const {
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const Json request = Json::parse(read_line(client), nullptr, false);
  if (!request.is_object()) {
    return;
  }
  const Result<Json> answer = handler_(request);
  if (answer) {
    write_line(client, {{"answer", *answer}});
  } else {
    write_line(client, {{"error", answer.error().message}, {"hint", answer.error().hint}});
  }
}

Result<Json> ask_sandbox(const std::filesystem::path& socket, const Json& request) {
  KREDIS_TRY(const sockaddr_un address, socket_address(socket));
  KREDIS_TRY(const Fd fd, unix_socket());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), where, sizeof address) != 0) {
    return Error::not_found("no sandbox runs in " + socket.parent_path().string())
        .with_hint("start one: sandbox up --detach");
  }
  write_line(fd, request);
  const Json reply = Json::parse(read_line(fd), nullptr, false);
  if (!reply.is_object()) {
    return Error::unreachable("the sandbox in " + socket.parent_path().string() +
                              " ended while it was asked");
  }
  if (reply.contains("error")) {
    return Error::invalid_argument(reply["error"].get<std::string>())
        .with_hint(reply.value("hint", ""));
  }
  return reply.value("answer", Json::object());
}

}  // namespace kredis::sandbox
