// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/connection.hpp"

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/redis/dial.hpp"
#include "shared/redis/reply_error.hpp"
#include "shared/redis/reply_reader.hpp"
#include "shared/system/posix.hpp"

namespace kredis::redis {
namespace {

using core::Command;
using core::Reply;
using ports::Deadline;
using std::chrono::steady_clock;
using namespace std::string_literals;

constexpr std::string_view k_client_certificate_hint =
    "it wants a client certificate that it trusts: --tls-secret NAME";
constexpr std::string_view k_perhaps_tls_hint = "perhaps this port speaks TLS: --tls-secret NAME";

/// Keeps a write to a closed connection from killing the program: OpenSSL and hiredis use plain
/// writes, and the signal's disposition belongs to the program, not to this library.
class SigpipeBlocked {
 public:
  SigpipeBlocked() noexcept {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeBlocked() {
#ifndef __APPLE__  // There the sockets of ports::open_socket raise none.
    const timespec at_once{};
    while (!was_pending_ && sigtimedwait(&sigpipe_, nullptr, &at_once) == SIGPIPE) {
    }
#endif
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

/// Writes more than the longest line that Redis accepts. What does not go through does not matter.
void send_filler(int fd, Deadline deadline) {
  const std::string filler(64 * 1024 + 1, '\0');
  std::size_t sent = 0;
  while (sent < filler.size() && wait_ready(fd, POLLOUT, deadline)) {
    const ssize_t size = ::send(fd, filler.data() + sent, filler.size() - sent, ports::k_no_signal);
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
      return;
    }
    sent += size < 0 ? 0 : static_cast<std::size_t>(size);
  }
}

class HiredisConnection : public ports::RedisConnection {
 public:
  explicit HiredisConnection(Line line) : line_(std::move(line)) {}

  Status open();
  Status start_tls(const TlsContext& tls, Deadline deadline);
  Status greet(const RedisOptions& options, Deadline deadline);
  Result<std::vector<Reply>> pipeline(const std::vector<Command>& commands,
                                      Deadline deadline) override;

 private:
  struct FreeContext {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
  };

  Result<std::vector<Reply>> exchange(std::size_t expected, Deadline deadline);
  Status append(const Command& command);
  Status write_some(bool& all_written);
  /// Reads what has arrived; false when nothing was there.
  Result<bool> read_some();
  Status handshake(ssl_st* session, Deadline deadline);
  Error lost(const char* doing) const;
  Error tunnel_failed(const std::string& failure) const;
  Error plain_protocol_error(const Error& parse_error) const;

  Line line_;
  // Freed before `line_`: hiredis closes the descriptor, which ends the tunnel.
  std::unique_ptr<redisContext, FreeContext> context_;
  ReplyReader reader_;
  bool tls_ = false;
  bool heard_ = false;  ///< Whether the server ever sent a byte (inside TLS, if any).
  bool greeted_ = false;
};

Status HiredisConnection::open() {
  redisOptions options{};
  options.type = REDIS_CONN_USERFD;
  options.options = REDIS_OPT_NONBLOCK | REDIS_OPT_NO_PUSH_AUTOFREE;
  options.endpoint.fd = line_.fd.get();
  context_.reset(redisConnectWithOptions(&options));
  if (!context_) {
    return Error::internal("out of memory for a connection to " + line_.who);
  }
  context_->fd = line_.fd.release();
  return {};
}

Status HiredisConnection::start_tls(const TlsContext& tls, Deadline deadline) {
  const SigpipeBlocked guard;
  tls_ = true;
  KREDIS_TRY(TlsSession session, tls.session(line_.name));
  if (redisInitiateSSL(context_.get(), session.get()) != REDIS_OK) {
    return handshake_error(session.get(), line_.who, line_.name);
  }
  return handshake(session.release(), deadline);  // The context owns it from here on.
}

Status HiredisConnection::handshake(ssl_st* session, Deadline deadline) {
  // A plain Redis takes our hello for the beginning of a long line and waits for its end, for ever.
  // So when nothing at all came back for three quarters of the time, make that line longer than it
  // accepts (64 KiB): it answers "-ERR Protocol error". No TLS server was going to answer any more.
  const auto now = steady_clock::now();
  const Deadline nudge_at = now + (deadline - now) / 4 * 3;
  bool nudged = false;
  for (;;) {
    pending_tls_alert();
    const int done = SSL_do_handshake(session);
    if (done == 1) {
      return {};
    }
    const int problem = SSL_get_error(session, done);
    if (problem != SSL_ERROR_WANT_READ && problem != SSL_ERROR_WANT_WRITE) {
      return handshake_error(session, line_.who, line_.name);
    }
    const short events = problem == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (wait_ready(context_->fd, events, nudged ? deadline : nudge_at)) {
      continue;
    }
    const bool silent = BIO_number_read(SSL_get_rbio(session)) == 0;
    if (nudged || !silent || steady_clock::now() >= deadline) {
      return Error::timeout(line_.who + " did not finish the TLS handshake in time")
          .with_hint("perhaps this port does not speak TLS: try without the TLS flags");
    }
    nudged = true;
    send_filler(context_->fd, deadline);
  }
}

Status HiredisConnection::greet(const RedisOptions& options, Deadline deadline) {
  std::vector<Command> commands;
  if (!options.password.empty()) {
    commands.push_back({"AUTH", options.password});
    if (!options.user.empty()) {
      commands.back().insert(commands.back().begin() + 1, options.user);
    }
  }
  if (options.protocol == Protocol::resp3) {
    commands.push_back({"HELLO", "3"});
  }
  commands.push_back({"PING"});
  KREDIS_TRY(const std::vector<Reply> replies, pipeline(commands, deadline));
  if (!options.password.empty() && replies.front().is_error()) {
    return error_of(replies.front(), line_.who, options.user);
  }
  // A user without +ping, and a node that is loading, are still good to talk to.
  const Reply& pong = replies.back();
  for (const std::string_view fatal : {"NOAUTH", "DENIED", "ERR max number of clients"}) {
    if (pong.is_error() && pong.text.starts_with(fatal)) {
      return error_of(pong, line_.who, options.user);
    }
  }
  greeted_ = true;
  return {};
}

Result<std::vector<Reply>> HiredisConnection::pipeline(const std::vector<Command>& commands,
                                                       Deadline deadline) {
  if (!context_) {
    return Error::unreachable("the connection to " + line_.who + " is already lost");
  }
  const SigpipeBlocked guard;
  reader_.restart();
  pending_tls_alert();
  for (const Command& command : commands) {
    KREDIS_CHECK(append(command));
  }
  auto replies = exchange(commands.size(), deadline);
  if (!replies) {
    context_.reset();  // Replies may still be under way; nobody could tell whose they are.
  }
  return replies;
}

Status HiredisConnection::append(const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (redisAppendCommandArgv(
          context_.get(), static_cast<int>(words.size()), words.data(), sizes.data()) != REDIS_OK) {
    return Error::internal("out of memory for a command to " + line_.who);
  }
  return {};
}

Result<std::vector<Reply>> HiredisConnection::exchange(std::size_t expected, Deadline deadline) {
  std::vector<Reply> replies;
  bool all_written = false;
  while (replies.size() < expected) {
    if (!all_written) {
      KREDIS_CHECK(write_some(all_written));
    }
    KREDIS_TRY(const bool something, read_some());
    while (replies.size() < expected) {
      auto reply = reader_.next();
      if (!reply) {
        return plain_protocol_error(reply.error());
      }
      if (!reply->has_value()) {
        break;
      }
      replies.push_back(std::move(**reply));
    }
    const auto events = static_cast<short>(all_written ? POLLIN : POLLIN | POLLOUT);
    const bool in_time =
        something ? steady_clock::now() < deadline
                  : replies.size() == expected || wait_ready(context_->fd, events, deadline);
    if (!in_time && replies.size() < expected) {
      return Error::timeout(line_.who + " did not answer in time")
          .with_hint("it may be busy or frozen, or the network drops packets: look at its pod");
    }
  }
  return replies;
}

Status HiredisConnection::write_some(bool& all_written) {
  int done = 0;
  if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
    return lost("while sending");
  }
  all_written = done == 1;
  return {};
}

Result<bool> HiredisConnection::read_some() {
  std::array<char, 16 * 1024> buffer;
  errno = 0;
  const auto size = context_->funcs->read(context_.get(), buffer.data(), buffer.size());
  if (size < 0) {
    return lost("while waiting for its answer");
  }
  if (size == 0) {
    return false;
  }
  heard_ = true;
  auto fed = reader_.feed({buffer.data(), static_cast<std::size_t>(size)});
  if (!fed) {
    return plain_protocol_error(fed.error());
  }
  return true;
}

Error HiredisConnection::plain_protocol_error(const Error& parse_error) const {
  // A TLS server answers a plain command with an alert record, whose type is 21.
  if (!tls_ && !greeted_ && parse_error.message.find("\\x15") != std::string::npos) {
    return Error::protocol(line_.who + " speaks TLS on this port, and was spoken to without")
        .with_hint("use TLS: --tls-secret NAME");
  }
  return Error::protocol(line_.who +
                         " does not speak Redis's protocol here: " + parse_error.message)
      .with_hint("check the port: " + line_.who + " may not be a Redis server");
}

Error HiredisConnection::tunnel_failed(const std::string& failure) const {
  const auto says = [&](const char* part) { return failure.find(part) != std::string::npos; };
  // A TLS server hangs up on a plain command; its alert is often lost on the kubelet's way back.
  if (!tls_ && !greeted_ && !heard_ && says("reset by peer")) {
    return Error::protocol(line_.who + " closed the connection without an answer: " + failure)
        .with_hint(std::string(k_perhaps_tls_hint));
  }
  return Error::unreachable(
             line_.who + (says("refused") ? " refused the connection: " : ": the tunnel broke: ") +
             failure)
      .with_hint("look at the pod's log: kubectl logs " + line_.who);
}

Error HiredisConnection::lost(const char* doing) const {
  if (line_.tunnel && !line_.tunnel->failure().empty()) {
    return tunnel_failed(line_.tunnel->failure());
  }
  const std::string alert = tls_ ? pending_tls_alert() : "";
  if (!alert.empty()) {
    return Error::protocol(line_.who + " broke off TLS " + doing + ": " + alert)
        .with_hint(alert.find("certificate") == std::string::npos
                       ? "look at its log"s
                       : std::string(k_client_certificate_hint));
  }
  if (!greeted_ && !heard_ && tls_) {
    return Error::protocol(line_.who + " closed the connection right after the TLS handshake")
        .with_hint(std::string(k_client_certificate_hint));
  }
  if (!greeted_ && !heard_) {
    return Error::protocol(line_.who + " closed the connection without an answer")
        .with_hint(std::string(k_perhaps_tls_hint));
  }
  return Error::unreachable("lost the connection to " + line_.who + " " + doing);
}

}  // namespace

Result<std::unique_ptr<ports::RedisConnection>> open_connection(
    Line line,
    const RedisOptions& options,
    const std::shared_ptr<const TlsContext>& tls,
    ports::Deadline deadline) {
  auto connection = std::make_unique<HiredisConnection>(std::move(line));
  KREDIS_CHECK(connection->open());
  if (tls) {
    KREDIS_CHECK(connection->start_tls(*tls, deadline));
  }
  KREDIS_CHECK(connection->greet(options, deadline));
  return std::unique_ptr<ports::RedisConnection>(std::move(connection));
}

}  // namespace kredis::redis
