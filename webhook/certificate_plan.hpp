// SPDX-License-Identifier: Apache-2.0
//
// When a webhook that makes its own certificates makes which. Time is an argument, and where they
// are kept is somebody else's matter (own_certificate.hpp).
//
// A new authority is made known first and signs only later, when every API server trusts it: so no
// request ever meets a certificate that its client does not know yet.
#pragma once

#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"
#include "webhook/tls_context.hpp"

namespace kredis::webhook {

/// Everything that the replicas share.
struct CertificateStore {
  std::vector<std::string> authorities = {};  ///< PEM, newest first: whom clients shall trust.
  std::string authority_key = {};             ///< Of the newest.
  KeyPair leaf = {};
  std::time_t authority_since = 0;   ///< When the newest was made known.
  std::time_t leaf_since = 0;        ///< When the leaf was made.
  std::time_t rotate_requested = 0;  ///< When somebody asked for a new authority; 0 for never.

  std::string bundle() const;
};

struct CertificateLives {
  std::chrono::seconds authority;
  std::chrono::seconds leaf;

  /// How long an authority is only trusted before it signs, and trusted after it did.
  std::chrono::seconds overlap() const;
};

enum class CertificateStep {
  nothing,
  begin_anew,     ///< There is nothing, or nothing of use.
  new_authority,  ///< Beside the old one, which goes on signing.
  new_leaf,       ///< By the newest authority.
  forget_old,     ///< Authorities that signed nothing in use.
};

CertificateStep next_step(const CertificateStore& store,
                          const CertificateLives& lives,
                          std::time_t now);

/// The store after that step. Errors: internal.
Result<CertificateStore> take_step(CertificateStore store,
                                   CertificateStep step,
                                   const CertificateLives& lives,
                                   const std::vector<std::string>& names,
                                   std::time_t now);

}  // namespace kredis::webhook
