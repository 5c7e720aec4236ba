// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/port_forward.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/resource_url.hpp"
#include "shared/system/posix.hpp"

namespace kredis::kube {
namespace {

constexpr const char* k_protocol = "v4.channel.k8s.io";
constexpr char k_data_channel = 0;
constexpr char k_error_channel = 1;
constexpr std::size_t k_port_bytes = 2;
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

/// Sorts what comes from the pod's side by channel: the first byte of each message.
class ChannelSink : public MessageSink {
 public:
  explicit ChannelSink(std::shared_ptr<Failure> failure) : failure_(std::move(failure)) {}

  std::string_view take(std::string_view piece) override {
    if (!channel_ && !piece.empty()) {
      channel_ = piece.front();
      piece.remove_prefix(1);
    }
    if (channel_ != k_data_channel && channel_ != k_error_channel) {
      return {};
    }
    // The first two bytes on each are the port's number; they tell nothing new.
    std::size_t& skip = left_of_port_[static_cast<unsigned char>(*channel_)];
    const std::size_t skipped = std::min(skip, piece.size());
    skip -= skipped;
    piece.remove_prefix(skipped);
    if (channel_ == k_data_channel) {
      return piece;
    }
    complaint_ += piece.substr(0, k_failure_bytes - std::min(k_failure_bytes, complaint_.size()));
    return {};
  }

  bool end_message() override {
    channel_.reset();
    if (!complaint_.empty()) {
      failure_->set(complaint_);
    }
    return complaint_.empty();
  }

  void fail(const std::string& why) override { failure_->set(why); }

 private:
  std::shared_ptr<Failure> failure_;
  std::optional<char> channel_;  // Of the message at hand, once that is known.
  std::string complaint_;
  std::array<std::size_t, 2> left_of_port_{k_port_bytes, k_port_bytes};
};

}  // namespace

Result<std::unique_ptr<ports::Tunnel>> Tunnels::open(RestClient& rest,
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
  WebSocket socket(loop_);
  const Call call{
      .method = "GET",
      .target = url + Query().add("ports", std::to_string(port)).to_text(),
      .request = {"get", path},
      .repeat = Repeat::always,
      .headers = {{"Sec-WebSocket-Protocol", k_protocol}},
      .send = [&socket](Connection& connection, const HttpRequest& request, Deadline end) {
        return socket.shake_hands(connection, request, end);
      }};
  KREDIS_TRY(OpenAnswer answer, rest.open(call, deadline));
  if (!socket.is_open()) {
    return Error::protocol("the API server does not speak WebSocket for: " + call.request.to_text())
        .with_hint("a proxy or load balancer in front of it must let WebSockets pass");
  }
  if (answer.head.header("Sec-WebSocket-Protocol") != k_protocol) {
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
  auto failure = std::make_shared<Failure>();
  KREDIS_CHECK(socket.relay(std::move(answer.connection),
                            std::move(local),
                            k_data_channel,
                            std::make_unique<ChannelSink>(failure)));
  return std::make_unique<PodTunnel>(std::move(given), std::move(failure));
}

Result<std::unique_ptr<ports::Tunnel>> KubeClient::open_tunnel(const std::string& namespace_,
                                                               const std::string& pod,
                                                               int port,
                                                               Deadline deadline) {
  return impl_->tunnels.open(*impl_->rest, namespace_, pod, port, deadline);
}

}  // namespace kredis::kube
