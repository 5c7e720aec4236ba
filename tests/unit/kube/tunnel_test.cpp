// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "shared/kube/client.hpp"
#include "shared/kube/connection.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/websocket_frame.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

const std::string k_data(1, '\0');
const std::string k_error(1, '\1');
const std::string k_port_6379("\xeb\x18", 2);

Deadline soon() { return Clock::now() + std::chrono::seconds(20); }

std::string accept_for(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest), size});
}

std::string frame(const std::string& payload,
                  Opcode opcode = Opcode::binary,
                  bool is_final = true) {
  std::string bytes = encode_frame(opcode, payload, {0, 0, 0, 0});
  const std::size_t length_bytes = payload.size() < 126 ? 0 : (payload.size() < 65'536 ? 2 : 8);
  bytes.erase(2 + length_bytes, 4);
  bytes[1] = static_cast<char>(bytes[1] & 0x7f);
  bytes[0] = static_cast<char>(is_final ? bytes[0] : bytes[0] & 0x7f);
  return bytes;
}

/// Takes one masked frame off `raw`, reading on as needed; empty at the end of the connection.
std::string next_payload(TestPeer& peer, std::string& raw) {
  const auto byte = [&raw](std::size_t at) { return static_cast<unsigned char>(raw[at]); };
  const auto need = [&](std::size_t count) {
    while (raw.size() < count) {
      const std::string more = peer.read();
      if (more.empty()) {
        return false;
      }
      raw += more;
    }
    return true;
  };
  if (!need(8)) {
    return {};
  }
  std::size_t size = byte(1) & 0x7fU;
  std::size_t head = 2;
  if (size == 126) {
    size = byte(2) * 256U + byte(3);
    head = 4;
  }
  if (!need(head + 4 + size)) {
    return {};
  }
  const bool is_data = (byte(0) & 0x0fU) == 2;
  std::string payload;
  for (std::size_t i = 0; i < size; ++i) {
    payload += static_cast<char>(byte(head + 4 + i) ^ byte(head + i % 4));
  }
  raw.erase(0, head + 4 + size);
  return is_data ? payload : "";
}

void upgrade(const TestRequest& request, TestPeer& peer, const std::string& then = {}) {
  peer.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_for(request.headers.at("sec-websocket-key")) +
      "\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n" + then);
}

/// A pod whose port sends back what it gets.
void echo(const TestRequest& request, TestPeer& peer) {
  upgrade(request, peer, frame(k_data + k_port_6379) + frame(k_error + k_port_6379));
  std::string raw;
  for (std::string each = next_payload(peer, raw); !each.empty(); each = next_payload(peer, raw)) {
    peer.write(frame(each));
  }
  peer.close();
}

std::string read_until_end(int fd) {
  std::string text;
  char buffer[4096];
  for (auto got = ::read(fd, buffer, sizeof buffer); got > 0;
       got = ::read(fd, buffer, sizeof buffer)) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::string read_exactly(int fd, std::size_t size) {
  std::string text(size, '\0');
  return ::recv(fd, text.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size) ? text : "short";
}

}  // namespace

