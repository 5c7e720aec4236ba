// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/spdy.hpp"

#include <strings.h>

#include <array>
#include <utility>

#include "tests/sandbox/node/spdy_frames.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_most_data = 32 * 1024;

class SpdyChannels : public Channels {
 public:
  explicit SpdyChannels(ByteStream& stream) : stream_(stream) {}

  Result<std::vector<ChannelEvent>> read(std::chrono::milliseconds at_most) override {
    std::vector<ChannelEvent> events;
    KREDIS_CHECK(take_frames(events));
    if (!events.empty()) {
      return events;
    }
    std::array<char, 16 * 1024> buffer{};
    const auto size = stream_.read_some(buffer, at_most);
    if (!size && size.error().code == ErrorCode::timeout) {
      return events;
    }
    if (!size) {
      return size.error();
    }
    if (*size == 0) {
      return Error::unreachable("the client has gone");
    }
    parser_.feed({buffer.data(), *size});
    KREDIS_CHECK(take_frames(events));
    return events;
  }

  Status write(std::uint32_t channel, std::string_view bytes) override {
    while (!bytes.empty()) {
      KREDIS_CHECK(send({.stream = channel, .data = std::string(bytes.substr(0, k_most_data))}));
      bytes.remove_prefix(std::min(bytes.size(), k_most_data));
    }
    return {};
  }

  Status close_channel(std::uint32_t channel) override {
    return send({.stream = channel, .last = true});
  }

  void close() override { static_cast<void>(send({.type = SpdyFrame::Type::goaway})); }

  int fd() const override { return stream_.fd(); }
  bool has_buffered() const override { return stream_.has_buffered(); }

 private:
  Status send(const SpdyFrame& frame) { return stream_.write_all(writer_.bytes_of(frame)); }

  Status take_frames(std::vector<ChannelEvent>& events) {
    while (true) {
      KREDIS_TRY(std::optional<SpdyFrame> frame, parser_.next());
      if (!frame) {
        return {};
      }
      KREDIS_CHECK(take(std::move(*frame), events));
    }
  }

  Status take(SpdyFrame frame, std::vector<ChannelEvent>& events) {
    const auto add = [&](ChannelEvent::Kind kind) {
      events.push_back({kind, frame.stream, std::move(frame.data), std::move(frame.headers)});
    };
    switch (frame.type) {
      case SpdyFrame::Type::syn_stream:
        add(ChannelEvent::Kind::opened);
        KREDIS_CHECK(send({.type = SpdyFrame::Type::syn_reply, .stream = frame.stream}));
        break;
      case SpdyFrame::Type::data:
        if (!frame.data.empty()) {
          add(ChannelEvent::Kind::data);
        }
        break;
      case SpdyFrame::Type::rst_stream:
        add(ChannelEvent::Kind::reset);
        break;
      case SpdyFrame::Type::ping:
        KREDIS_CHECK(send({.type = SpdyFrame::Type::ping, .stream = frame.stream}));
        return {};
      case SpdyFrame::Type::goaway:
      case SpdyFrame::Type::settings:
      case SpdyFrame::Type::syn_reply:
      case SpdyFrame::Type::headers:
      case SpdyFrame::Type::window_update:
        return {};
    }
    if (frame.last) {
      events.push_back({ChannelEvent::Kind::half_closed, frame.stream});
    }
    return {};
  }

  ByteStream& stream_;
  SpdyParser parser_;
  SpdyWriter writer_;
};

}  // namespace

bool wants_spdy(const StreamRequest& request) {
  const auto found = request.headers.find("Upgrade");
  return found != request.headers.end() && strcasecmp(found->second.c_str(), "SPDY/3.1") == 0;
}

Status accept_spdy(ByteStream& stream, const std::string& protocol) {
  return stream.write_all(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
      "X-Stream-Protocol-Version: " +
      protocol + "\r\n\r\n");
}

std::unique_ptr<Channels> make_spdy_channels(ByteStream& stream) {
  return std::make_unique<SpdyChannels>(stream);
}

}  // namespace kredis::sandbox
