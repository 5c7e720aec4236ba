// SPDX-License-Identifier: Apache-2.0
#include "webhook/server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include "webhook/peers.hpp"

namespace kredis::webhook {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Strand = asio::strand<asio::io_context::executor_type>;

/// The most that one record of TLS carries (RFC 8446, section 5.1).
constexpr std::size_t k_read_bytes = 16'384;

Answer refusal(int status, std::string_view why) {
  return {.status = status, .body = std::string(why) + "\n", .content_type = "text/plain"};
}

int refusal_status(const error_code& failure) {
  // 431 is RFC 6585's, section 5; 413 RFC 9110's, 15.5.14.
  return failure == http::error::header_limit ? 431
         : failure == http::error::body_limit ? 413
                                              : 400;
}

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(const Limits& limits, Handler handler_, const TlsSlot& tls_)
      : peers(limits), handler(std::move(handler_)), tls(tls_), acceptor(io), pause(io) {}

  awaitable<void> accept_connections();

  Peers peers;
  const Handler handler;
  const TlsSlot& tls;
  std::atomic<bool> leaving{false};
  asio::io_context io;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
};

/// One peer, on one strand: a handshake, then one request after the other.
/// Its coroutine, its timer and a cut that comes from another thread never run at the same time.
class PeerConnection final : public Peer, public std::enable_shared_from_this<PeerConnection> {
 public:
  PeerConnection(std::shared_ptr<Server::Impl> server,
                 Strand strand,
                 tcp::socket socket,
                 TlsContext tls)
      : server_(std::move(server)),
        strand_(std::move(strand)),
        socket_(std::move(socket)),
        timer_(strand_, Clock::time_point::max()),
        tls_(std::move(tls)),
        ssl_(nullptr, &SSL_free) {}
  ~PeerConnection() override { server_->peers.leave(*this); }
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  /// Requires: somebody owns it until this has ended.
  awaitable<void> serve();

 private:
  using Parser = http::request_parser<http::string_body>;
  enum class Got { request, nothing, refused };

  awaitable<bool> wait_for(tcp::socket::wait_type what);
  template <typename Step>
  awaitable<std::size_t> move_bytes(Step step);
  awaitable<bool> handshake();
  awaitable<Got> receive(Parser& parser);
  awaitable<bool> send(std::string_view text);
  awaitable<bool> reply(const Answer& answer, bool keep);
  awaitable<bool> answer_next();
  void expect_within(milliseconds time);
  void keep_deadline();
  void hang_up();
  void end_soon() override {
    asio::post(strand_, [self = shared_from_this()] { self->hang_up(); });
  }

  std::shared_ptr<Server::Impl> server_;
  Strand strand_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  Clock::time_point deadline_;
  TlsContext tls_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string input_;  // Received and not yet parsed.
  bool ended_ = false;
};

// Shut down, not closed: the descriptor stays ours until the coroutine has ended, so that its
// number is not used again while OpenSSL still knows it.
void PeerConnection::hang_up() {
  ended_ = true;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  timer_.cancel();
}

void PeerConnection::expect_within(milliseconds time) {
  deadline_ = Clock::now() + time;
  if (deadline_ < timer_.expiry()) {
    keep_deadline();
  }
}

/// Sets the timer, and again where the deadline was put off meanwhile, as every request does.
void PeerConnection::keep_deadline() {
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](const error_code& failure) {
    const auto self = weak.lock();
    if (failure || !self) {
      return;
    }
    if (self->deadline_ > Clock::now()) {
      self->keep_deadline();
      return;
    }
    // A kept connection that nobody needs any more is no fault of its peer's.
    if (self->phase() != Phase::idle) {
      ++self->server_->peers.counts().timed_out;
    }
    self->hang_up();
  });
}

awaitable<bool> PeerConnection::wait_for(tcp::socket::wait_type what) {
  error_code failure;
  co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, failure));
  co_return !failure && !ended_;
}

