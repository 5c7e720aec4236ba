// SPDX-License-Identifier: Apache-2.0
#include "webhook/mounted_certificate.hpp"

#include <cstddef>
#include <utility>

#include "shared/kube/access.hpp"

namespace kredis::webhook {
namespace {

/// The bound of a Secret (1 MiB), from which such files are mounted.
constexpr std::size_t k_file_limit_bytes = std::size_t{1} << 20U;

}  // namespace

Result<bool> MountedCertificate::refresh() {
  KeyPair pair;
  KREDIS_TRY(pair.certificate_pem, kube::read_file(certificate_file_, k_file_limit_bytes));
  KREDIS_TRY(pair.key_pem, kube::read_file(key_file_, k_file_limit_bytes));
  if (pair == current_) {
    return false;
  }
  // The kubelet swaps both files at once, but they are read one after the other: a pair that does
  // not fit is read again at the next tick.
  // Made before anything is replaced, so that a broken pair leaves the old one in use.
  auto context = make_tls_context(pair);
  if (!context) {
    return context.error().while_doing("reading " + certificate_file_);
  }
  KREDIS_TRY(const Validity validity, validity_of(pair.certificate_pem));
  dates_.from = validity.from;
  dates_.until = validity.until;
  slot_.set(std::move(*context));
  current_ = std::move(pair);
  return true;
}

}  // namespace kredis::webhook
