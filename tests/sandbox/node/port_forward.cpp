// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/port_forward.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <list>
#include <utility>

#include "tests/sandbox/node/channels.hpp"
#include "tests/sandbox/node/process.hpp"
#include "tests/sandbox/node/spdy.hpp"
#include "tests/sandbox/node/websocket.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_most_unsent = 1024 * 1024;
constexpr int k_relay_poll_milliseconds = 1'000;
constexpr std::uint32_t k_no_channel = 0xffffffffU;

// NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
const sockaddr* socket_address(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}
// NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)

sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
  sockaddr_in socket{};
  socket.sin_family = AF_INET;
  socket.sin_addr.s_addr = ::inet_addr(address.c_str());
  socket.sin_port = htons(port);
  return socket;
}

std::uint16_t port_number(const std::string& text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

/// One connection to the pod, and the two channels that stand for it.
struct Forward {
  std::uint16_t port;
  std::uint32_t data;
  std::uint32_t errors;
  Fd socket = {};
  bool connected = false;
  std::string pending = {};   // From the client, not yet taken by the pod.
  bool client_ended = false;  // The client sends no more.
};

class PortForwarder {
 public:
  PortForwarder(Channels& channels, const ForwardTarget& target)
      : channels_(channels), target_(target) {}

  void add(std::uint16_t port, std::uint32_t data, std::uint32_t errors) {
    Forward& forward = forwards_.emplace_back(Forward{port, data, errors});
    dial(forward);
  }

  enum class WhenIdle { stay, leave };
  /// Carries on until the client goes, or (`leave`) the last connection has ended.
  void run(WhenIdle when_idle) {
    while (target_.is_reachable()) {
      sweep();
      if (forwards_.empty() && when_idle == WhenIdle::leave) {
        part(channels_);
        return;
      }
      if (!wait_and_serve()) {
        return;
      }
    }
  }

 private:
  void dial(Forward& forward) {
    forward.socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // Inside the pod's network a forwarded connection comes from the pod itself.
    const int yes = 1;
    ::setsockopt(forward.socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    ::setsockopt(forward.socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const sockaddr_in own = socket_address(target_.address, 0);
    (void)::bind(forward.socket.get(), socket_address(own), sizeof own);
    const sockaddr_in to = socket_address(target_.address, forward.port);
    if (::connect(forward.socket.get(), socket_address(to), sizeof to) != 0 &&
        errno != EINPROGRESS) {
      fail(forward, errno);
    }
  }

  void fail(Forward& forward, int error) {
    std::string reason = std::strerror(error);
    reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
    const std::string port = std::to_string(forward.port);
    static_cast<void>(channels_.write(
        forward.errors,
        "error forwarding port " + port + " to pod " + target_.pod_uid +
            ", uid : failed to execute portforward in network namespace: failed to connect to "
            "localhost:" +
            port + " inside namespace \"" + target_.pod_uid +
            "\", IPv4: dial tcp4 127.0.0.1:" + port + ": connect: " + reason));
    finish(forward);
  }

  void finish(Forward& forward) {
    static_cast<void>(channels_.close_channel(forward.data));
    static_cast<void>(channels_.close_channel(forward.errors));
    forward.socket.reset();
  }

  void sweep() {
    forwards_.remove_if([](const Forward& forward) { return !forward.socket; });
  }

  bool wait_and_serve() {
    const bool full = std::any_of(forwards_.begin(), forwards_.end(), [](const Forward& forward) {
      return forward.pending.size() > k_most_unsent;
    });
    std::vector<pollfd> watched{{full ? -1 : channels_.fd(), POLLIN, 0}};
    for (const Forward& forward : forwards_) {
      const bool wants_out = !forward.connected || !forward.pending.empty();
      watched.push_back(
          {forward.socket.get(), static_cast<short>(wants_out ? POLLIN | POLLOUT : POLLIN), 0});
    }
    const bool ready = !full && channels_.has_buffered();
    ::poll(watched.data(), watched.size(), ready ? 0 : k_relay_poll_milliseconds);
    std::size_t index = 1;
    for (Forward& forward : forwards_) {
      serve(forward, watched.at(index++).revents);
    }
    return !(ready || watched.front().revents != 0) || take_client();
  }

  void serve(Forward& forward, short events) {
    if (events == 0) {
      return;
    }
    if (!forward.connected) {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(forward.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        fail(forward, error);
        return;
      }
      forward.connected = true;
    }
    send_pending(forward);
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      receive(forward);
    }
  }

  void send_pending(Forward& forward) {
    while (!forward.pending.empty()) {
      const ssize_t size = ::send(
          forward.socket.get(), forward.pending.data(), forward.pending.size(), MSG_NOSIGNAL);
      if (size < 0) {
        return;  // Full, or broken, which `receive` will see.
      }
      forward.pending.erase(0, static_cast<std::size_t>(size));
    }
    if (std::exchange(forward.client_ended, false)) {
      ::shutdown(forward.socket.get(), SHUT_WR);
    }
  }

  void receive(Forward& forward) {
    std::array<char, 32 * 1024> buffer{};
    const ssize_t size = ::recv(forward.socket.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      // A client that is gone is noticed by reading from it.
      static_cast<void>(
          channels_.write(forward.data, {buffer.data(), static_cast<std::size_t>(size)}));
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      finish(forward);
    }
  }

  bool take_client() {
    const auto events = channels_.read(std::chrono::milliseconds(0));
    if (!events) {
      return false;
    }
    for (const ChannelEvent& event : *events) {
      event.kind == ChannelEvent::Kind::opened ? take_opened(event) : take(event);
    }
    return true;
  }

  // Over SPDY each connection is a pair of channels with one requestID, the error channel first.
  void take_opened(const ChannelEvent& event) {
    const auto value = [&](const char* name) {
      const auto found = event.headers.find(name);
      return found == event.headers.end() ? "" : found->second;
    };
    if (value("streamtype") == "error") {
      error_channels_[value("requestid")] = event.channel;
      return;
    }
    const auto errors = error_channels_.extract(value("requestid"));
    add(port_number(value("port")), event.channel, errors.empty() ? k_no_channel : errors.mapped());
  }

  void take(const ChannelEvent& event) {
    const auto found =
        std::find_if(forwards_.begin(), forwards_.end(), [&](const Forward& forward) {
          return forward.data == event.channel && forward.socket;
        });
    if (found == forwards_.end()) {
      return;
    }
    if (event.kind == ChannelEvent::Kind::data) {
      found->pending += event.bytes;
    } else if (event.kind == ChannelEvent::Kind::half_closed) {
      found->client_ended = true;
    } else {
      found->socket.reset();
      return;
    }
    if (found->connected) {
      send_pending(*found);
    }
  }

  Channels& channels_;
  const ForwardTarget& target_;
  std::list<Forward> forwards_;
  std::map<std::string, std::uint32_t> error_channels_;
};

void forward_over_spdy(ByteStream& stream, const ForwardTarget& target) {
  const auto channels = make_spdy_channels(stream);
  PortForwarder(*channels, target).run(PortForwarder::WhenIdle::stay);
}

std::vector<std::uint16_t> ports_of(const Query& query) {
  std::vector<std::uint16_t> ports;
  for (const std::string& text : query.all("ports")) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      ports.push_back(port_number(text.substr(at, end - at)));
      at = end + 1;
    }
  }
  return ports;
}

