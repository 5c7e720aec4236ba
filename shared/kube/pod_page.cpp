// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/pod_page.hpp"

#include <fcntl.h>

#include <utility>

#include "shared/kube/http.hpp"

namespace kredis::kube {
namespace {

/// What the far side of the tunnel complained of says more than that it closed.
Error explained(Error error, const ports::Tunnel& tunnel) {
  const std::string failure = tunnel.failure();
  return failure.empty() ? std::move(error) : Error::unreachable(failure);
}

Result<std::string> get_page(Connection& connection,
                             const PodServer& server,
                             const std::string& path,
                             ports::Deadline deadline) {
  HttpExchange exchange(connection);
  KREDIS_CHECK(exchange.send(
      {.method = "GET", .target = path, .headers = {{"Host", server.server_name}}}, deadline));
  KREDIS_TRY(const HttpHead head, exchange.read_head(deadline));
  KREDIS_TRY(std::string body, exchange.read_body(deadline));
  if (head.status != 200) {
    return Error::protocol(path + " answered HTTP " + std::to_string(head.status));
  }
  return body;
}

}  // namespace

Result<std::vector<std::string>> get_pages(ports::KubePort& kube,
                                           const PodServer& server,
                                           const std::vector<std::string>& paths,
                                           ports::Deadline deadline) {
  // A page is small and has a deadline, so nobody has to interrupt it.
  static const Interrupt k_never;
  KREDIS_TRY(const auto tls,
             TlsContext::make({.ca_pem = server.ca_pem,
                               .certificate_pem = {},
                               .key_pem = {},
                               .server_name = server.server_name}));
  // One tunnel and one connection for all pages: each tunnel is a WebSocket through the API server.
  KREDIS_TRY(const auto tunnel,
             kube.open_tunnel(server.namespace_, server.pod, server.port, deadline));
  Socket socket(tunnel->take_fd());
  // A tunnel hands out a blocking socket, and TLS steps must be able to end at the deadline.
  ::fcntl(socket.fd(), F_SETFL, ::fcntl(socket.fd(), F_GETFL) | O_NONBLOCK);
  const Endpoint endpoint{.server = {}, .tls = tls, .label = "pod " + server.pod};
  auto connection = Connection::over(std::move(socket), endpoint, deadline, k_never);
  if (!connection) {
    return explained(connection.error(), *tunnel);
  }
  std::vector<std::string> pages;
  for (const std::string& path : paths) {
    auto page = get_page(**connection, server, path, deadline);
    if (!page) {
      return explained(page.error(), *tunnel);
    }
    pages.push_back(std::move(*page));
  }
  return pages;
}

}  // namespace kredis::kube
