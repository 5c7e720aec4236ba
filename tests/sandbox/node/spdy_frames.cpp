// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/spdy_frames.hpp"

#include <zlib.h>

#include <array>
#include <utility>

#include "tests/sandbox/node/spdy_dictionary.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_frame_header = 8;
constexpr std::size_t k_longest_frame = 4 * 1024 * 1024;
constexpr std::size_t k_longest_headers = 64 * 1024;
constexpr std::uint8_t k_flag_fin = 1;
constexpr std::uint32_t k_stream_bits = 0x7fffffffU;

std::uint32_t big_endian_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t index = 0; index < size && at + index < bytes.size(); ++index) {
    number = (number << 8U) | static_cast<std::uint8_t>(bytes[at + index]);
  }
  return number;
}

void put(std::string& into, std::uint32_t number, unsigned size) {
  for (unsigned index = size; index-- > 0;) {
    into += static_cast<char>((number >> (8 * index)) & 0xffU);
  }
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): zlib's bytes are unsigned.
Bytef* zlib_bytes(std::string_view text) {
  return const_cast<Bytef*>(
      reinterpret_cast<const Bytef*>(text.data()));  // zlib does not write to it.
}
// NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)

Result<Headers> parse_headers(std::string_view block) {
  Headers headers;
  std::size_t at = 4;
  const auto text = [&]() -> std::optional<std::string> {
    const std::size_t size = big_endian_at(block, at, 4);
    if (at + 4 + size > block.size()) {
      return std::nullopt;
    }
    std::string found(block.substr(at + 4, size));
    at += 4 + size;
    return found;
  };
  for (std::uint32_t left = big_endian_at(block, 0, 4); left > 0; --left) {
    std::optional<std::string> name = text();
    std::optional<std::string> value = name ? text() : std::nullopt;
    if (!value) {
      return Error::protocol("a SPDY header block that ends too early");
    }
    headers[std::move(*name)] = std::move(*value);
  }
  return headers;
}

std::string header_block(const Headers& headers) {
  std::string block;
  put(block, static_cast<std::uint32_t>(headers.size()), 4);
  for (const auto& [name, value] : headers) {
    put(block, static_cast<std::uint32_t>(name.size()), 4);
    block += name;
    put(block, static_cast<std::uint32_t>(value.size()), 4);
    block += value;
  }
  return block;
}

}  // namespace

