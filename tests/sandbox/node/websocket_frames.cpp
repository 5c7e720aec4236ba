// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/websocket_frames.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <utility>

namespace kredis::sandbox {
namespace {

constexpr std::string_view k_guid =
    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3.

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) {
    number = (number << 8U) | static_cast<std::uint8_t>(byte);
  }
  return number;
}

struct FrameHeader {
  bool final;
  WebSocketOpcode opcode;
  std::size_t mask_at;
  std::uint64_t length;

  std::size_t payload_at() const { return mask_at + 4; }
  bool is_control() const { return static_cast<std::uint8_t>(opcode) >= 8; }
};

Result<std::optional<FrameHeader>> read_header(std::string_view bytes) {
  if (bytes.size() < 2) {
    return std::optional<FrameHeader>();
  }
  if ((byte_at(bytes, 0) & 0x70U) != 0 || (byte_at(bytes, 1) & 0x80U) == 0) {
    return Error::protocol("a WebSocket frame with reserved bits, or one that is not masked");
  }
  const unsigned short_length = byte_at(bytes, 1) & 0x7fU;
  const std::size_t extra = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  if (bytes.size() < 2 + extra + 4) {
    return std::optional<FrameHeader>();
  }
  const std::uint64_t length = extra == 0 ? short_length : big_endian(bytes.substr(2, extra));
  if (length > k_longest_websocket_message) {
    return Error::protocol("a WebSocket frame of " + std::to_string(length) + " bytes is too long");
  }
  return std::optional(FrameHeader{(byte_at(bytes, 0) & 0x80U) != 0,
                                   static_cast<WebSocketOpcode>(byte_at(bytes, 0) & 0x0fU),
                                   2 + extra,
                                   length});
}

std::string unmasked(std::string_view mask, std::string_view payload) {
  std::string bytes(payload);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ mask[at % 4]);
  }
  return bytes;
}

}  // namespace

Result<std::optional<WebSocketMessage>> WebSocketParser::next() {
  while (true) {
    KREDIS_TRY(const std::optional<FrameHeader> header, read_header(buffer_));
    if (!header || buffer_.size() < header->payload_at() + header->length) {
      return std::optional<WebSocketMessage>();
    }
    const std::string_view whole = buffer_;
    std::string payload = unmasked(whole.substr(header->mask_at, 4),
                                   whole.substr(header->payload_at(), header->length));
    buffer_.erase(0, header->payload_at() + header->length);
    if (header->is_control()) {
      return std::optional(WebSocketMessage{header->opcode, std::move(payload)});
    }
    if ((header->opcode == WebSocketOpcode::continuation) != fragmented_.has_value()) {
      return Error::protocol("WebSocket fragments out of order");
    }
    if (fragments_.size() + payload.size() > k_longest_websocket_message) {
      return Error::protocol("a WebSocket message is too long");
    }
    fragments_ += payload;
    fragmented_ = fragmented_.value_or(header->opcode);
    if (header->final) {
      const WebSocketOpcode opcode = *std::exchange(fragmented_, std::nullopt);
      return std::optional(WebSocketMessage{opcode, std::exchange(fragments_, {})});
    }
  }
}

bool WebSocketParser::has_frame() const {
  const auto header = read_header(buffer_);
  return !header || (*header && buffer_.size() >= (*header)->payload_at() + (*header)->length);
}

std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload) {
  std::string frame(1, static_cast<char>(0x80U | static_cast<std::uint8_t>(opcode)));
  const std::uint64_t length = payload.size();
  const int extra = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
  frame += static_cast<char>(extra == 0 ? length : extra == 2 ? 126 : 127);
  for (int shift = (extra - 1) * 8; shift >= 0; shift -= 8) {
    frame += static_cast<char>((length >> static_cast<unsigned>(shift)) & 0xffU);
  }
  frame += payload;
  return frame;
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + std::string(k_guid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {encoded.begin(), encoded.begin() + length};
}

}  // namespace kredis::sandbox