void forward_over_websocket(const std::vector<std::uint16_t>& ports,
                            ByteStream& stream,
                            const ForwardTarget& target) {
  const auto channels = make_websocket_channels(stream);
  PortForwarder forwarder(*channels, target);
  for (std::size_t index = 0; index < ports.size(); ++index) {
    const std::uint16_t port = ports[index];
    const std::string little_endian = {static_cast<char>(port & 0xffU),
                                       static_cast<char>(port >> 8U)};
    const auto data = static_cast<std::uint32_t>(2 * index);
    static_cast<void>(channels->write(data, little_endian));
    static_cast<void>(channels->write(data + 1, little_endian));
    forwarder.add(port, data, data + 1);
  }
  forwarder.run(PortForwarder::WhenIdle::leave);
}

}  // namespace

Status serve_port_forward(const StreamRequest& request,
                          ByteStream& stream,
                          const ForwardTarget& target) {
  constexpr const char* k_tunnelled = "SPDY/3.1+portforward.k8s.io";
  if (wants_websocket(request)) {
    const std::vector<std::uint16_t> ports = ports_of(request.query);
    // Without ports only the tunnelled protocol makes sense, where each stream names its own.
    const std::vector<std::string> spoken =
        ports.empty() ? std::vector<std::string>{k_tunnelled}
                      : std::vector<std::string>{"v4.channel.k8s.io", k_tunnelled};
    if (std::find(ports.begin(), ports.end(), 0) != ports.end()) {
      return Error::invalid_argument("unable to parse the query parameter ports");
    }
    KREDIS_TRY(const std::string protocol, accept_websocket(request, stream, spoken));
    if (protocol == k_tunnelled) {
      const auto tunnel = make_websocket_tunnel(stream);
      forward_over_spdy(*tunnel, target);
    } else {
      forward_over_websocket(ports, stream, target);
    }
    return {};
  }
  if (!wants_spdy(request)) {
    return Error::invalid_argument(
        "unable to upgrade: the request asks for neither WebSocket nor SPDY/3.1");
  }
  KREDIS_CHECK(accept_spdy(stream, "portforward.k8s.io"));
  forward_over_spdy(stream, target);
  return {};
}

}  // namespace kredis::sandbox
