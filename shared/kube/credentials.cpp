// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/credentials.hpp"

#include <chrono>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

constexpr std::size_t k_token_limit_bytes = 1U << 20U;
/// Service-account tokens are rotated in place, at 80 % of their life (Kubernetes docs, "Configure
/// Service Accounts for Pods"); a minute is what client-go waits at most.
constexpr auto k_token_file_life = std::chrono::minutes(1);
/// A credential is renewed a little before it ends, as clocks differ.
constexpr auto k_expiry_margin = std::chrono::seconds(10);

/// A line end or a control character would let a token smuggle in header lines.
Status check_token(const std::string& token, const std::string& source) {
  for (const char letter : token) {
    if (static_cast<unsigned char>(letter) <= 0x20 || letter == 0x7f) {
      return Error::invalid_argument("the token of " + source +
                                     " has blanks or control characters in it")
          .with_hint("write the bare token, without quotes and line ends");
    }
  }
  return {};
}

}  // namespace

Credentials::Credentials(Access access, const Interrupt& interrupt)
    : access_(std::move(access)), interrupt_(interrupt) {}

Result<Identity> Credentials::current(Deadline deadline) {
  const std::lock_guard lock(mutex_);
  KREDIS_TRY(const std::string token, bearer_token());
  Identity identity{.certificate_pem = access_.client_certificate_pem,
                    .key_pem = access_.client_key_pem};
  // A plugin runs only where neither is given, as in client-go, so that --token works for any user.
  if (!token.empty()) {
    identity.authorization = "Bearer " + token;
  } else if (!access_.username.empty()) {
    identity.authorization = "Basic " + base64_encode(access_.username + ":" + access_.password);
  } else if (access_.exec) {
    return from_plugin(deadline);
  }
  return identity;
}

Result<std::string> Credentials::bearer_token() {
  // Where both are given the file wins (kubeconfig v1, AuthInfo.tokenFile).
  if (access_.token_file.empty()) {
    KREDIS_CHECK(check_token(access_.token, "user '" + access_.user + "'"));
    return access_.token;
  }
  if (Clock::now() < file_token_end_) {
    return file_token_;
  }
  auto text = read_file(access_.token_file, k_token_limit_bytes);
  if (!text) {
    return text.error().while_doing("reading the token");
  }
  // Files made by hand end in a line end.
  file_token_ = std::string(core::trim(*text));
  if (file_token_.empty()) {
    return Error::invalid_argument("the token file " + access_.token_file + " is empty");
  }
  KREDIS_CHECK(check_token(file_token_, "file " + access_.token_file));
  file_token_end_ = Clock::now() + k_token_file_life;
  return file_token_;
}

Identity Credentials::identity_of(const ExecCredential& credential) const {
  const bool has_certificate = !credential.certificate_pem.empty();
  return {.authorization = credential.token.empty() ? "" : "Bearer " + credential.token,
          .certificate_pem =
              has_certificate ? credential.certificate_pem : access_.client_certificate_pem,
          .key_pem = has_certificate ? credential.key_pem : access_.client_key_pem};
}

/// Kept until its end, or without one until a 401 (Kubernetes docs, "client-go credential
/// plugins").
Result<Identity> Credentials::from_plugin(Deadline deadline) {
  const auto now = std::chrono::system_clock::now();
  const bool is_fresh =
      plugin_credential_ &&
      (!plugin_credential_->expires || now + k_expiry_margin < *plugin_credential_->expires);
  if (!is_fresh) {
    plugin_credential_.reset();
    // Under the lock: ten threads that start at once must not open ten log-in windows.
    KREDIS_TRY(ExecCredential fresh, run_exec_plugin(access_, deadline, interrupt_));
    KREDIS_CHECK(check_token(fresh.token, "the credential plugin"));
    plugin_credential_ = std::move(fresh);
  }
  return identity_of(*plugin_credential_);
}

bool Credentials::renew(const Identity& refused) {
  const std::lock_guard lock(mutex_);
  if (!access_.token_file.empty()) {
    file_token_end_ = Deadline::min();
    return true;
  }
  // A fixed token or password would be refused again.
  if (!access_.exec) {
    return false;
  }
  // Another thread may have renewed it already; then what is there now gets its chance.
  if (plugin_credential_ &&
      identity_of(*plugin_credential_).authorization == refused.authorization &&
      identity_of(*plugin_credential_).certificate_pem == refused.certificate_pem) {
    plugin_credential_.reset();
  }
  return true;
}

}  // namespace kredis::kube