/// Repeats a step of OpenSSL until it moved something; 0 when the connection is over.
template <typename Step>
awaitable<std::size_t> PeerConnection::move_bytes(Step step) {
  while (!ended_) {
    ERR_clear_error();
    const int done = step();
    if (done > 0) {
      co_return static_cast<std::size_t>(done);
    }
    const int why = SSL_get_error(ssl_.get(), done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      co_return 0;
    }
    const bool ready = co_await wait_for(why == SSL_ERROR_WANT_READ ? tcp::socket::wait_read
                                                                    : tcp::socket::wait_write);
    if (!ready) {
      co_return 0;
    }
  }
  co_return 0;
}

awaitable<bool> PeerConnection::handshake() {
  error_code failure;
  socket_.non_blocking(true, failure);
  // The last part of an answer must not wait for the peer's delayed acknowledgement (40 ms).
  socket_.set_option(tcp::no_delay(true), failure);
  expect_within(server_->peers.limits().handshake);
  // Who says nothing costs no more than a socket.
  const bool is_spoken_to = co_await wait_for(tcp::socket::wait_read);
  if (!is_spoken_to || failure) {
    ++server_->peers.counts().handshakes_failed;
    co_return false;
  }
  ssl_.reset(SSL_new(tls_.get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) {
    co_return false;
  }
  const std::size_t done = co_await move_bytes([this] { return SSL_accept(ssl_.get()); });
  if (done == 0) {
    ++server_->peers.counts().handshakes_failed;
  }
  co_return done != 0;
}

awaitable<bool> PeerConnection::send(std::string_view text) {
  while (!text.empty()) {
    const auto size = static_cast<int>(std::min(text.size(), k_read_bytes));
    const std::size_t sent = co_await move_bytes(
        [this, text, size] { return SSL_write(ssl_.get(), text.data(), size); });
    if (sent == 0) {
      co_return false;
    }
    text.remove_prefix(sent);
  }
  co_return true;
}

awaitable<bool> PeerConnection::reply(const Answer& answer, bool keep) {
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(answer.status)));
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  text.append(reason.data(), reason.size());
  text += "\r\nContent-Type: " + answer.content_type +
          "\r\nContent-Length: " + std::to_string(answer.body.size()) +
          (keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n") + answer.body;
  co_return co_await send(text);
}

/// Reads until the parser has a whole request. The deadline runs from its first byte.
awaitable<PeerConnection::Got> PeerConnection::receive(Parser& parser) {
  bool asked_to_go_on = false;
  while (true) {
    error_code failure;
    while (!input_.empty() && !parser.is_done()) {
      const std::size_t used = parser.put(asio::buffer(input_), failure);
      input_.erase(0, used);
      if (failure || used == 0) {
        break;
      }
    }
    server_->peers.hold(*this, parser.get().body().size());
    // Where the next request would begin is unknown after this, so the connection ends.
    if (failure && failure != http::error::need_more) {
      ++server_->peers.counts().malformed;
      const Answer answer = refusal(refusal_status(failure), "not a request: " + failure.message());
      const bool told = co_await reply(answer, false);
      co_return told ? Got::refused : Got::nothing;
    }
    if (parser.is_done()) {
      co_return Got::request;
    }
    if (parser.is_header_done() && !asked_to_go_on) {
      asked_to_go_on = true;
      // RFC 9110, section 10.1.1. curl waits a second for it with a body of a megabyte.
      if (parser.get()[http::field::expect] == "100-continue") {
        const bool told = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
        if (!told) {
          co_return Got::nothing;
        }
      }
    }
    const std::size_t before = input_.size();
    input_.resize(before + k_read_bytes);
    const std::size_t got = co_await move_bytes([this, before] {
      return SSL_read(ssl_.get(), input_.data() + before, static_cast<int>(k_read_bytes));
    });
    input_.resize(before + got);
    if (got == 0) {
      co_return Got::nothing;
    }
    if (phase() == Phase::idle) {
      enter(Phase::receiving);
      expect_within(server_->peers.limits().request);
    }
  }
}

