// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/rest.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <random>
#include <utility>

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

constexpr int k_attempts = 5;
/// As kubectl says it: JSON where there is a choice. Port-forward offers none and wants the stars.
constexpr const char* k_accept = "application/json, */*";
constexpr std::size_t k_idle_connections = 8;
constexpr auto k_first_pause = std::chrono::milliseconds(100);
constexpr auto k_longest_pause = std::chrono::seconds(5);

bool is_accepted(int status) { return status == 101 || (status >= 200 && status < 300); }

/// Retry-After in seconds; dates, which API servers do not send, are passed over.
std::optional<Clock::duration> retry_after(const HttpHead& head) {
  const std::string text = head.header("Retry-After").value_or("");
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return std::chrono::seconds(std::min(seconds, 3600U));
}

/// Takes the text out of `299 - "text" ["date"]` (RFC 7234, section 5.5).
std::string warning_text(const std::string& header) {
  const std::size_t open = header.find('"');
  std::string text;
  for (std::size_t i = open + 1; open != std::string::npos && i < header.size(); ++i) {
    if (header[i] == '"') {
      return text;
    }
    if (header[i] == '\\' && i + 1 < header.size()) {
      ++i;
    }
    text += header[i];
  }
  return {};
}

/// What goes into a header must not be able to end it.
Status check_impersonation(const Access& access) {
  std::string all = access.as + access.as_uid;
  for (const std::string& group : access.as_groups) {
    all += group;
  }
  for (const auto& [key, value] : access.as_extra) {
    all += value;
  }
  if (all.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error::invalid_argument("a name to act as has a line end in it")
        .with_hint("check --as, --as-group, and 'as' in the kubeconfig");
  }
  return {};
}

std::string label_of(const Access& access, const Url& server) {
  const std::string label = "the API server " + server.to_text();
  return access.cluster.empty() ? label : label + " of cluster '" + access.cluster + "'";
}

Result<std::optional<Url>> proxy_of(const Access& access) {
  if (access.proxy_url.empty()) {
    return std::optional<Url>();
  }
  KREDIS_TRY(const Url proxy, parse_url(access.proxy_url, "http"));
  if (proxy.scheme != "http") {
    return Error::invalid_argument("the proxy " + proxy.to_text() + " is of the kind '" +
                                   proxy.scheme + "', which is not supported")
        .with_hint("use an http:// proxy; TLS to the API server passes through it untouched");
  }
  return std::optional<Url>(proxy);
}

}  // namespace

Clock::duration back_off(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto whole =
      std::min<Clock::duration>(k_first_pause * (1 << std::min(attempt - 1, 10)), k_longest_pause);
  return whole / 2 + whole / 2 * static_cast<int>(random() % 100) / 100;
}

Status sleep_for(Clock::duration duration, Deadline deadline, const Interrupt& interrupt) {
  const Deadline end = Clock::now() + duration;
  const auto waited = wait_ready(-1, 0, std::min(end, deadline), interrupt);
  if (interrupt.raised()) {
    return interrupted();
  }
  return deadline < end ? waited : Status{};
}

/// One try of a call: an answer of any status, or how it failed.
struct RestClient::Attempt {
  Identity identity = {};
  Result<OpenAnswer> answer = Error::internal("not tried");
  bool was_sent = false;
  bool was_reused = false;

  /// Whether, and after what pause, to try again.
  std::optional<Clock::duration> pause(Repeat repeat, int number) const {
    if (!answer) {
      const bool is_transport = answer.error().code == ErrorCode::unreachable;
      const bool may_repeat = was_sent && is_transport && repeat == Repeat::always;
      // An idle connection that the server just closed is nobody's fault: go on at once.
      const auto wait = was_reused ? Clock::duration::zero() : back_off(number);
      return may_repeat ? std::optional(wait) : std::nullopt;
    }
    const int status = answer->head.status;
    const auto asked = retry_after(answer->head);
    const bool is_refused = status == 429 && asked && repeat != Repeat::never;
    const bool is_trouble = repeat == Repeat::always && (status == 429 || status == 502 ||
                                                         status == 503 || (status >= 500 && asked));
    if (!is_refused && !is_trouble) {
      return std::nullopt;
    }
    return std::max(asked.value_or(Clock::duration::zero()), back_off(number));
  }
};

