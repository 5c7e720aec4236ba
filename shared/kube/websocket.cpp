// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/websocket.hpp"

#include <array>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace kredis::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

/// The longest record of TLS; a frame fits into one.
constexpr std::size_t k_frame_bytes = 16U << 10U;
/// What a frame's head, mask and channel leave of that.
constexpr std::size_t k_piece_bytes = k_frame_bytes - 64;
/// A server that does not answer a farewell is left after this time.
constexpr auto k_farewell = std::chrono::seconds(5);

template <typename Buffers>
asio::mutable_buffer first_of(const Buffers& buffers) {
  asio::mutable_buffer first;
  for (auto each = asio::buffer_sequence_begin(buffers);
       first.size() == 0 && each != asio::buffer_sequence_end(buffers);
       ++each) {
    first = *each;
  }
  return first;
}

/// Puts the parts of a frame together, so that head and payload are one TLS record and one packet.
struct Gathered {
  template <typename Buffers>
  explicit Gathered(const Buffers& buffers)
      : size(asio::buffer_copy(asio::buffer(data), buffers)) {}
  std::array<char, k_frame_bytes> data;
  std::size_t size;
};

/// Our connection as Beast wants a stream to be. It waits as every call does while it shakes hands
/// (the members that take an error code); afterwards it never does, and the loop's thread calls it.
class Wire {
 public:
  using executor_type = asio::io_context::executor_type;

  Wire(asio::io_context& io, Connection& connection, Deadline deadline)
      : io_(io), connection_(&connection), deadline_(deadline), socket_(io) {}
  // The connection closes the socket; the reactor must have forgotten it by then.
  ~Wire() {
    if (socket_.is_open()) {
      socket_.release();
    }
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void own(std::unique_ptr<Connection> connection, error_code& failure) {
    owned_ = std::move(connection);
    socket_.assign(owned_->fd(), failure);
  }
  executor_type get_executor() { return io_.get_executor(); }
  /// All that has been read while shaking hands.
  const std::string& answered() const { return answered_; }
  /// What went wrong, where it was more than that the far side has closed.
  const std::optional<Error>& failure() const { return failure_; }
  void cancel() {
    error_code ignored;
    socket_.cancel(ignored);
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& failure) {
    const asio::mutable_buffer room = first_of(buffers);
    auto* bytes = static_cast<char*>(room.data());
    const auto got = connection_->read(bytes, room.size(), deadline_);
    failure = outcome(got, got.value_or(0));
    answered_.append(bytes, got.value_or(0));
    return got.value_or(0);
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& failure) {
    const Gathered gathered(buffers);
    failure = outcome(connection_->write({gathered.data.data(), gathered.size}, deadline_),
                      gathered.size);
    return failure ? 0 : gathered.size;
  }
  // Beast asks that streams have these, too, and calls none.
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers);
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers);

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    begin(
        [this, room = first_of(buffers)] {
          return connection_->try_read(static_cast<char*>(room.data()), room.size());
        },
        std::forward<Handler>(handler));
  }
  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    begin(
        [this, buffers] {
          const Gathered gathered(buffers);
          return connection_->try_write(gathered.data.data(), gathered.size);
        },
        std::forward<Handler>(handler));
  }

 private:
  template <typename Step>
  struct Move;

  template <typename Step, typename Handler>
  void begin(Step step, Handler handler) {
    asio::async_compose<Handler, void(error_code, std::size_t)>(
        Move<Step>{*this, std::move(step)}, handler, socket_);
  }

  template <typename Value>
  error_code outcome(const Result<Value>& result, std::size_t bytes) {
    if (!result) {
      failure_ = result.error();
      return asio::error::connection_aborted;
    }
    return bytes == 0 ? error_code(asio::error::eof) : error_code();
  }

  asio::io_context& io_;
  std::unique_ptr<Connection> owned_;
  Connection* connection_;
  const Deadline deadline_;
  asio::posix::stream_descriptor socket_;  // For waiting only; outlived by owned_.
  std::string answered_;
  std::optional<Error> failure_;
};

/// A step of reading or writing, repeated when the socket is ready until it has moved something.
template <typename Step>
struct Wire::Move {
  Wire& wire;
  Step step;
  bool has_waited = false;
  std::optional<error_code> end = {};
  std::size_t bytes = 0;

  template <typename Self>
  void operator()(Self& self, const error_code& waited = {}) {
    if (!end && !waited) {
      const Result<Transfer> moved = step();
      if (moved && moved->progress != Progress::done && moved->progress != Progress::closed) {
        has_waited = true;
        const bool reads = moved->progress == Progress::want_read;
        wire.socket_.async_wait(reads ? asio::posix::stream_descriptor::wait_read
                                      : asio::posix::stream_descriptor::wait_write,
                                std::move(self));
        return;
      }
      bytes = moved ? moved->bytes : 0;
      end = wire.outcome(moved, bytes);
      // Asio's rule: nobody is called back within the call that began.
      if (!has_waited) {
        asio::post(wire.get_executor(), std::move(self));
        return;
      }
    }
    self.complete(end.value_or(waited), bytes);
  }
};

// Beast finds these two by their arguments. The connection says goodbye when it is destroyed.
template <typename Handler>
void async_teardown(beast::role_type /*role*/, Wire& wire, Handler&& handler) {
  asio::post(wire.get_executor(),
             beast::bind_front_handler(std::forward<Handler>(handler), error_code()));
}
void beast_close_socket(Wire& wire) { wire.cancel(); }

using Stream = websocket::stream<Wire, false>;  // No compression: API servers offer none.

