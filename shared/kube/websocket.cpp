// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/websocket.hpp"

#include <openssl/evp.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

/// RFC 6455, section 1.3.
constexpr std::string_view k_accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view k_normal_close = "\x03\xE8";  // Status code 1000.
constexpr std::size_t k_read_bytes = 32U << 10U;

template <std::size_t Size>
std::array<std::uint8_t, Size> random_bytes() {
  std::array<std::uint8_t, Size> bytes{};
  // At most 256 bytes at a time always succeed once the system has started.
  [[maybe_unused]] const auto status = ::getentropy(bytes.data(), bytes.size());
  return bytes;
}

std::string new_key() {
  const auto bytes = random_bytes<16>();
  return base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string accept_for(const std::string& key) {
  const std::string text = key + std::string(k_accept_suffix);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

Status check_upgrade(const HttpHead& head, const std::string& key, const std::string& what) {
  const bool is_websocket = equal_ignoring_case(head.header("Upgrade").value_or(""), "websocket");
  if (head.status != 101 || !is_websocket ||
      head.header("Sec-WebSocket-Accept").value_or("") != accept_for(key)) {
    return Error::protocol("the API server does not speak WebSocket for: " + what)
        .with_hint("a proxy or load balancer in front of it must let WebSockets pass");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<WebSocket>> WebSocket::open(RestClient& rest,
                                                   Call call,
                                                   const std::string& protocols,
                                                   Deadline deadline) {
  const std::string key = new_key();
  call.method = "GET";
  call.needs_own_connection = true;
  call.headers.insert(call.headers.end(),
                      {{"Connection", "Upgrade"},
                       {"Upgrade", "websocket"},
                       {"Sec-WebSocket-Version", "13"},
                       {"Sec-WebSocket-Key", key},
                       {"Sec-WebSocket-Protocol", protocols}});
  KREDIS_TRY(OpenAnswer answer, rest.open(call, deadline));
  KREDIS_CHECK(check_upgrade(answer.head, key, call.request.to_text()));
  std::unique_ptr<WebSocket> socket(new WebSocket(
      std::move(answer.connection), answer.head.header("Sec-WebSocket-Protocol").value_or("")));
  socket->decoder_.feed(answer.http->take_rest());
  return socket;
}

void WebSocket::queue(Opcode opcode, std::string_view payload) {
  if (!is_closing_) {
    output_ += encode_frame(opcode, payload, random_bytes<4>());
  }
}

void WebSocket::send(std::string_view payload) { queue(Opcode::binary, payload); }

void WebSocket::close() {
  queue(Opcode::close, k_normal_close);
  is_closing_ = true;
}

Status WebSocket::flush() {
  std::size_t sent = 0;
  while (sent < output_.size()) {
    KREDIS_TRY(const Transfer step,
               connection_->try_write(output_.data() + sent, output_.size() - sent));
    sent += step.bytes;
    if (step.progress == Progress::closed) {
      is_ended_ = true;
      return Error::unreachable("the API server closed the tunnel");
    }
    if (step.progress != Progress::done) {
      break;
    }
  }
  output_.erase(0, sent);
  return {};
}

Status WebSocket::receive(std::vector<std::string>& messages) {
  KREDIS_CHECK(take_frames(messages));
  std::array<char, k_read_bytes> buffer{};
  do {
    KREDIS_TRY(const Transfer step, connection_->try_read(buffer.data(), buffer.size()));
    if (step.progress == Progress::closed) {
      is_ended_ = true;
      return {};
    }
    decoder_.feed({buffer.data(), step.bytes});
    KREDIS_CHECK(take_frames(messages));
  } while (has_pending() && !is_ended_);
  return {};
}

Status WebSocket::take_frames(std::vector<std::string>& messages) {
  while (!is_ended_) {
    KREDIS_TRY(std::optional<Frame> frame, decoder_.next());
    if (!frame) {
      return {};
    }
    switch (frame->opcode) {
      case Opcode::ping:
        queue(Opcode::pong, frame->payload);
        break;
      case Opcode::pong:
        break;
      case Opcode::close:
        close();  // The answer that RFC 6455, section 5.5.1 asks for, unless we began.
        is_ended_ = true;
        break;
      case Opcode::continuation:
      case Opcode::text:
      case Opcode::binary:
        KREDIS_CHECK(take_data(std::move(*frame), messages));
    }
  }
  return {};
}

Status WebSocket::take_data(Frame frame, std::vector<std::string>& messages) {
  const bool is_continuation = frame.opcode == Opcode::continuation;
  if (is_continuation != is_in_message_) {
    return Error::protocol("the API server mixed up the fragments of a WebSocket message");
  }
  if (fragments_.size() + frame.payload.size() > k_frame_limit_bytes) {
    return Error::protocol("the API server sent too long a WebSocket message");
  }
  fragments_ += frame.payload;
  is_in_message_ = !frame.is_final;
  if (frame.is_final) {
    messages.push_back(std::exchange(fragments_, {}));
  }
  return {};
}

}  // namespace kredis::kube