class SpdyParser::Inflater {
 public:
  Inflater() { inflateInit(&stream_); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<std::string> inflate_block(std::string_view compressed) {
    std::string text;
    stream_.next_in = zlib_bytes(compressed);
    stream_.avail_in = static_cast<uInt>(compressed.size());
    do {
      std::array<Bytef, 4096> buffer{};
      stream_.next_out = buffer.data();
      stream_.avail_out = buffer.size();
      int result = ::inflate(&stream_, Z_SYNC_FLUSH);
      if (result == Z_NEED_DICT) {
        const std::string& dictionary = spdy_dictionary();
        inflateSetDictionary(
            &stream_, zlib_bytes(dictionary), static_cast<uInt>(dictionary.size()));
        result = ::inflate(&stream_, Z_SYNC_FLUSH);
      }
      if (result != Z_OK && result != Z_BUF_ERROR) {
        return Error::protocol("a SPDY header block that cannot be decompressed");
      }
      text.append(buffer.begin(), buffer.end() - stream_.avail_out);
      if (text.size() > k_longest_headers) {
        return Error::protocol("a SPDY header block that is too long");
      }
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return text;
  }

 private:
  z_stream stream_{};
};

class SpdyWriter::Deflater {
 public:
  Deflater() {
    deflateInit(&stream_, Z_BEST_SPEED);
    const std::string& dictionary = spdy_dictionary();
    deflateSetDictionary(&stream_, zlib_bytes(dictionary), static_cast<uInt>(dictionary.size()));
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string deflate_block(std::string_view text) {
    std::string compressed;
    stream_.next_in = zlib_bytes(text);
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      std::array<Bytef, 4096> buffer{};
      stream_.next_out = buffer.data();
      stream_.avail_out = buffer.size();
      ::deflate(&stream_, Z_SYNC_FLUSH);
      compressed.append(buffer.begin(), buffer.end() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return compressed;
  }

 private:
  z_stream stream_{};
};

SpdyParser::SpdyParser() : inflater_(std::make_unique<Inflater>()) {}
SpdyParser::~SpdyParser() = default;

Result<std::optional<SpdyFrame>> SpdyParser::next() {
  if (buffer_.size() < k_frame_header) {
    return std::optional<SpdyFrame>();
  }
  const std::size_t length = big_endian_at(buffer_, 5, 3);
  if (length > k_longest_frame) {
    return Error::protocol("a SPDY frame of " + std::to_string(length) + " bytes is too long");
  }
  if (buffer_.size() < k_frame_header + length) {
    return std::optional<SpdyFrame>();
  }
  const std::string bytes = buffer_.substr(0, k_frame_header + length);
  buffer_.erase(0, bytes.size());
  const bool is_control = (big_endian_at(bytes, 0, 1) & 0x80U) != 0;
  if (is_control) {
    KREDIS_TRY(SpdyFrame frame, control_frame(bytes));
    return std::optional(std::move(frame));
  }
  return std::optional(SpdyFrame{.type = SpdyFrame::Type::data,
                                 .stream = big_endian_at(bytes, 0, 4) & k_stream_bits,
                                 .last = (big_endian_at(bytes, 4, 1) & k_flag_fin) != 0,
                                 .data = bytes.substr(k_frame_header)});
}

Result<SpdyFrame> SpdyParser::control_frame(std::string_view bytes) {
  SpdyFrame frame;
  frame.type = static_cast<SpdyFrame::Type>(big_endian_at(bytes, 2, 2));
  frame.last = (big_endian_at(bytes, 4, 1) & k_flag_fin) != 0;
  const std::string_view body = bytes.substr(k_frame_header);
  frame.stream = big_endian_at(body, 0, 4);
  if (frame.type != SpdyFrame::Type::ping) {
    frame.stream &= k_stream_bits;
  }
  const bool opens = frame.type == SpdyFrame::Type::syn_stream;
  if (opens || frame.type == SpdyFrame::Type::syn_reply || frame.type == SpdyFrame::Type::headers) {
    const std::size_t headers_at = opens ? 10 : 4;  // After associated stream, priority and slot.
    if (body.size() < headers_at) {
      return Error::protocol("a SPDY frame that is too short");
    }
    KREDIS_TRY(const std::string block, inflater_->inflate_block(body.substr(headers_at)));
    KREDIS_TRY(frame.headers, parse_headers(block));
  }
  return frame;
}

SpdyWriter::SpdyWriter() : deflater_(std::make_unique<Deflater>()) {}
SpdyWriter::~SpdyWriter() = default;

std::string SpdyWriter::bytes_of(const SpdyFrame& frame) {
  std::string bytes;
  const std::uint32_t flags = frame.last ? k_flag_fin : 0;
  if (frame.type == SpdyFrame::Type::data) {
    put(bytes, frame.stream, 4);
    put(bytes, flags, 1);
    put(bytes, static_cast<std::uint32_t>(frame.data.size()), 3);
    return bytes + frame.data;
  }
  std::string body;
  put(body, frame.stream, 4);
  if (frame.type == SpdyFrame::Type::syn_stream) {
    put(body, 0, 4);
    put(body, 0, 2);
  }
  if (frame.type == SpdyFrame::Type::syn_stream || frame.type == SpdyFrame::Type::syn_reply) {
    body += deflater_->deflate_block(header_block(frame.headers));
  }
  if (frame.type == SpdyFrame::Type::rst_stream || frame.type == SpdyFrame::Type::goaway) {
    put(body, frame.type == SpdyFrame::Type::rst_stream ? 5U : 0U, 4);  // CANCEL, OK.
  }
  put(bytes, 0x8003U, 2);
  put(bytes, static_cast<std::uint32_t>(frame.type), 2);
  put(bytes, flags, 1);
  put(bytes, static_cast<std::uint32_t>(body.size()), 3);
  return bytes + body;
}

}  // namespace kredis::sandbox