TEST_SUITE("kube/tunnel") {
  TEST_CASE("bytes travel both ways, small and large, and the request is as the API wants it") {
    std::string target;
    std::string protocol;
    std::string accept;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      target = request.target;
      protocol = request.headers.at("sec-websocket-protocol");
      accept = request.headers.at("accept");
      echo(request, peer);
    });
    const auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    CHECK((*tunnel)->take_fd() == -1);
    REQUIRE(::write(fd.fd(), "PING\r\n", 6) == 6);
    CHECK(read_exactly(fd.fd(), 6) == "PING\r\n");
    const std::string large(3'000'000, 'x');
    std::thread writer([&] { ::send(fd.fd(), large.data(), large.size(), MSG_NOSIGNAL); });
    CHECK(read_exactly(fd.fd(), large.size()) == large);
    writer.join();
    CHECK(target == "/api/v1/namespaces/shop/pods/redis-app-0/portforward?ports=6379");
    CHECK(protocol == "v4.channel.k8s.io");
    CHECK(accept.find("*/*") != std::string::npos);  // Else a real API server answers 406.
    CHECK((*tunnel)->failure().empty());
  }

  TEST_CASE("sixty tunnels are opened in parallel and kept apart") {
    TestServer server(good_tls(), echo);
    const auto client = client_of(access_to(server));
    const auto first = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(first.has_value());
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 60; ++i) {
      threads.emplace_back([&, i] {
        auto tunnel = client->open_tunnel("shop", "redis-app-" + std::to_string(i), 6379, soon());
        if (!tunnel) {
          return;
        }
        const Socket fd((*tunnel)->take_fd());
        const std::string text = "number " + std::to_string(1000 + i);
        [[maybe_unused]] const auto sent = ::write(fd.fd(), text.data(), text.size());
        good += read_exactly(fd.fd(), text.size()) == text ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(good == 60);
    CHECK(server.resumptions() > 0);  // Not every tunnel costs a full TLS handshake.
  }

  TEST_CASE("what the pod's side says went wrong is kept, and the socket ends") {
    TestServer server(good_tls(), [](const TestRequest& request, TestPeer& peer) {
      upgrade(request, peer);
      peer.write(frame(k_data + k_port_6379) + frame(k_error + k_port_6379));
      peer.write(frame(k_error + "connect tcp4 127.0.0.1:6379: connection refused\n"));
      peer.read();
    });
    const auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    CHECK(read_until_end(fd.fd()).empty());
    CHECK((*tunnel)->failure() == "connect tcp4 127.0.0.1:6379: connection refused");
  }

  TEST_CASE("fragments, pings and a farewell are handled as RFC 6455 says") {
    std::string answer;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      // All in one piece with the answer, so that nothing of it is lost there.
      upgrade(request,
              peer,
              frame(k_data + k_port_6379) + frame(k_data + "he", Opcode::binary, false) +
                  frame("beat", Opcode::ping) + frame("llo", Opcode::continuation) +
                  frame("\x03\xe8", Opcode::close));
      answer = peer.read();
      peer.close();
    });
    const auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    CHECK(read_until_end(fd.fd()) == "hello");
    CHECK((*tunnel)->failure().empty());
  }

  TEST_CASE("a broken frame ends the tunnel with a reason") {
    TestServer server(good_tls(), [](const TestRequest& request, TestPeer& peer) {
      upgrade(request, peer, "\xff\xff\xff");
      peer.read();
    });
    const auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    CHECK(read_until_end(fd.fd()).empty());
    CHECK((*tunnel)->failure().find("broken WebSocket frame") != std::string::npos);
  }

  TEST_CASE("a closed local end reaches the server as a farewell") {
    std::atomic<bool> has_ended = false;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      echo(request, peer);
      has_ended = true;
    });
    {
      const auto client = client_of(access_to(server));
      auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
      REQUIRE(tunnel.has_value());
      tunnel->reset();
      for (int i = 0; i < 1000 && !has_ended; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
    CHECK(has_ended);
  }

  TEST_CASE("a client that goes away ends its tunnels") {
    TestServer server(good_tls(), echo);
    auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    client.reset();
    CHECK(read_until_end(fd.fd()).empty());
    CHECK((*tunnel)->failure().empty());
  }

  TEST_CASE("refusals before the tunnel stands are ordinary errors") {
    std::string answer;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) { peer.write(answer); });
    const auto client = client_of(access_to(server));
    const auto error = [&](int status, const std::string& headers, const std::string& body) {
      answer = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
               (status == 101 ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
               "\r\n" + body;
      auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
      return tunnel ? Error::internal("it was opened") : tunnel.error();
    };
    const Error forbidden =
        error(403, "", R"({"kind":"Status","message":"User \"x\" cannot get resource \"p\""})");
    CHECK(forbidden.code == ErrorCode::unauthorized);
    CHECK(forbidden.hint.find("pods/portforward") != std::string::npos);
    CHECK(error(200, "", "hello").message.find("does not speak WebSocket") != std::string::npos);
    CHECK(error(101, "Upgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n", "").code ==
          ErrorCode::protocol);
    CHECK(client->open_tunnel("shop", "redis-app-0", 0, soon()).error().code ==
          ErrorCode::invalid_argument);
    CHECK(client->open_tunnel("shop", "redis-app-0", 65'536, soon()).error().code ==
          ErrorCode::invalid_argument);
  }
}

}  // namespace kredis::kube
