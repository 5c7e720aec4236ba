// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/onc_rpc.hpp"

namespace kredis::wire {
namespace {

using core::Error;

constexpr std::uint32_t k_last_fragment = 0x8000'0000U;
constexpr std::size_t k_record_limit_bytes = std::size_t{1} << 20U;
constexpr std::size_t k_export_limit = 10'000;
constexpr std::uint32_t k_portmap_program = 100'000;
constexpr std::uint32_t k_tcp = 6;

void put(std::string& bytes, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes += static_cast<char>((value >> shift) & 0xFFU);
  }
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

Error cut_short() { return Error::protocol("the NFS server's answer is cut short"); }

/// Reads XDR from the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  core::Result<std::uint32_t> number() {
    if (bytes_.size() - at_ < 4) {
      return cut_short();
    }
    const std::uint32_t value = number_at(bytes_, at_);
    at_ += 4;
    return value;
  }

  /// A length, that many bytes, and zeroes up to a multiple of four.
  core::Result<std::string> text() {
    KREDIS_TRY(const std::uint32_t length, number());
    const std::size_t padded = (std::size_t{length} + 3) / 4 * 4;
    if (bytes_.size() - at_ < padded) {
      return cut_short();
    }
    std::string value{bytes_.substr(at_, length)};
    at_ += padded;
    return value;
  }

  std::string_view rest() const { return bytes_.substr(at_); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

/// The fragments of a record put together.
std::string without_marks(std::string_view record) {
  std::string bytes;
  for (std::size_t at = 0; at + 4 <= record.size();) {
    const std::size_t length = number_at(record, at) & ~k_last_fragment;
    bytes += record.substr(at + 4, length);
    at += 4 + length;
  }
  return bytes;
}

core::Status check_accepted(std::uint32_t state) {
  switch (state) {
    case 0:
      return {};
    case 1:
      return Error::not_found("the server does not offer that RPC program");
    case 2:
      return Error::not_found("the server does not offer that version of the RPC program");
    default:
      return Error::protocol("the NFS server answers with RPC error " + std::to_string(state));
  }
}

}  // namespace

std::string render_rpc_call(const RpcCall& call) {
  std::string body;
  for (const std::uint32_t value :
       {call.id, 0U, 2U, call.program, call.version, call.procedure, 0U, 0U, 0U, 0U}) {
    put(body, value);
  }
  for (const std::uint32_t value : call.arguments) {
    put(body, value);
  }
  std::string record;
  put(record, k_last_fragment | static_cast<std::uint32_t>(body.size()));
  return record + body;
}

core::Result<std::optional<std::size_t>> rpc_record_size(std::string_view bytes) {
  std::size_t at = 0;
  while (at + 4 <= bytes.size()) {
    const std::uint32_t mark = number_at(bytes, at);
    at += 4 + std::size_t{mark & ~k_last_fragment};
    if (at > k_record_limit_bytes) {
      return Error::protocol("the NFS server's answer is longer than 1 MiB");
    }
    if ((mark & k_last_fragment) != 0) {
      return at <= bytes.size() ? std::optional{at} : std::nullopt;
    }
  }
  return std::optional<std::size_t>{};
}

core::Result<std::string> parse_rpc_reply(std::string_view record, std::uint32_t id) {
  const std::string bytes = without_marks(record);
  Reader reader{bytes};
  KREDIS_TRY(const std::uint32_t answers, reader.number());
  KREDIS_TRY(const std::uint32_t type, reader.number());
  if (answers != id || type != 1) {
    return Error::protocol("what answers does not speak RPC");
  }
  KREDIS_TRY(const std::uint32_t denied, reader.number());
  if (denied != 0) {
    return Error::unauthorized("the NFS server refuses calls from here without credentials")
        .with_hint("ask from a machine that its exports name");
  }
  KREDIS_CHECK(reader.number());  // The flavour of the verifier.
  KREDIS_CHECK(reader.text());
  KREDIS_TRY(const std::uint32_t state, reader.number());
  KREDIS_CHECK(check_accepted(state));
  return std::string{reader.rest()};
}

RpcCall getport_call(std::uint32_t id, std::uint32_t program, std::uint32_t version) {
  return {.id = id,
          .program = k_portmap_program,
          .version = 2,
          .procedure = 3,
          .arguments = {program, version, k_tcp, 0}};
}

core::Result<int> parse_getport(std::string_view result) {
  KREDIS_TRY(const std::uint32_t port, Reader{result}.number());
  if (port == 0) {
    return Error::not_found("the server runs no mount service: it may serve NFS version 4 only");
  }
  if (port > 65'535) {
    return Error::protocol("the port mapper names port " + std::to_string(port));
  }
  return static_cast<int>(port);
}

RpcCall export_call(std::uint32_t id) {
  return {.id = id, .program = k_mount_program, .version = 3, .procedure = 5};
}

core::Result<std::vector<NfsExport>> parse_exports(std::string_view result) {
  Reader reader{result};
  std::vector<NfsExport> exports;
  for (;;) {
    KREDIS_TRY(const std::uint32_t more, reader.number());
    if (more == 0) {
      return exports;
    }
    if (exports.size() == k_export_limit) {
      return Error::protocol("the NFS server's export list does not end");
    }
    NfsExport one;
    KREDIS_TRY(one.path, reader.text());
    for (;;) {
      KREDIS_TRY(const std::uint32_t another, reader.number());
      if (another == 0) {
        break;
      }
      KREDIS_TRY(std::string client, reader.text());
      one.clients.push_back(std::move(client));
    }
    exports.push_back(std::move(one));
  }
}

}  // namespace kredis::wire
