// SPDX-License-Identifier: Apache-2.0
//
// The little of ONC RPC (RFC 5531) over TCP that asking an NFS server for its exports takes: one
// call, one reply, XDR (RFC 4506) in between. Bytes only; no sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::wire {

struct RpcCall {
  std::uint32_t id = 0;
  std::uint32_t program = 0;
  std::uint32_t version = 0;
  std::uint32_t procedure = 0;
  std::vector<std::uint32_t> arguments = {};
};

/// The call as one record, with no credentials.
std::string render_rpc_call(const RpcCall& call);

/// How many bytes the record at the start of `bytes` takes, marks included; nothing while it is not
/// all there. Errors: protocol (longer than a megabyte).
core::Result<std::optional<std::size_t>> rpc_record_size(std::string_view bytes);

/// The result in a whole record that answers call `id`.
/// Errors: protocol (not an answer), not_found (no such program or version there), unauthorized.
core::Result<std::string> parse_rpc_reply(std::string_view record, std::uint32_t id);

/// Asks the port mapper (RFC 1833, version 2) where a program listens on TCP.
RpcCall getport_call(std::uint32_t id, std::uint32_t program, std::uint32_t version);
/// Errors: not_found (not registered), protocol.
core::Result<int> parse_getport(std::string_view result);

/// One line of an export list: who may mount a folder; nobody named means everybody.
struct NfsExport {
  std::string path = {};
  std::vector<std::string> clients = {};
  friend bool operator==(const NfsExport&, const NfsExport&) = default;
};

inline constexpr std::uint32_t k_mount_program = 100'005;

/// MOUNT version 3, EXPORT (RFC 1813, appendix I).
RpcCall export_call(std::uint32_t id);
/// Errors: protocol.
core::Result<std::vector<NfsExport>> parse_exports(std::string_view result);

}  // namespace kredis::wire
