// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "tests/sandbox/api/http_message.hpp"

namespace kredis::sandbox::api {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_handshake_patience{20'000};

int listen_on(const std::string& address, int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool parsed = ::inet_pton(AF_INET, address.c_str(), &where.sin_addr) == 1;
  if (!parsed || ::bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 ||
      ::listen(listener, SOMAXCONN) != 0) {
    ::close(listener);
    return -1;
  }
  return listener;
}

int port_of(int listener) {
  sockaddr_in where{};
  socklen_t length = sizeof where;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &length);
  return ntohs(where.sin_port);
}

std::string_view reason_of(int code) {
  switch (code) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return "Unknown";
  }
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void Exchange::add_header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
}

std::string Exchange::head(int code) const {
  std::string text = "HTTP/1.1 " + std::to_string(code) + " " + std::string(reason_of(code)) +
                     "\r\nCache-Control: no-cache, private\r\n";
  for (const auto& [name, value] : headers_) {
    text += name + ": " + value + "\r\n";
  }
  return text;
}

void Exchange::send(int code, std::string_view content_type, std::string_view body) {
  answered_ = true;
  std::string text = head(code);
  text += "Content-Type: " + std::string(content_type) +
          "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  keep_alive_ = stream_.write_all(text).has_value() && keep_alive_;
}

void Exchange::begin_chunks(std::string_view content_type) {
  answered_ = true;
  const std::string text = head(200) + "Content-Type: " + std::string(content_type) +
                           "\r\nTransfer-Encoding: chunked\r\n\r\n";
  broken_ = !stream_.write_all(text);
}

bool Exchange::send_chunk(std::string_view bytes) {
  if (bytes.empty() || broken_) {
    return !broken_;
  }
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  broken_ = !stream_.write_all(std::string(size) + std::string(bytes) + "\r\n");
  return !broken_;
}

void Exchange::end_chunks() {
  broken_ = broken_ || !stream_.write_all("0\r\n\r\n");
  keep_alive_ = keep_alive_ && !broken_;
}

TlsStream& Exchange::take_stream() {
  answered_ = true;
  keep_alive_ = false;
  return stream_;
}

bool Exchange::abandoned() {
  if (stopping_ || broken_) {
    return true;
  }
  std::array<char, 1> byte{};
  const auto read = stream_.read_some(byte, milliseconds{0});
  if (read && *read > 0) {  // The next request, sent early.
    stream_.unread({byte.data(), *read});
    return false;
  }
  broken_ = read.has_value() || read.error().code != ErrorCode::timeout;
  return broken_;
}

struct HttpServer::Connection {
  std::thread thread;
  std::mutex mutex;  // Guards socket: it must not be shut down after it was closed and reused.
  int socket = -1;
  std::atomic<bool> done{false};

  void shut_down() {
    const std::lock_guard lock(mutex);
    if (socket >= 0) {
      ::shutdown(socket, SHUT_RDWR);
    }
  }
};

HttpServer::HttpServer(SslContext context, HttpHandler handler)
    : context_(std::move(context)), handler_(std::move(handler)) {}

HttpServer::~HttpServer() { stop(); }

Status HttpServer::start(const std::string& address, int port) {
  std::signal(SIGPIPE, SIG_IGN);  // A client that leaves is an error of write, not our end.
  listener_ = listen_on(address, port);
  if (listener_ < 0) {
    return Error::unreachable("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                              std::strerror(errno));
  }
  port_ = port_of(listener_);
  acceptor_ = std::thread([this] { accept_connections(); });
  return {};
}

void HttpServer::stop() {
  if (listener_ < 0) {
    return;
  }
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  listener_ = -1;
  const std::lock_guard lock(mutex_);
  for (const auto& connection : connections_) {
    connection->shut_down();
  }
  for (const auto& connection : connections_) {
    connection->thread.join();
  }
  connections_.clear();
}

void HttpServer::accept_connections() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      if (!stopping_) {
        std::this_thread::sleep_for(milliseconds{10});  // Out of descriptors, most likely.
      }
      continue;
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    reap();
    const std::lock_guard lock(mutex_);
    Connection& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.socket = socket;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

// Joins the threads that are through.
void HttpServer::reap() {
  const std::lock_guard lock(mutex_);
  for (auto at = connections_.begin(); at != connections_.end();) {
    if ((*at)->done) {
      (*at)->thread.join();
      at = connections_.erase(at);
    } else {
      ++at;
    }
  }
}

void HttpServer::serve(Connection& connection) {
  {
    auto stream = TlsStream::open(
        connection.socket, *context_, TlsStream::Side::server, "", k_handshake_patience);
    if (stream) {
      serve_requests(**stream);
      (*stream)->close();
    }
    // The socket is closed with the stream: from here on nobody may shut it down.
    const std::lock_guard lock(connection.mutex);
    connection.socket = -1;
    if (stream) {
      stream->reset();
    }
  }
  connection.done = true;
}

void HttpServer::serve_requests(TlsStream& stream) {
  while (!stopping_) {
    auto request = read_request(stream);
    Exchange exchange(stream, stopping_);
    if (!request) {
      if (request.error().code != ErrorCode::unreachable) {
        exchange.add_header("Connection", "close");
        exchange.send(request.error().code == ErrorCode::unsafe ? 413 : 400,
                      "text/plain",
                      request.error().message);
      }
      return;
    }
    try {
      handler_(*request, exchange);
    } catch (const std::exception& problem) {
      if (!exchange.answered()) {
        exchange.send(500, "text/plain", problem.what());
      }
      return;
    }
    if (!exchange.answered() || !exchange.keep_alive() ||
        strcasecmp(request->header("Connection").c_str(), "close") == 0) {
      return;
    }
  }
}

}  // namespace kredis::sandbox::api