RestClient::RestClient(const Access& access, const KubeOptions& options, Url server)
    : access_(access), options_(options), credentials_(access_, interrupt_) {
  endpoint_.label = label_of(access_, server);
  endpoint_.server = std::move(server);
}

Result<std::unique_ptr<RestClient>> RestClient::make(const Access& access,
                                                     const KubeOptions& options) {
  const bool has_tls =
      access.insecure || !access.ca_pem.empty() || !access.client_certificate_pem.empty();
  KREDIS_TRY(const Url server, parse_url(access.server, has_tls ? "https" : "http"));
  if (server.scheme != "https" && server.scheme != "http") {
    return Error::invalid_argument("the server's address '" + server.to_text() +
                                   "' must begin with https:// or http://");
  }
  KREDIS_CHECK(check_impersonation(access));
  KREDIS_TRY(std::optional<Url> proxy, proxy_of(access));
  std::unique_ptr<RestClient> client(new RestClient(access, options, server));
  client->endpoint_.proxy = std::move(proxy);
  // Makes trouble with certificates show before anything is asked.
  if (!access.exec) {
    KREDIS_TRY([[maybe_unused]] const auto tls,
               client->tls_for({.certificate_pem = access.client_certificate_pem,
                                .key_pem = access.client_key_pem}));
  }
  return client;
}

Result<std::shared_ptr<TlsContext>> RestClient::tls_for(const Identity& identity) {
  if (endpoint_.server.scheme != "https") {
    return std::shared_ptr<TlsContext>();
  }
  const std::lock_guard lock(mutex_);
  if (tls_ && tls_certificate_ == identity.certificate_pem) {
    return tls_;
  }
  const std::string& name = access_.tls_server_name;
  auto made = TlsContext::make({.ca_pem = access_.ca_pem,
                                .certificate_pem = identity.certificate_pem,
                                .key_pem = identity.key_pem,
                                .server_name = name.empty() ? endpoint_.server.host : name,
                                .insecure = access_.insecure});
  if (!made) {
    return access_.user.empty()
               ? made.error()
               : made.error().while_doing("using the credentials of user '" + access_.user + "'");
  }
  tls_ = *made;
  tls_certificate_ = identity.certificate_pem;
  idle_.clear();  // They show the certificate of before.
  return tls_;
}

HttpRequest RestClient::request_for(const Call& call, const Identity& identity) const {
  HttpRequest request{.method = call.method,
                      .target = endpoint_.server.path + call.target,
                      .headers = {{"Host", endpoint_.server.authority()},
                                  {"User-Agent", "kubectl-redis/" KREDIS_VERSION}},
                      .body = call.body};
  const auto is_accept = [](const auto& header) { return header.first == "Accept"; };
  if (std::none_of(call.headers.begin(), call.headers.end(), is_accept)) {
    request.headers.emplace_back("Accept", k_accept);
  }
  if (!identity.authorization.empty()) {
    request.headers.emplace_back("Authorization", identity.authorization);
  }
  if (!access_.as.empty()) {
    request.headers.emplace_back("Impersonate-User", access_.as);
  }
  if (!access_.as_uid.empty()) {
    request.headers.emplace_back("Impersonate-Uid", access_.as_uid);
  }
  for (const std::string& group : access_.as_groups) {
    request.headers.emplace_back("Impersonate-Group", group);
  }
  for (const auto& [key, value] : access_.as_extra) {
    request.headers.emplace_back("Impersonate-Extra-" + percent_encode(key), value);
  }
  if (!call.content_type.empty()) {
    request.headers.emplace_back("Content-Type", call.content_type);
  }
  request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
  return request;
}

Result<std::unique_ptr<Connection>> RestClient::take_connection(const Call& call,
                                                                const Identity& identity,
                                                                Deadline deadline,
                                                                bool& is_reused) {
  KREDIS_TRY(const std::shared_ptr<TlsContext> tls, tls_for(identity));
  if (!call.send) {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->is_quiet()) {
        is_reused = true;
        return connection;
      }
    }
  }
  Endpoint endpoint = endpoint_;
  endpoint.tls = tls;
  return Connection::dial(endpoint, deadline, interrupt_);
}

