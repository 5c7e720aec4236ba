// SPDX-License-Identifier: Apache-2.0
//
// Calls to one API server: who we are goes along, connections are kept and reused, what may be
// repeated is repeated, and a refusal comes back as an Error in the user's words.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/kube/access.hpp"
#include "shared/kube/credentials.hpp"
#include "shared/kube/http.hpp"
#include "shared/kube/status_error.hpp"

namespace kredis::kube {

/// What may be done about a call that failed on the way.
enum class Repeat {
  always,        ///< Doing it twice is like doing it once.
  when_refused,  ///< Only when the server says that it did nothing (429).
  never,
};

struct Call {
  std::string method;
  std::string target;  ///< Path and query, without the prefix of the server's address.
  Request request;     ///< For messages.
  std::string content_type = {};
  std::string body = {};
  Repeat repeat = Repeat::never;
  Headers headers = {};
  /// Sends the request in the client's place, over a connection of its own, and returns what has
  /// been answered so far: for a WebSocket.
  std::function<Result<std::string>(Connection&, const HttpRequest&, Deadline)> send = {};
};

/// An accepted call whose body has not been read yet.
struct OpenAnswer {
  std::unique_ptr<Connection> connection;
  std::unique_ptr<HttpExchange> http;
  HttpHead head;
};

/// Threads: any.
class RestClient {
 public:
  /// Errors: invalid_argument (addresses, certificates).
  static Result<std::unique_ptr<RestClient>> make(const Access& access, const KubeOptions& options);

  /// Sends the call and reads the whole answer, within the request timeout and `deadline`.
  Result<std::string> call(const Call& call, Deadline deadline = Deadline::max());
  /// Sends the call and returns once the server has accepted it (2xx or 101).
  Result<OpenAnswer> open(const Call& call, Deadline deadline);

  Interrupt& interrupt() { return interrupt_; }
  const Access& access() const { return access_; }

 private:
  struct Attempt;
  RestClient(const Access& access, const KubeOptions& options, Url server);
  Attempt try_once(const Call& call, Deadline deadline);
  Result<std::unique_ptr<Connection>> take_connection(const Call& call,
                                                      const Identity& identity,
                                                      Deadline deadline,
                                                      bool& is_reused);
  void give_back(OpenAnswer answer);
  Result<std::shared_ptr<TlsContext>> tls_for(const Identity& identity);
  HttpRequest request_for(const Call& call, const Identity& identity) const;
  Error refusal(const Call& call, Attempt& attempt, Deadline deadline);
  void report_warnings(const HttpHead& head);

  const Access access_;
  const KubeOptions options_;
  Endpoint endpoint_;
  Interrupt interrupt_;
  Credentials credentials_;
  std::mutex mutex_;  // Guards all below.
  std::shared_ptr<TlsContext> tls_;
  std::string tls_certificate_;  // The client certificate that tls_ was made with.
  std::vector<std::unique_ptr<Connection>> idle_;
  std::set<std::string> warnings_;
};

/// Sleeps. Errors: timeout, when interrupted or when the deadline comes first.
Status sleep_for(Clock::duration duration, Deadline deadline, const Interrupt& interrupt);

/// How long to wait before the attempt after `attempt` (1, 2, ...): doubling, with jitter.
Clock::duration back_off(int attempt);

}  // namespace kredis::kube
