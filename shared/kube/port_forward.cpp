// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/port_forward.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/resource_url.hpp"
#include "shared/kube/websocket.hpp"
#include "shared/system/posix.hpp"

namespace kredis::kube {
namespace {

constexpr const char* k_protocol = "v4.channel.k8s.io";
constexpr char k_data_channel = 0;
constexpr char k_error_channel = 1;
constexpr std::size_t k_port_bytes = 2;
/// So much may wait in either direction before reading stops.
constexpr std::size_t k_backlog_bytes = 256U << 10U;
constexpr std::size_t k_read_bytes = 16U << 10U;
constexpr std::size_t k_failure_bytes = 2000;

/// What the tunnel's owner and the background thread share.
class Failure {
 public:
  void set(const std::string& text) {
    const std::lock_guard lock(mutex_);
    text_ = text_.empty() ? printable(text, k_failure_bytes) : text_;
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class PodTunnel : public ports::Tunnel {
 public:
  PodTunnel(Socket socket, std::shared_ptr<Failure> failure)
      : socket_(std::move(socket)), failure_(std::move(failure)) {}

  int take_fd() override { return socket_.release(); }
  std::string failure() const override { return failure_->get(); }

 private:
  Socket socket_;
  std::shared_ptr<Failure> failure_;
};

/// One tunnel, as the background thread sees it.
class Stream {
 public:
  Stream(std::unique_ptr<WebSocket> socket, Socket local, std::shared_ptr<Failure> failure)
      : remote_(std::move(socket)), local_(std::move(local)), failure_(std::move(failure)) {}

  /// An end that is not waited for is left out (-1), or its hang-up would wake us for ever.
  void add_to(std::vector<pollfd>& waiting) const {
    const bool reads_remote = to_local_.size() < k_backlog_bytes;
    const bool writes_remote = remote_->queued_bytes() > 0;
    const bool reads_local = remote_->queued_bytes() < k_backlog_bytes;
    const auto remote_events =
        static_cast<short>((reads_remote ? POLLIN : 0) | (writes_remote ? POLLOUT : 0));
    const auto local_events =
        static_cast<short>((reads_local ? POLLIN : 0) | (to_local_.empty() ? 0 : POLLOUT));
    const bool waits_remote = remote_events != 0 && !remote_->is_ended();
    waiting.push_back({waits_remote ? remote_->fd() : -1, remote_events, 0});
    waiting.push_back({local_events != 0 ? local_.fd() : -1, local_events, 0});
  }

  /// Moves what can be moved; false when the tunnel has ended.
  bool step(const pollfd& remote, const pollfd& local) {
    if (remote.revents != 0 && to_local_.size() < k_backlog_bytes && !take_remote()) {
      return false;
    }
    if ((local.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !take_local()) {
      return false;
    }
    if (const auto sent = remote_->flush(); !sent && !remote_->is_ended()) {
      failure_->set(sent.error().message);
      return false;
    }
    if (!give_local()) {
      return false;
    }
    return !(remote_->is_ended() && to_local_.empty());
  }

 private:
  bool take_remote() {
    std::vector<std::string> messages;
    const auto received = remote_->receive(messages);
    for (const std::string& message : messages) {
      take_message(message);
    }
    if (!received) {
      failure_->set(received.error().message);
    }
    return received.has_value() && !is_failed_;
  }

  /// The first two bytes on each channel are the port's number; they tell nothing new.
  void take_message(std::string_view message) {
    const char channel = message.empty() ? '\x7f' : message.front();
    if (channel != k_data_channel && channel != k_error_channel) {
      return;
    }
    message.remove_prefix(1);
    std::size_t& skip = left_of_port_[static_cast<std::size_t>(channel)];
    const std::size_t skipped = std::min(skip, message.size());
    skip -= skipped;
    message.remove_prefix(skipped);
    if (channel == k_data_channel) {
      to_local_ += message;
    } else if (!message.empty()) {
      failure_->set(std::string(message));
      is_failed_ = true;
    }
  }

  bool take_local() {
    std::array<char, k_read_bytes + 1> buffer{};  // The channel number goes first.
    buffer[0] = k_data_channel;
    const auto got = ::recv(local_.fd(), buffer.data() + 1, k_read_bytes, 0);
    if (got > 0) {
      remote_->send({buffer.data(), static_cast<std::size_t>(got) + 1});
      return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    }
    // The owner has closed its end: say goodbye, as far as that goes without waiting.
    remote_->close();
    [[maybe_unused]] const auto sent = remote_->flush();
    return false;
  }

  bool give_local() {
    while (!to_local_.empty()) {
      const auto sent = ::send(local_.fd(), to_local_.data(), to_local_.size(), ports::k_no_signal);
      if (sent < 0) {
        return errno == EAGAIN || errno == EINTR;
      }
      to_local_.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  std::unique_ptr<WebSocket> remote_;
  Socket local_;
  std::shared_ptr<Failure> failure_;
  std::string to_local_;
  std::array<std::size_t, 2> left_of_port_{k_port_bytes, k_port_bytes};
  bool is_failed_ = false;
};

}  // namespace

struct TunnelPump::Impl {
  ports::Bell wake;
  std::mutex mutex;  // Guards all but the thread's own streams.
  std::vector<std::unique_ptr<Stream>> arriving;
  bool is_stopping = false;
  std::thread thread;

  void add(std::unique_ptr<Stream> stream);
  bool take_arriving(std::vector<std::unique_ptr<Stream>>& streams);
  void run();
};

void TunnelPump::Impl::add(std::unique_ptr<Stream> stream) {
  const std::lock_guard lock(mutex);
  arriving.push_back(std::move(stream));
  if (!thread.joinable()) {
    thread = std::thread([this] { run(); });
  }
  wake.ring();
}

/// False when the thread should end.
bool TunnelPump::Impl::take_arriving(std::vector<std::unique_ptr<Stream>>& streams) {
  wake.clear();
  const std::lock_guard lock(mutex);
  for (auto& each : arriving) {
    // What came together with the upgrade's answer would not show in a poll.
    if (each->step({-1, 0, POLLIN}, {-1, 0, 0})) {
      streams.push_back(std::move(each));
    }
  }
  arriving.clear();
  return !is_stopping;
}

void TunnelPump::Impl::run() {
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<pollfd> waiting;
  while (take_arriving(streams)) {
    waiting.assign(1, {wake.fd(), POLLIN, 0});
    for (const auto& each : streams) {
      each->add_to(waiting);
    }
    ::poll(waiting.data(), waiting.size(), -1);
    std::size_t at = 1;
    for (auto& each : streams) {
      if (!each->step(waiting[at], waiting[at + 1])) {
        each.reset();
      }
      at += 2;
    }
    std::erase(streams, nullptr);
  }
}

TunnelPump::TunnelPump() : impl_(std::make_unique<Impl>()) {}

TunnelPump::~TunnelPump() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_stopping = true;
    impl_->wake.ring();
  }
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

Result<std::unique_ptr<ports::Tunnel>> TunnelPump::open(RestClient& rest,
                                                        const std::string& namespace_,
                                                        const std::string& pod,
                                                        int port,
                                                        Deadline deadline) {
  if (port < 1 || port > 65'535) {
    return Error::invalid_argument("port " + std::to_string(port) + " does not exist")
        .with_hint("ports are 1 to 65535");
  }
  const ports::ResourcePath path{{"v1", "pods"}, namespace_, pod, "portforward"};
  KREDIS_TRY(const std::string url, resource_url(path));
  Call call{.method = "GET",
            .target = url + Query().add("ports", std::to_string(port)).to_text(),
            .request = {"get", path},
            .repeat = Repeat::always};
  KREDIS_TRY(auto remote, WebSocket::open(rest, std::move(call), k_protocol, deadline));
  if (remote->protocol() != k_protocol) {
    return Error::protocol("the API server cannot forward ports over WebSocket")
        .with_hint("it must offer the subprotocol v4.channel.k8s.io");
  }
  std::array<int, 2> ends{};
  if (ports::open_socket_pair(ends) != 0) {
    return Error::internal("cannot make a socket pair: too many open files?")
        .with_hint("raise the limit: ulimit -n 4096");
  }
  Socket local(ends[0]);
  Socket given(ends[1]);
  ::fcntl(local.fd(), F_SETFL, O_NONBLOCK);
  auto failure = std::make_shared<Failure>();
  impl_->add(std::make_unique<Stream>(std::move(remote), std::move(local), failure));
  return std::make_unique<PodTunnel>(std::move(given), std::move(failure));
}

Result<std::unique_ptr<ports::Tunnel>> KubeClient::open_tunnel(const std::string& namespace_,
                                                               const std::string& pod,
                                                               int port,
                                                               Deadline deadline) {
  return impl_->tunnels.open(*impl_->rest, namespace_, pod, port, deadline);
}

}  // namespace kredis::kube
