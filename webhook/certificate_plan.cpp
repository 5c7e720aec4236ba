// SPDX-License-Identifier: Apache-2.0
#include "webhook/certificate_plan.hpp"

#include <algorithm>
#include <utility>

#include "webhook/mint.hpp"

namespace kredis::webhook {
namespace {

/// Each API server hears of a new caBundle by its own watch, and each replica of the webhook reads
/// the Secret every 15 s at the latest. Ten minutes are ample for both.
constexpr std::chrono::seconds k_longest_overlap{600};

bool is_over(const Validity& validity, std::time_t now) { return now >= validity.until; }

/// Past two thirds of its life, as cert-manager renews by default: a third is left to notice and
/// mend what keeps a renewal from working.
bool is_old(const Validity& validity, std::time_t now) {
  return now >= validity.from + (validity.until - validity.from) / 3 * 2;
}

}  // namespace

std::string CertificateStore::bundle() const {
  std::string text;
  for (const std::string& authority : authorities) {
    text += authority;
  }
  return text;
}

std::chrono::seconds CertificateLives::overlap() const {
  // A sixth of a leaf's life: one that turns old while a new authority may not sign yet has twice
  // that wait left. Short lives, as tests have them, shrink the overlap with them.
  return std::min({k_longest_overlap, authority / 12, leaf / 6});
}

CertificateStep next_step(const CertificateStore& store,
                          const CertificateLives& lives,
                          std::time_t now) {
  const auto leaf = validity_of(store.leaf.certificate_pem);
  const auto authority = store.authorities.empty()
                             ? Result<Validity>(Error::not_found("no authority"))
                             : validity_of(store.authorities.front());
  const bool is_known =
      std::any_of(store.authorities.begin(), store.authorities.end(), [&](const std::string& each) {
        return is_signed_by(store.leaf.certificate_pem, each);
      });
  // Also where somebody edited the Secret. Nothing here is worth keeping: a leaf that no listed
  // authority signed is trusted by nobody.
  if (!leaf || !authority || is_over(*authority, now) || !is_known ||
      !make_tls_context(store.leaf)) {
    return CertificateStep::begin_anew;
  }
  // Before that, some API server may not trust the newest authority yet.
  const bool may_sign = now >= store.authority_since + lives.overlap().count();
  const bool is_newest = is_signed_by(store.leaf.certificate_pem, store.authorities.front());
  if (is_old(*authority, now) || store.rotate_requested > store.authority_since) {
    return CertificateStep::new_authority;
  }
  // Before the newest authority may sign, only a leaf that has ended is replaced: that one fails
  // for certain.
  if (is_over(*leaf, now) || ((is_newest || may_sign) && is_old(*leaf, now)) ||
      (!is_newest && may_sign)) {
    return CertificateStep::new_leaf;
  }
  // A replica that has not read the Secret again still shows the old leaf.
  const bool is_settled = is_newest && now >= store.leaf_since + lives.overlap().count();
  return store.authorities.size() > 1 && is_settled ? CertificateStep::forget_old
                                                    : CertificateStep::nothing;
}

Result<CertificateStore> take_step(CertificateStore store,
                                   CertificateStep step,
                                   const CertificateLives& lives,
                                   const std::vector<std::string>& names,
                                   std::time_t now) {
  if (step == CertificateStep::begin_anew || step == CertificateStep::new_authority) {
    KREDIS_TRY(KeyPair authority, make_authority(now, lives.authority));
    if (step == CertificateStep::begin_anew) {
      store.authorities.clear();
    }
    store.authorities.insert(store.authorities.begin(), std::move(authority.certificate_pem));
    store.authority_key = std::move(authority.key_pem);
    store.authority_since = now;
  }
  if (step == CertificateStep::begin_anew || step == CertificateStep::new_leaf) {
    KREDIS_TRY(store.leaf,
               issue({store.authorities.front(), store.authority_key}, names, now, lives.leaf));
    store.leaf_since = now;
  }
  if (step == CertificateStep::forget_old) {
    store.authorities.resize(1);
  }
  return store;
}

}  // namespace kredis::webhook
