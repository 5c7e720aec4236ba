// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/websocket.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>
#include <utility>

namespace kredis::sandbox {
namespace {

constexpr std::uint32_t k_close_channel = 255;

std::string header(const StreamRequest& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) {
    const std::size_t first = item.find_first_not_of(' ');
    if (first != std::string::npos) {
      items.push_back(item.substr(first, item.find_last_not_of(' ') - first + 1));
    }
  }
  return items;
}

/// Messages with the protocol's own ones (ping, close) dealt with.
class Messages {
 public:
  explicit Messages(ByteStream& stream) : stream_(stream) {}

  /// Errors: timeout, unreachable (also after the client's close frame), protocol.
  Result<std::string> next(std::chrono::milliseconds at_most) {
    while (true) {
      KREDIS_TRY(std::optional<WebSocketMessage> message, parser_.next());
      if (!message) {
        KREDIS_CHECK(fill(at_most));
      } else if (message->opcode == WebSocketOpcode::ping) {
        KREDIS_CHECK(stream_.write_all(websocket_frame(WebSocketOpcode::pong, message->payload)));
      } else if (message->opcode == WebSocketOpcode::close) {
        close();
        return Error::unreachable("the client has closed the connection");
      } else if (message->opcode != WebSocketOpcode::pong) {
        return std::move(message->payload);
      }
    }
  }

  Status write(std::string_view payload) {
    return stream_.write_all(websocket_frame(WebSocketOpcode::binary, payload));
  }

  void close() {
    if (!std::exchange(closed_, true)) {
      constexpr std::string_view k_normal{"\x03\xe8", 2};  // Status 1000.
      static_cast<void>(stream_.write_all(websocket_frame(WebSocketOpcode::close, k_normal)));
    }
  }

  bool has_buffered() const { return parser_.has_frame() || stream_.has_buffered(); }
  ByteStream& stream() const { return stream_; }

 private:
  Status fill(std::chrono::milliseconds at_most) {
    std::array<char, 16 * 1024> buffer{};
    KREDIS_TRY(const std::size_t size, stream_.read_some(buffer, at_most));
    if (size == 0) {
      return Error::unreachable("the client has gone");
    }
    parser_.feed({buffer.data(), size});
    return {};
  }

  ByteStream& stream_;
  WebSocketParser parser_;
  bool closed_ = false;
};

class WebSocketChannels : public Channels {
 public:
  explicit WebSocketChannels(ByteStream& stream) : messages_(stream) {}

  Result<std::vector<ChannelEvent>> read(std::chrono::milliseconds at_most) override {
    std::vector<ChannelEvent> events;
    while (true) {
      // Only the first one is waited for.
      auto message = messages_.next(events.empty() ? at_most : std::chrono::milliseconds(0));
      if (!message && message.error().code == ErrorCode::timeout) {
        return events;
      }
      if (!message) {
        return events.empty() ? Result<std::vector<ChannelEvent>>(message.error()) : events;
      }
      if (message->empty()) {
        continue;
      }
      const std::uint32_t channel = static_cast<std::uint8_t>(message->front());
      std::string bytes = message->substr(1);
      if (channel == k_close_channel && !bytes.empty()) {
        events.push_back(
            {ChannelEvent::Kind::half_closed, static_cast<std::uint8_t>(bytes.front())});
      } else if (!bytes.empty()) {
        events.push_back({ChannelEvent::Kind::data, channel, std::move(bytes)});
      }
    }
  }

  Status write(std::uint32_t channel, std::string_view bytes) override {
    std::string payload(1, static_cast<char>(channel));
    payload += bytes;
    return messages_.write(payload);
  }
  Status close_channel(std::uint32_t) override { return {}; }  // Only clients can say that.
  void close() override { messages_.close(); }
  int fd() const override { return messages_.stream().fd(); }
  bool has_buffered() const override { return messages_.has_buffered(); }

 private:
  Messages messages_;
};

class WebSocketTunnel : public ByteStream {
 public:
  explicit WebSocketTunnel(ByteStream& stream) : messages_(stream) {}

  Result<std::size_t> read_some(std::span<char> into, std::chrono::milliseconds at_most) override {
    while (rest_.empty()) {
      auto message = messages_.next(at_most);
      if (!message && message.error().code == ErrorCode::unreachable) {
        return std::size_t{0};
      }
      if (!message) {
        return message.error();
      }
      rest_ = std::move(*message);
    }
    const std::size_t size = std::min(into.size(), rest_.size());
    std::memcpy(into.data(), rest_.data(), size);
    rest_.erase(0, size);
    return size;
  }
  Status write_all(std::string_view bytes) override { return messages_.write(bytes); }
  void close() override {
    messages_.close();
    messages_.stream().close();
  }
  bool has_buffered() const override { return !rest_.empty() || messages_.has_buffered(); }
  int fd() const override { return messages_.stream().fd(); }

 private:
  Messages messages_;
  std::string rest_;
};

}  // namespace

bool wants_websocket(const StreamRequest& request) {
  return !header(request, "Sec-WebSocket-Key").empty();
}

Result<std::string> accept_websocket(const StreamRequest& request,
                                     ByteStream& stream,
                                     const std::vector<std::string>& ours) {
  const std::vector<std::string> offered = list_of(header(request, "Sec-WebSocket-Protocol"));
  const auto chosen =
      std::find_if(offered.begin(), offered.end(), [&](const std::string& protocol) {
        return std::find(ours.begin(), ours.end(), protocol) != ours.end();
      });
  if (chosen == offered.end()) {
    return Error::invalid_argument("none of the subprotocols \"" +
                                   header(request, "Sec-WebSocket-Protocol") +
                                   "\" is spoken here, only " + ours.front());
  }
  KREDIS_CHECK(
      stream.write_all("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                       websocket_accept(header(request, "Sec-WebSocket-Key")) +
                       "\r\nSec-WebSocket-Protocol: " + *chosen + "\r\n\r\n"));
  return *chosen;
}

std::unique_ptr<Channels> make_websocket_channels(ByteStream& stream) {
  return std::make_unique<WebSocketChannels>(stream);
}

std::unique_ptr<ByteStream> make_websocket_tunnel(ByteStream& stream) {
  return std::make_unique<WebSocketTunnel>(stream);
}

}  // namespace kredis::sandbox
