// SPDX-License-Identifier: Apache-2.0
//
// Makes certificates: an authority of our own, and what it signs. What is made when is decided in
// certificate_plan.hpp.
#pragma once

#include <atomic>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "webhook/tls_context.hpp"

namespace kredis::webhook {

/// An authority with a P-256 key, valid from a little before `now`. Errors: internal.
Result<KeyPair> make_authority(std::time_t now, std::chrono::seconds life);

/// A server's certificate for DNS `names`; ends no later than its authority.
/// Errors: invalid_argument (the authority cannot be read), internal.
Result<KeyPair> issue(const KeyPair& authority,
                      const std::vector<std::string>& names,
                      std::time_t now,
                      std::chrono::seconds life);

struct Validity {
  std::time_t from = 0;
  std::time_t until = 0;
};

/// Of what is in use, for metrics; zeros for what is not known. Threads: any.
struct CertificateDates {
  std::atomic<std::time_t> from{0};
  std::atomic<std::time_t> until{0};
  std::atomic<std::time_t> authority_until{0};
};

/// Of the first certificate in `pem`. Errors: invalid_argument.
Result<Validity> validity_of(const std::string& pem);

/// Whether the first certificate in `pem` was signed by the first in `authority_pem`.
bool is_signed_by(const std::string& pem, const std::string& authority_pem);

/// The certificates in a bundle, each as PEM.
std::vector<std::string> split_bundle(std::string_view pem);

}  // namespace kredis::webhook
