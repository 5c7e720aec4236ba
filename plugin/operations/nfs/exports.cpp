// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/nfs/exports.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "shared/redis/dial.hpp"
#include "shared/system/posix.hpp"

namespace kredis::plugin {
namespace {

constexpr int k_portmap_port = 111;
constexpr std::uint32_t k_first_id = 0x6B726564;  // Any number; answers carry it.

Error broke_off(const std::string& who) {
  return Error::unreachable(who + " broke off: " + std::strerror(errno))
      .with_hint("on the server: systemctl status rpcbind nfs-server");
}

Error too_slow(const std::string& who) {
  return Error::timeout(who + " does not answer in time")
      .with_hint("check that no firewall drops what goes to it");
}

Status send_all(int fd, std::string_view bytes, const std::string& who, ports::Deadline deadline) {
  while (!bytes.empty()) {
    if (!redis::wait_ready(fd, POLLOUT, deadline)) {
      return too_slow(who);
    }
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), ports::k_no_signal);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return broke_off(who);
    }
    bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  return {};
}

Result<std::string> read_record(int fd, const std::string& who, ports::Deadline deadline) {
  std::string bytes;
  std::array<char, 4096> buffer{};
  for (;;) {
    KREDIS_TRY(const auto size, wire::rpc_record_size(bytes));
    if (size) {
      return bytes.substr(0, *size);
    }
    if (!redis::wait_ready(fd, POLLIN, deadline)) {
      return too_slow(who);
    }
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got == 0) {
      errno = ECONNRESET;
    }
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      return broke_off(who);
    }
    bytes.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }
}

Result<std::string> call(const std::string& host,
                         int port,
                         const std::string& what,
                         const wire::RpcCall& rpc,
                         ports::Deadline deadline) {
  const std::string who = what + " of " + host;
  KREDIS_TRY(const redis::UniqueFd fd, redis::dial(host, port, who, deadline));
  KREDIS_CHECK(send_all(fd.get(), wire::render_rpc_call(rpc), who, deadline));
  KREDIS_TRY(const std::string record, read_record(fd.get(), who, deadline));
  return wire::parse_rpc_reply(record, rpc.id);
}

Result<int> find_mount_port(const std::string& host, ports::Deadline deadline) {
  constexpr std::uint32_t k_version = 3;
  KREDIS_TRY(const std::string result,
             call(host,
                  k_portmap_port,
                  "the port mapper",
                  wire::getport_call(k_first_id, wire::k_mount_program, k_version),
                  deadline));
  auto port = wire::parse_getport(result);
  return port ? port
              : port.error().with_hint(
                    "its export list cannot be asked for; look on the server: "
                    "exportfs -v");
}

}  // namespace

Result<std::vector<wire::NfsExport>> ask_exports(const NfsServer& server,
                                                 ports::Deadline deadline) {
  int port = server.mount_port;
  if (port == 0) {
    KREDIS_TRY(port, find_mount_port(server.host, deadline));
  }
  KREDIS_TRY(
      const std::string result,
      call(server.host, port, "the mount service", wire::export_call(k_first_id + 1), deadline));
  return wire::parse_exports(result);
}

}  // namespace kredis::plugin