void RestClient::give_back(OpenAnswer answer) {
  const std::lock_guard lock(mutex_);
  if (answer.http->is_reusable() && idle_.size() < k_idle_connections) {
    idle_.push_back(std::move(answer.connection));
  }
}

RestClient::Attempt RestClient::try_once(const Call& call, Deadline deadline) {
  Attempt attempt;
  const auto steps = [&]() -> Result<OpenAnswer> {
    KREDIS_TRY(attempt.identity, credentials_.current(deadline));
    OpenAnswer answer;
    KREDIS_TRY(answer.connection,
               take_connection(call, attempt.identity, deadline, attempt.was_reused));
    answer.http = std::make_unique<HttpExchange>(*answer.connection);
    attempt.was_sent = true;
    const HttpRequest request = request_for(call, attempt.identity);
    if (call.send) {
      KREDIS_TRY(const std::string begun, call.send(*answer.connection, request, deadline));
      KREDIS_CHECK(answer.http->take_over(begun));
    } else {
      KREDIS_CHECK(answer.http->send(request, deadline));
    }
    KREDIS_TRY(answer.head, answer.http->read_head(deadline));
    return answer;
  };
  attempt.answer = steps();
  return attempt;
}

void RestClient::report_warnings(const HttpHead& head) {
  for (const std::string& header : head.all("Warning")) {
    const std::string text = warning_text(header);
    const std::unique_lock lock(mutex_);
    if (!text.empty() && options_.on_warning && warnings_.insert(text).second) {
      options_.on_warning(text);
    }
  }
}

Error RestClient::refusal(const Call& call, Attempt& attempt, Deadline deadline) {
  if (!attempt.answer) {
    return attempt.answer.error();
  }
  const int status = attempt.answer->head.status;
  const auto body = attempt.answer->http->read_body(deadline);
  if (body) {
    give_back(std::move(*attempt.answer));
  }
  const Error error = error_from_answer(call.request, status, body.value_or(""));
  const std::lock_guard lock(mutex_);
  const bool is_expired =
      tls_ && tls_->certificate_end() != 0 && tls_->certificate_end() < std::time(nullptr);
  if (status == 401 && is_expired) {
    return Error::unauthorized("the client certificate of user '" + access_.user +
                               "' has expired, so the API server does not know who you are")
        .with_hint("renew client-certificate and client-key of this user in the kubeconfig");
  }
  return error;
}

Result<OpenAnswer> RestClient::open(const Call& call, Deadline deadline) {
  bool is_renewed = false;
  for (int number = 1;; ++number) {
    Attempt attempt = try_once(call, deadline);
    if (attempt.answer && is_accepted(attempt.answer->head.status)) {
      report_warnings(attempt.answer->head);
      return std::move(attempt.answer);
    }
    const bool is_unknown = attempt.answer && attempt.answer->head.status == 401;
    if (is_unknown && !is_renewed && credentials_.renew(attempt.identity)) {
      is_renewed = true;
      continue;
    }
    const auto pause = attempt.pause(call.repeat, number);
    if (!pause || number >= k_attempts || deadline - Clock::now() < *pause) {
      return refusal(call, attempt, deadline);
    }
    KREDIS_CHECK(sleep_for(*pause, deadline, interrupt_));
  }
}

Result<std::string> RestClient::call(const Call& call, Deadline deadline) {
  if (options_.request_timeout > std::chrono::milliseconds::zero()) {
    deadline = std::min(deadline, Clock::now() + options_.request_timeout);
  }
  for (int number = 1;; ++number) {
    KREDIS_TRY(OpenAnswer answer, open(call, deadline));
    auto body = answer.http->read_body(deadline);
    if (body) {
      give_back(std::move(answer));
      return body;
    }
    const bool is_broken = body.error().code == ErrorCode::unreachable;
    if (!is_broken || call.repeat != Repeat::always || number >= k_attempts) {
      return body;
    }
    KREDIS_CHECK(sleep_for(back_off(number), deadline, interrupt_));
  }
}

}  // namespace kredis::kube
