// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/kube/test_server.hpp"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace kredis::kube {
namespace {

constexpr std::size_t k_read_bytes = 64U << 10U;
constexpr char k_tls_handshake = 0x16;  // First byte of a ClientHello.

class PlainPeer : public TestPeer {
 public:
  explicit PlainPeer(int socket) : socket_(socket) {}
  void write(const std::string& bytes) override {
    ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::string read() override {
    std::string buffer(k_read_bytes, '\0');
    const auto got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }

 private:
  int socket_;
};

class TlsPeer : public TestPeer {
 public:
  explicit TlsPeer(SSL* ssl) : ssl_(ssl) {}
  void write(const std::string& bytes) override {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string read() override {
    std::string buffer(k_read_bytes, '\0');
    const int got = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }

 private:
  SSL* ssl_;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  });
  return text;
}

TestRequest parse_head(const std::string& head) {
  TestRequest request;
  std::size_t end = head.find("\r\n");
  const std::string line = head.substr(0, end);
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  while (end != std::string::npos && end + 2 < head.size()) {
    const std::size_t begin = end + 2;
    end = head.find("\r\n", begin);
    const std::string field = head.substr(begin, end - begin);
    const std::size_t colon = field.find(": ");
    if (colon != std::string::npos) {
      std::string& value = request.headers[lower(field.substr(0, colon))];
      value += (value.empty() ? "" : ",") + field.substr(colon + 2);
    }
  }
  return request;
}

/// Reads requests until the far side closes or the handler does.
void converse(TestPeer& peer, const std::string& client_name, const TestServer::Handler& handler) {
  std::string raw;
  while (!peer.is_closed()) {
    std::size_t end = raw.find("\r\n\r\n");
    while (end == std::string::npos) {
      const std::string more = peer.read();
      if (more.empty()) {
        return;
      }
      raw += more;
      if (raw.front() == k_tls_handshake) {
        return peer.answer(400, "");  // As any plain HTTP server does when spoken to in TLS.
      }
      end = raw.find("\r\n\r\n");
    }
    TestRequest request = parse_head(raw.substr(0, end));
    request.client_name = client_name;
    raw.erase(0, end + 4);
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (raw.size() < size) {
      const std::string more = peer.read();
      if (more.empty()) {
        return;
      }
      raw += more;
    }
    request.body = raw.substr(0, size);
    raw.erase(0, size);
    handler(request, peer);
  }
}

std::string common_name(SSL* ssl) {
  X509* certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) {
    return {};
  }
  char name[128] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

int accept_any(int /*ok*/, X509_STORE_CTX* /*store*/) { return 1; }

}  // namespace

void TestPeer::answer(int status, const std::string& body, const std::string& headers) {
  write("HTTP/1.1 " + std::to_string(status) + " Any\r\nContent-Type: application/json\r\n" +
        headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

struct TestServer::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  ~Tls() { SSL_CTX_free(context); }
};

TestServer::TestServer(const TestServerOptions& options, Handler handler)
    : handler_(std::move(handler)) {
  ::signal(SIGPIPE, SIG_IGN);  // Of this server's own TLS writes.
  if (options.has_tls) {
    tls_ = std::make_unique<Tls>();
    BIO* bio = BIO_new_mem_buf(options.certificate.pem.data(), -1);
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO* key_bio = BIO_new_mem_buf(options.certificate.key_pem.data(), -1);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(tls_->context, certificate);
    SSL_CTX_use_PrivateKey(tls_->context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(bio);
    BIO_free(key_bio);
    if (!options.client_authority_pem.empty()) {
      SSL_CTX_set_verify(tls_->context, SSL_VERIFY_PEER, accept_any);
      const unsigned char id = 1;
      SSL_CTX_set_session_id_context(tls_->context, &id, options.can_resume ? 1 : 0);
    }
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 128) != 0) {
    throw std::runtime_error("the test server cannot listen");
  }
  ::getsockname(listener_, raw, &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TestServer::~TestServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) {
      ::shutdown(socket, SHUT_RDWR);
    }
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
  ::close(listener_);
  for (const int socket : sockets_) {
    ::close(socket);
  }
}

std::string TestServer::address() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

void TestServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      return;
    }
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      serve(socket);
      ::shutdown(socket, SHUT_RDWR);  // Closed at the end, so that the number is not reused.
    });
  }
}

void TestServer::serve(int socket) {
  if (!tls_) {
    PlainPeer peer(socket);
    converse(peer, "", handler_);
    return;
  }
  SSL* ssl = SSL_new(tls_->context);
  SSL_set_fd(ssl, socket);
  if (SSL_accept(ssl) == 1) {
    resumptions_ += SSL_session_reused(ssl);
    TlsPeer peer(ssl);
    converse(peer, common_name(ssl), handler_);
  }
  SSL_free(ssl);
}

}  // namespace kredis::kube
