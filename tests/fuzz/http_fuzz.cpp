// SPDX-License-Identifier: Apache-2.0
//
// Any bytes from a server are an answer, a chunked body or WebSocket frames, or one clear error.
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "shared/kube/encoding.hpp"
#include "shared/kube/http.hpp"
#include "shared/kube/websocket.hpp"
#include "shared/system/posix.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace kredis::kube {
namespace {

void require(bool is_true) {
  if (!is_true) {
    std::abort();
  }
}

/// Reads an answer from pieces of a size that the first byte chooses.
void read_answer(std::string_view bytes) {
  HttpReader reader("GET");
  const std::size_t step = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes.front()) % 64U;
  std::size_t body = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    if (const auto fed = reader.feed(bytes.substr(at, step)); !fed) {
      return require(!fed.error().message.empty());
    }
    body += reader.take_body().size();
  }
  require(body <= bytes.size());  // Decoding never makes more of its input.
  if (!reader.is_finished()) {
    const auto ended = reader.end();
    require(ended || !ended.error().message.empty());
  }
}

/// The server's side: agrees to what is asked, says `bytes` and reads on until the client goes.
void serve(int fd, std::string_view bytes) {
  std::string asked;
  std::array<char, 4096> buffer{};
  const auto read_more = [&] { return ::recv(fd, buffer.data(), buffer.size(), 0); };
  while (asked.find("\r\n\r\n") == std::string::npos) {
    const auto got = read_more();
    if (got <= 0) {
      return;
    }
    asked.append(buffer.data(), static_cast<std::size_t>(got));
  }
  constexpr std::string_view k_key = "Sec-WebSocket-Key: ";
  const std::string key = asked.substr(asked.find(k_key) + k_key.size(), 24);
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string answer =
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      base64_encode({reinterpret_cast<const char*>(digest.data()), size}) + "\r\n\r\n";
  answer += bytes;
  ::send(fd, answer.data(), answer.size(), ports::k_no_signal);
  ::shutdown(fd, SHUT_WR);
  while (read_more() > 0) {
  }
}

/// Gives everything to the local socket.
class Everything : public MessageSink {
 public:
  std::string_view take(std::string_view piece) override { return piece; }
  bool end_message() override { return true; }
  void fail(const std::string& why) override { require(!why.empty()); }
};

std::array<Socket, 2> socket_pair() {
  std::array<int, 2> ends{-1, -1};
  require(ports::open_socket_pair(ends) == 0);
  return {Socket(ends[0]), Socket(ends[1])};
}

void read_frames(std::string_view bytes) {
  static WebSocketLoop loop;
  static const Interrupt never;
  std::array<Socket, 2> remote = socket_pair();
  std::array<Socket, 2> local = socket_pair();
  ::fcntl(remote[0].fd(), F_SETFL, O_NONBLOCK);
  std::thread server([&] { serve(remote[1].fd(), bytes); });
  const Deadline soon = Clock::now() + std::chrono::seconds(20);
  auto connection =
      Connection::over(std::move(remote[0]), {.server = {}, .label = "x"}, soon, never);
  WebSocket socket(loop);
  require(socket.shake_hands(**connection, {"GET", "/", {{"Host", "x"}}}, soon).has_value());
  require(socket.is_open());
  require(
      socket
          .relay(std::move(*connection), std::move(local[0]), '\0', std::make_unique<Everything>())
          .has_value());
  std::size_t total = 0;
  std::array<char, 4096> buffer{};
  for (auto got = ::recv(local[1].fd(), buffer.data(), buffer.size(), 0); got > 0;
       got = ::recv(local[1].fd(), buffer.data(), buffer.size(), 0)) {
    total += static_cast<std::size_t>(got);
  }
  require(total <= bytes.size());
  server.join();
}

/// Does all of it; aborts where a promise is broken.
void read_anything(std::string_view bytes) {
  read_answer(bytes);
  read_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(bytes));
  // More pings might fill the socket with answers while the server does not read them yet.
  read_frames(bytes.substr(0, 60'000));
}

}  // namespace
}  // namespace kredis::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kredis::kube::read_anything({reinterpret_cast<const char*>(data), size});
  return 0;
}
