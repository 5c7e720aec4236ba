// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "shared/kube/client.hpp"
#include "shared/kube/connection.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/websocket.hpp"
#include "tests/support/eventually.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

const std::string k_data(1, '\0');
const std::string k_error(1, '\1');
const std::string k_port_6379("\xeb\x18", 2);

Deadline soon() { return Clock::now() + std::chrono::seconds(20); }

std::string accept_for(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

enum Opcode : unsigned char { k_continuation = 0, k_binary = 2, k_close = 8, k_ping = 9 };

/// The head of a frame as a server sends it: without a mask (RFC 6455, section 5.2).
std::string frame_head(std::size_t size, Opcode opcode = k_binary, bool is_final = true) {
  std::string head(1, static_cast<char>((is_final ? 0x80U : 0U) | opcode));
  const unsigned length_bytes = size < 126 ? 0 : (size < 65'536 ? 2 : 8);
  head += static_cast<char>(length_bytes == 0 ? size : (length_bytes == 2 ? 126 : 127));
  for (unsigned left = length_bytes; left > 0; --left) {
    head += static_cast<char>(size >> (8U * (left - 1)) & 0xffU);
  }
  return head;
}

std::string frame(const std::string& payload, Opcode opcode = k_binary, bool is_final = true) {
  return frame_head(payload.size(), opcode, is_final) + payload;
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
  std::array<char, 4096> buffer{};
  for (auto got = ::read(fd, buffer.data(), buffer.size()); got > 0;
       got = ::read(fd, buffer.data(), buffer.size())) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
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
              frame(k_data + k_port_6379) + frame(k_data + "he", k_binary, false) +
                  frame("beat", k_ping) + frame("llo", k_continuation) +
                  frame("\x03\xe8", k_close));
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

  TEST_CASE("frames that a server must not send end the tunnel with a reason") {
    struct Row {
      const char* label;
      std::string bytes;
    };
    const std::string with_port = frame(k_data + k_port_6379);
    const std::vector<Row> rows = {
        {"all bits set", std::string(14, '\xff')},
        {"reserved bits", std::string("\xC2\x02\0x", 4)},
        {"an unknown opcode", std::string("\x83\x02\0x", 4)},
        {"masked", std::string("\x82\x82\0\0\0\0\0x", 8)},
        {"a control frame in fragments", std::string("\x09\x00", 2)},
        {"a control frame of over 125 bytes", frame(std::string(126, 'x'), k_ping)},
        {"a continuation of nothing", frame(k_data + "x", k_continuation)},
        {"a new message within another",
         frame(k_data + "x", k_binary, false) + frame(k_data + "y")},
        {"a farewell of one byte", frame("x", k_close)},
        {"a message past the limit", frame_head(k_message_limit_bytes + 1)},
        {"fragments past the limit",
         frame(k_data + "x", k_binary, false) + frame_head(k_message_limit_bytes, k_continuation)},
    };
    for (const Row& row : rows) {
      CAPTURE(row.label);
      TestServer server({.has_tls = false}, [&](const TestRequest& request, TestPeer& peer) {
        upgrade(request, peer, with_port + row.bytes);
        peer.read();
        peer.close();
      });
      const auto client = client_of(access_to(server));
      auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
      REQUIRE(tunnel.has_value());
      const Socket fd((*tunnel)->take_fd());
      CHECK(read_until_end(fd.fd()).size() <= 1);
      CHECK((*tunnel)->failure().find("broken WebSocket frame") != std::string::npos);
    }
  }

  TEST_CASE("messages of every length encoding, and at the limit, come whole") {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 4U << 20U}) {
      CAPTURE(size);
      // The channel is a byte of the message.
      const std::string text(size == 0 ? 0 : size - 1, 'x');
      TestServer server({.has_tls = false}, [&](const TestRequest& request, TestPeer& peer) {
        upgrade(request, peer, frame(k_data + k_port_6379));
        peer.write(size == 0 ? frame("") : frame(k_data + text));
        peer.write(frame(std::string("\x03\xe8", 2), k_close));
        peer.read();
        peer.close();
      });
      const auto client = client_of(access_to(server));
      auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
      REQUIRE(tunnel.has_value());
      const Socket fd((*tunnel)->take_fd());
      CHECK(read_until_end(fd.fd()) == text);
      CHECK((*tunnel)->failure().empty());
    }
  }

  TEST_CASE("what is sent is one masked frame a message, however long") {
    std::mutex mutex;
    std::string raw;
    tests::Signal more_came;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      upgrade(request, peer);
      for (std::string more = peer.read(); !more.empty(); more = peer.read()) {
        {
          const std::lock_guard lock(mutex);
          raw += more;
        }
        more_came.raise();
      }
      peer.close();
    });
    const auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    const Socket fd((*tunnel)->take_fd());
    const std::string text(12'000, 'x');
    REQUIRE(::send(fd.fd(), text.data(), text.size(), MSG_NOSIGNAL) == 12'000);
    std::string seen;
    for (std::uint64_t pieces = 1; seen.size() < 12'009 && more_came.wait(pieces); ++pieces) {
      const std::lock_guard lock(mutex);
      seen = raw;
    }
    // Final, binary, masked, two bytes of length, the mask: then the channel and the text in one.
    REQUIRE(seen.size() == 12'009);
    CHECK(seen.substr(0, 4) == "\x82\xfe\x2e\xe1");
    CHECK(seen.substr(4, 4) != std::string(4, '\0'));
    CHECK(seen[8] == seen[4]);  // Channel 0, masked.
  }

  TEST_CASE("a server that ignores the farewell does not keep the client") {
    TestServer server(good_tls(), [](const TestRequest& request, TestPeer& peer) {
      upgrade(request, peer);
      while (!peer.read().empty()) {
      }
      peer.close();
    });
    auto client = client_of(access_to(server));
    auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    REQUIRE(tunnel.has_value());
    tunnel->reset();
    const auto begin = Clock::now();
    client.reset();
    CHECK(Clock::now() - begin < std::chrono::seconds(3));
  }

  TEST_CASE("a closed local end reaches the server as a farewell") {
    tests::Signal ended;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      echo(request, peer);
      ended.raise();
    });
    {
      const auto client = client_of(access_to(server));
      auto tunnel = client->open_tunnel("shop", "redis-app-0", 6379, soon());
      REQUIRE(tunnel.has_value());
      tunnel->reset();
      CHECK(ended.wait());
    }
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

  TEST_CASE("a server that does not answer is left at the deadline, or when the user says so") {
    tests::Signal asked;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      peer.write("HTTP/1.1 101 Switching");
      asked.raise();
      peer.read();
    });
    const auto client = client_of(access_to(server));
    const auto late = client->open_tunnel(
        "shop", "redis-app-0", 6379, Clock::now() + std::chrono::milliseconds(200));
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::timeout);
    CHECK(late.error().message.find("no answer from the API server") != std::string::npos);
    std::thread canceller([&] {
      asked.wait(2);
      client->cancel();
    });
    const auto begin = Clock::now();
    const auto cancelled = client->open_tunnel("shop", "redis-app-0", 6379, soon());
    canceller.join();
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().message == "interrupted");
    CHECK(Clock::now() - begin < std::chrono::seconds(10));
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
    CHECK(error(101, "Upgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n", "")
              .message.find("does not speak WebSocket") != std::string::npos);
    // Longer than Beast's own buffer for an answer.
    const std::string long_answer =
        R"({"kind":"Status","message":"User \"x\" cannot get resource \"p\" )" +
        std::string(20'000, 'x') + "\"}";
    CHECK(error(403, "", long_answer).code == ErrorCode::unauthorized);
    CHECK(client->open_tunnel("shop", "redis-app-0", 0, soon()).error().code ==
          ErrorCode::invalid_argument);
    CHECK(client->open_tunnel("shop", "redis-app-0", 65'536, soon()).error().code ==
          ErrorCode::invalid_argument);
  }
}

}  // namespace kredis::kube
