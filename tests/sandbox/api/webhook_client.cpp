// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/webhook_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/sandbox/api/http_message.hpp"
#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

using std::chrono::milliseconds;

// Where to connect, and the name that the certificate must carry.
struct Place {
  std::string address;
  int port = 443;
  std::string host;
  std::string path = "/";
};

Result<Place> parse_url(const std::string& url) {
  constexpr std::string_view k_scheme = "https://";
  if (!url.starts_with(k_scheme)) {
    return Error::invalid_argument("webhook url must be https: " + url);
  }
  const std::string rest = url.substr(k_scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  const std::size_t colon = authority.rfind(':');
  Place place;
  place.host = authority.substr(0, colon);
  place.address = place.host;
  if (colon != std::string::npos) {
    place.port = std::atoi(authority.c_str() + colon + 1);
  }
  if (slash < rest.size()) {
    place.path = rest.substr(slash);
  }
  return place;
}

Error refused(const std::string& what) { return Error::unreachable(what); }

// One ready endpoint of a Service after the other: what a cluster's network would reach.
Result<Place> resolve_service(const Store& store, const Json& service) {
  const std::string namespace_ = dig_text(service, {"namespace"});
  const std::string name = dig_text(service, {"name"});
  const Object found = store.get({"", "services", namespace_, name});
  if (found == nullptr) {
    return Error::not_found("service \"" + name + "\" not found");
  }
  Place place;
  place.host = name + "." + namespace_ + ".svc";
  place.path = dig_text(service, {"path"}).empty() ? "/" : dig_text(service, {"path"});
  const std::int64_t wanted = dig_number(service, {"port"}, 443);
  std::string port_name;
  bool has_port = false;
  for (const Json& port : dig_list(*found, {"spec", "ports"})) {
    if (dig_number(port, {"port"}) == wanted) {
      port_name = dig_text(port, {"name"});
      has_port = true;
    }
  }
  if (!has_port) {
    return refused("no service port " + std::to_string(wanted) + " found for service \"" + name +
                   "\"");
  }
  const Object endpoints = store.get({"", "endpoints", namespace_, name});
  const Json known = endpoints == nullptr ? Json::object() : *endpoints;
  std::vector<std::pair<std::string, int>> ready;
  for (const Json& subset : dig_list(known, {"subsets"})) {
    for (const Json& port : dig_list(subset, {"ports"})) {
      for (const Json& address : dig_list(subset, {"addresses"})) {
        if (dig_text(port, {"name"}) == port_name) {
          ready.emplace_back(dig_text(address, {"ip"}),
                             static_cast<int>(dig_number(port, {"port"})));
        }
      }
    }
  }
  if (ready.empty()) {
    return refused("no endpoints available for service \"" + name + "\"");
  }
  static std::atomic<std::size_t> turn{0};
  std::tie(place.address, place.port) = ready[turn++ % ready.size()];
  return place;
}

Result<int> connect_to(const Place& place, milliseconds at_most) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(place.address.c_str(), std::to_string(place.port).c_str(), &hints, &found) !=
      0) {
    return refused("dial tcp: lookup " + place.address + ": no such host");
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int problem = ::connect(socket, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
  ::freeaddrinfo(found);
  if (problem == EINPROGRESS) {
    pollfd entry{socket, POLLOUT, 0};
    socklen_t length = sizeof problem;
    if (::poll(&entry, 1, static_cast<int>(at_most.count())) <= 0) {
      problem = ETIMEDOUT;
    } else {
      ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &length);
    }
  }
  if (problem == 0) {
    return socket;
  }
  ::close(socket);
  if (problem == ETIMEDOUT) {
    return Error::timeout("context deadline exceeded");
  }
  return refused("dial tcp " + place.address + ":" + std::to_string(place.port) + ": connect: " +
                 (problem == ECONNREFUSED ? "connection refused" : std::strerror(problem)));
}

SslContext client_context(const std::string& ca_bundle) {
  SslContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_bundle.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
    return context;
  }
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(ca_bundle.data(), static_cast<int>(ca_bundle.size())), BIO_free_all);
  X509_STORE* const trusted = SSL_CTX_get_cert_store(context.get());
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(trusted, certificate);
    X509_free(certificate);
  }
  return context;
}

std::string compose(const Place& place, const std::string& body) {
  return "POST " + place.path + (place.path.find('?') == std::string::npos ? "?" : "&") +
         "timeout=10s HTTP/1.1\r\nHost: " + place.host +
         "\r\nUser-Agent: kube-apiserver-admission\r\nContent-Type: application/json"
         "\r\nAccept: application/json, */*\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

Result<Json> exchange(const Store& store,
                      const Json& client_config,
                      const Json& review,
                      milliseconds at_most) {
  const std::string url = dig_text(client_config, {"url"});
  KREDIS_TRY(
      const Place place,
      url.empty() ? resolve_service(store, dig(client_config, {"service"})) : parse_url(url));
  KREDIS_TRY(const int socket, connect_to(place, at_most));
  const auto bundle = base64_decode(dig_text(client_config, {"caBundle"}));
  const SslContext context = client_context(bundle.value_or(""));
  KREDIS_TRY(const auto stream,
             TlsStream::open(socket, *context, TlsStream::Side::client, place.host, at_most));
  KREDIS_CHECK(stream->write_all(compose(place, review.dump())));
  KREDIS_TRY(const HttpAnswer answer, read_answer(*stream, at_most));
  if (answer.code != 200) {
    return Error::protocol("the server responded with the status code " +
                           std::to_string(answer.code) + " but did not return more information");
  }
  Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object()) {
    return Error::protocol("couldn't get version/kind; json parse error");
  }
  return body;
}

// The address as Go's HTTP client would print it.
std::string url_of(const Json& client_config) {
  const std::string url = dig_text(client_config, {"url"});
  const Json& service = dig(client_config, {"service"});
  return (url.empty()
              ? "https://" + dig_text(service, {"name"}) + "." + dig_text(service, {"namespace"}) +
                    ".svc:" + std::to_string(dig_number(service, {"port"}, 443)) +
                    dig_text(service, {"path"})
              : url) +
         "?timeout=10s";
}

}  // namespace

Result<Json> WebhookClient::post(const Json& client_config,
                                 const Json& review,
                                 milliseconds at_most) const {
  auto answer = exchange(store_, client_config, review, at_most);
  if (!answer && answer.error().code != ErrorCode::protocol) {
    Error error = answer.error();
    error.message = "Post \"" + url_of(client_config) + "\": " + error.message;
    return error;
  }
  return answer;
}

}  // namespace kredis::sandbox::api