/// One request and its answer; false when there will be no next one.
awaitable<bool> PeerConnection::answer_next() {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(server_->peers.limits().header_bytes));
  parser.body_limit(server_->peers.limits().body_bytes);
  // Bytes of a body are parsed with the header where they came with it.
  parser.eager(true);
  const bool has_next = !input_.empty();  // It came with the last.
  input_.shrink_to_fit();
  enter(has_next ? Phase::receiving : Phase::idle);
  expect_within(has_next ? server_->peers.limits().request : server_->peers.limits().idle);
  const Got got = co_await receive(parser);
  if (got != Got::request) {
    co_return false;
  }
  enter(Phase::answering);
  auto message = parser.release();
  const auto text = [](const auto& view) { return std::string(view.data(), view.size()); };
  Answer answer;
  {
    const Request request{.method = text(message.method_string()),
                          .target = text(message.target()),
                          .content_type = text(message[http::field::content_type]),
                          .body = std::move(message.body())};
    // Right here, as a decision takes a tenth of a millisecond. Only a guard that renews a view
    // holds the thread longer, a second at the most.
    answer = server_->handler(request);
  }
  server_->peers.hold(*this, 0);
  const bool keep = message.keep_alive() && !server_->leaving;
  mark_served(Clock::now());
  const bool sent = co_await reply(answer, keep);
  co_return sent&& keep;
}

awaitable<void> PeerConnection::serve() {
  bool goes_on = co_await handshake();
  while (goes_on) {
    goes_on = co_await answer_next();
    // To the end of the line: a peer that has its next request here at once would keep the thread.
    co_await asio::defer(strand_, asio::use_awaitable);
  }
  // A farewell in the middle of a handshake would be an error (SSL_shutdown(3)).
  if (!ended_ && ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  hang_up();
}

awaitable<void> Server::Impl::accept_connections() {
  while (acceptor.is_open()) {
    const Strand strand = asio::make_strand(io);
    tcp::socket socket(strand);
    error_code failure;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, failure));
    if (failure == asio::error::operation_aborted) {
      co_return;
    }
    const TlsContext context = tls.get();
    if (failure || !context) {
      // Out of descriptors, most likely: others must end before more can come. Or there is no
      // certificate yet.
      pause.expires_after(milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      continue;
    }
    const auto connection =
        std::make_shared<PeerConnection>(shared_from_this(), strand, std::move(socket), context);
    peers.admit(connection);
    asio::co_spawn(
        strand, [connection] { return connection->serve(); }, asio::detached);
  }
}

Server::Server(const Limits& limits, Handler handler, const TlsSlot& tls)
    : impl_(std::make_shared<Impl>(limits, std::move(handler), tls)) {}

Server::~Server() = default;

Status Server::listen(const std::string& address, std::uint16_t port) {
  error_code failure;
  const auto where = asio::ip::make_address(address, failure);
  if (failure) {
    return Error::invalid_argument("\"" + address + "\" is no address to listen on");
  }
  tcp::acceptor& acceptor = impl_->acceptor;
  const tcp::endpoint endpoint(where, port);
  acceptor.open(endpoint.protocol(), failure);
  if (!failure) {
    // A container that is restarted finds connections of its last life in TIME_WAIT.
    acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    acceptor.bind(endpoint, failure);
  }
  if (!failure) {
    // What Linux allows at the most by itself (net.core.somaxconn since 5.4).
    acceptor.listen(4096, failure);
  }
  if (failure) {
    return Error::unreachable("cannot listen on " + address + " port " + std::to_string(port) +
                              ": " + failure.message());
  }
  return {};
}

std::uint16_t Server::port() const {
  error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

void Server::run(unsigned threads) {
  asio::co_spawn(impl_->io, impl_->accept_connections(), asio::detached);
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads; ++i) {
    helpers.emplace_back([this] { impl_->io.run(); });
  }
  impl_->io.run();
  for (std::thread& helper : helpers) {
    helper.join();
  }
}

/// A client that is told to close dials the Service for its next request, and meets another
/// replica.
void Server::stop_keeping_alive() { impl_->leaving = true; }

void Server::drain(milliseconds patience) {
  stop_keeping_alive();
  asio::post(impl_->io, [impl = impl_] {
    error_code ignored;
    impl->acceptor.close(ignored);
  });
  const auto end = Clock::now() + patience;
  while (impl_->peers.counts().open > 0) {
    const bool is_late = Clock::now() >= end;
    for (const auto& peer : impl_->peers.alive()) {
      if (is_late || peer->phase() == Peer::Phase::idle) {
        peer->cut();
      }
    }
    if (is_late) {
      break;
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
}

const ServerCounts& Server::counts() const { return impl_->peers.counts(); }

}  // namespace kredis::webhook