/// A WebSocket and its local socket, in the loop's thread. In each direction at most one piece is
/// on its way, so whoever does not read makes the other side wait.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::unique_ptr<Stream> remote,
          asio::local::stream_protocol::socket local,
          char channel,
          std::unique_ptr<MessageSink> sink)
      : remote_(std::move(remote)), local_(std::move(local)), sink_(std::move(sink)) {
    to_remote_[0] = channel;
  }

  void start() {
    read_remote();
    read_local();
  }

 private:
  void read_remote() {
    remote_->async_read_some(
        asio::buffer(to_local_),
        [self = shared_from_this()](const error_code& failure, std::size_t size) {
          failure ? self->end(failure) : self->give_local(size);
        });
  }

  void give_local(std::size_t size) {
    const std::string_view piece = sink_->take({to_local_.data(), size});
    if (remote_->is_message_done() && !sink_->end_message()) {
      return end({});
    }
    if (piece.empty()) {
      return read_remote();
    }
    asio::async_write(local_,
                      asio::buffer(piece),
                      [self = shared_from_this()](const error_code& failure, std::size_t) {
                        failure ? self->end({}) : self->read_remote();
                      });
  }

  void read_local() {
    local_.async_read_some(
        asio::buffer(to_remote_) + 1,
        [self = shared_from_this()](const error_code& failure, std::size_t size) {
          failure ? self->say_goodbye() : self->send(size);
        });
  }

  void send(std::size_t size) {
    remote_->async_write(asio::buffer(to_remote_, size + 1),
                         [self = shared_from_this()](const error_code& failure, std::size_t) {
                           failure ? self->end(failure) : self->read_local();
                         });
  }

  /// Closing the local socket ends the other direction.
  void end(const error_code& why) {
    const auto& failure = remote_->next_layer().failure();
    const error_code closed = websocket::error::closed;
    if (failure) {
      sink_->fail(failure->message);
    } else if (why.category() == closed.category() && why != closed) {
      sink_->fail("the API server sent a broken WebSocket frame: " + why.message());
    }
    error_code ignored;
    local_.close(ignored);
  }

  /// Does nothing where the server has already gone.
  void say_goodbye() {
    remote_->async_close(websocket::close_code::normal,
                         [self = shared_from_this()](const error_code&) {});
  }

  std::unique_ptr<Stream> remote_;
  asio::local::stream_protocol::socket local_;
  std::unique_ptr<MessageSink> sink_;
  std::array<char, k_piece_bytes> to_local_{};
  std::array<char, k_piece_bytes + 1> to_remote_{};
};

void set_up(Stream& stream) {
  stream.binary(true);
  // Servers take every fragment for a message of its own (golang.org/x/net/websocket): the second
  // one's first byte would be its channel.
  stream.auto_fragment(false);
  stream.write_buffer_bytes(k_frame_bytes);
  stream.read_message_max(k_message_limit_bytes);
  stream.set_option(
      websocket::stream_base::timeout{k_farewell, websocket::stream_base::none(), false});
}

}  // namespace

struct WebSocketLoop::Impl {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  std::once_flag started;
  std::thread thread;
};

WebSocketLoop::WebSocketLoop() : impl_(std::make_unique<Impl>()) {}

WebSocketLoop::~WebSocketLoop() {
  impl_->io.stop();
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

struct WebSocket::Impl {
  WebSocketLoop::Impl& loop;
  std::unique_ptr<Stream> stream = {};
};

WebSocket::WebSocket(WebSocketLoop& loop) : impl_(std::make_unique<Impl>(Impl{*loop.impl_})) {}
WebSocket::~WebSocket() = default;

bool WebSocket::is_open() const { return impl_->stream && impl_->stream->is_open(); }

Result<std::string> WebSocket::shake_hands(Connection& connection,
                                           const HttpRequest& request,
                                           Deadline deadline) try {
  auto stream = std::make_unique<Stream>(impl_->loop.io, connection, deadline);
  set_up(*stream);
  stream->set_option(websocket::stream_base::decorator([&](websocket::request_type& upgrade) {
    upgrade.erase(beast::http::field::host);  // It is among the request's own.
    for (const auto& [name, value] : request.headers) {
      upgrade.insert(name, value);
    }
  }));
  error_code refused;
  stream->handshake("", request.target, refused);
  const Wire& wire = stream->next_layer();
  if (wire.failure()) {
    return *wire.failure();
  }
  std::string answered = wire.answered();
  impl_->stream = refused ? nullptr : std::move(stream);
  return answered;
} catch (
    const std::exception& error) {  // No descriptor left for the reactor, or too long a header.
  return Error::internal(std::string("cannot ask for a WebSocket: ") + error.what());
}

Status WebSocket::relay(std::unique_ptr<Connection> connection,
                        Socket local,
                        char channel,
                        std::unique_ptr<MessageSink> sink) try {
  WebSocketLoop::Impl& loop = impl_->loop;
  asio::local::stream_protocol::socket end(loop.io);
  error_code failure;
  end.assign({}, local.fd(), failure);
  if (!failure) {
    local.release();
    impl_->stream->next_layer().own(std::move(connection), failure);
  }
  if (failure) {
    return Error::internal("cannot serve a WebSocket: " + failure.message());
  }
  asio::post(loop.io,
             [session = std::make_shared<Session>(
                  std::move(impl_->stream), std::move(end), channel, std::move(sink))] {
               session->start();
             });
  std::call_once(loop.started, [&loop] { loop.thread = std::thread([&loop] { loop.io.run(); }); });
  return {};
} catch (const std::exception& error) {  // No thread to be had.
  return Error::internal(std::string("cannot serve a WebSocket: ") + error.what());
}

}  // namespace kredis::kube
