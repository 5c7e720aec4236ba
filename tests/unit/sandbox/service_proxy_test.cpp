// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/service_proxy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/sandbox/node/process.hpp"
#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct Listener {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;

  Listener() {
    sockaddr_in address = loopback(0);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd.get(), raw, size) == 0);
    REQUIRE(::listen(fd.get(), 8) == 0);
    ::getsockname(fd.get(), raw, &size);
    port = ntohs(address.sin_port);
  }
};

// Connects as soon as somebody listens.
Fd connect_when_possible(std::uint16_t port) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(port);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return fd;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("nobody listens");
  return {};
}

void send_all(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    REQUIRE(count > 0);
    sent += static_cast<std::size_t>(count);
  }
}

std::string receive_to_end(int fd) {
  std::string all;
  std::string piece(65'536, '\0');
  for (ssize_t count = 0; (count = ::read(fd, piece.data(), piece.size())) > 0;) {
    all.append(piece, 0, static_cast<std::size_t>(count));
  }
  return all;
}

// A port that nobody has at the moment.
std::uint16_t free_port() { return Listener().port; }

}  // namespace

TEST_SUITE("sandbox/service_proxy") {
  TEST_CASE("the proxy carries megabytes both ways and passes an end of stream on") {
    Listener backend;
    const std::uint16_t port = free_port();
    ServiceProxy proxy;
    proxy.set_routes({{{"127.0.0.1", port}, {{"127.0.0.1", backend.port}}}});
    const std::string payload(5'000'000, 'x');
    std::thread echo([&] {
      const Fd peer(::accept(backend.fd.get(), nullptr, nullptr));
      send_all(peer.get(), receive_to_end(peer.get()));
    });
    const Fd client = connect_when_possible(port);
    send_all(client.get(), payload);
    ::shutdown(client.get(), SHUT_WR);
    CHECK(receive_to_end(client.get()) == payload);
    echo.join();
  }

  TEST_CASE("the proxy takes its backends in turn") {
    Listener first;
    Listener second;
    const std::uint16_t port = free_port();
    ServiceProxy proxy;
    proxy.set_routes(
        {{{"127.0.0.1", port}, {{"127.0.0.1", first.port}, {"127.0.0.1", second.port}}}});
    const Fd one = connect_when_possible(port);
    const Fd two = connect_when_possible(port);
    const Fd at_first(::accept(first.fd.get(), nullptr, nullptr));
    const Fd at_second(::accept(second.fd.get(), nullptr, nullptr));
    CHECK(at_first);
    CHECK(at_second);
  }
}

TEST_SUITE("sandbox/routes") {
  TEST_CASE("routes lead a NodePort service's addresses to its ready pods only") {
    Json node = build::node("node-a", "zone-a");
    node["status"]["addresses"] = {{{"type", "InternalIP"}, {"address", "127.77.250.1"}}};
    const Json service = Json::parse(R"({"metadata": {"name": "access", "namespace": "default"},
      "spec": {"clusterIP": "127.77.192.9", "selector": {"app": "redis"},
        "ports": [{"port": 6379, "targetPort": "redis", "nodePort": 30001}]}})");
    Json waiting = build::pod("redis-app-1", "node-a");
    waiting["status"] = {{"phase", "Running"}, {"podIP", "127.77.0.2"}};
    const ControllerOptions options;
    const Routes routes = routes_of(
        {build::share(service)},
        {build::share(build::ready(build::pod("redis-app-0", "node-a"))), build::share(waiting)},
        {build::share(node)},
        options);
    const std::vector<SocketAddress> ready{{"127.77.0.1", 6379}};
    CHECK(routes.at({"127.77.192.9", 6379}) == ready);
    CHECK(routes.at({"127.77.250.1", 30001}) == ready);
    CHECK(routes_of({build::share(service)}, {build::share(waiting)}, {build::share(node)}, options)
              .size() == 1);
  }
}

}  // namespace kredis::sandbox
