// SPDX-License-Identifier: Apache-2.0
#include "webhook/own_certificate.hpp"

#include <utility>

#include "shared/core/labels.hpp"
#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"
#include "webhook/mint.hpp"

namespace kredis::webhook {
namespace {

using ports::DryRun;
using ports::ResourcePath;

constexpr const char* k_since_annotation = "kubectl-redis.dev/authority-since";
constexpr const char* k_leaf_annotation = "kubectl-redis.dev/certificate-since";
/// Who loses against another replica reads what that one wrote, and mostly finds nothing due.
constexpr int k_attempts = 5;

/// What cannot be read counts as absent: `next_step` then begins anew.
std::string data_of(const Json& secret, const char* key) {
  const auto text = text_at(secret, Json::json_pointer("/data") / key);
  return kube::base64_decode(text).value_or("");
}

std::time_t time_of(const Json& secret, const char* annotation) {
  const std::string text =
      text_at(secret, Json::json_pointer("/metadata/annotations") / annotation);
  return core::to_number<std::time_t>(text).value_or(0);
}

CertificateStore read_store(const Json& secret) {
  return {.authorities = split_bundle(data_of(secret, "ca.crt")),
          .authority_key = data_of(secret, "ca.key"),
          .leaf = {data_of(secret, "tls.crt"), data_of(secret, "tls.key")},
          .authority_since = time_of(secret, k_since_annotation),
          .leaf_since = time_of(secret, k_leaf_annotation),
          .rotate_requested = time_of(secret, core::k_rotate_annotation.data())};
}

Json secret_of(const CertificateStore& store,
               const std::string& namespace_,
               const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          // A type that tools know: it has to have tls.crt and tls.key.
          {"type", "kubernetes.io/tls"},
          {"metadata",
           {{"name", name},
            {"namespace", namespace_},
            {"labels", {{"app.kubernetes.io/name", "kubectl-redis-webhook"}}},
            {"annotations",
             {{k_since_annotation, std::to_string(store.authority_since)},
              {k_leaf_annotation, std::to_string(store.leaf_since)}}}}},
          {"data",
           {{"ca.crt", kube::base64_encode(store.bundle())},
            {"ca.key", kube::base64_encode(store.authority_key)},
            {"tls.crt", kube::base64_encode(store.leaf.certificate_pem)},
            {"tls.key", kube::base64_encode(store.leaf.key_pem)}}}};
}

std::string_view to_text(CertificateStep step) {
  switch (step) {
    case CertificateStep::nothing:
      return "nothing";
    case CertificateStep::begin_anew:
      return "a first authority and certificate";
    case CertificateStep::new_authority:
      return "a new authority beside the old one";
    case CertificateStep::new_leaf:
      return "a new certificate";
    case CertificateStep::forget_old:
      return "the old authority forgotten";
  }
  return "";
}

}  // namespace

Status OwnCertificate::write(const CertificateStore& store, const std::string& version) {
  Json secret = secret_of(store, settings_.namespace_name, settings_.secret);
  ResourcePath path{{"v1", "secrets"}, settings_.namespace_name};
  if (version.empty()) {
    KREDIS_CHECK(kube_.create(path, secret, DryRun::no));
    return {};
  }
  path.name = settings_.secret;
  // With a version, the patch fails if somebody was quicker. The type of a Secret is immutable, and
  // the one that is there may be of another.
  secret["metadata"]["resourceVersion"] = version;
  secret.erase("type");
  KREDIS_CHECK(kube_.merge_patch(path, secret, DryRun::no));
  return {};
}

/// What all replicas use now, after the steps that are due.
Result<CertificateStore> OwnCertificate::agree(std::time_t now) {
  const ResourcePath path{{"v1", "secrets"}, settings_.namespace_name, settings_.secret};
  const std::string host = settings_.service + "." + settings_.namespace_name + ".svc";
  for (int attempt = 0; attempt < k_attempts; ++attempt) {
    const auto found = kube_.get(path);
    if (!found && found.error().code != ErrorCode::not_found) {
      return found.error();
    }
    CertificateStore store = found ? read_store(*found) : CertificateStore{};
    const CertificateStep step = next_step(store, settings_.lives, now);
    if (step == CertificateStep::nothing) {
      return store;
    }
    KREDIS_TRY(
        CertificateStore next,
        take_step(std::move(store), step, settings_.lives, {host, host + ".cluster.local"}, now));
    // Created without a version: where two begin at once, the second gets "already exists", which
    // is a conflict as well.
    const Status written =
        write(next, found ? text_at(*found, Json::json_pointer("/metadata/resourceVersion")) : "");
    if (!written && written.error().code != ErrorCode::conflict) {
      return written.error();
    }
    if (written) {
      log_.write(LogLevel::info, "certificates changed", Json{{"step", to_text(step)}});
    }
  }
  return Error::conflict("the replicas do not agree on a certificate");
}

/// Puts the bundle into every webhook of one configuration, where it is another. Compared first, so
/// that ticks write nothing as long as nothing changes.
Status OwnCertificate::trust(const char* plural, const std::string& bundle) {
  const ResourcePath path{{"admissionregistration.k8s.io/v1", plural}, "", settings_.configuration};
  const auto found = kube_.get(path);
  if (!found) {
    // Not applied yet: the next look finds it.
    return found.error().code == ErrorCode::not_found ? Status{} : Status{found.error()};
  }
  Json webhooks = found->value("webhooks", Json::array());
  const std::string encoded = kube::base64_encode(bundle);
  bool is_changed = false;
  for (Json& webhook : webhooks) {
    Json& client = webhook["clientConfig"];
    if (client.value("caBundle", "") != encoded) {
      client["caBundle"] = encoded;
      is_changed = true;
    }
  }
  if (!is_changed) {
    return {};
  }
  // A merge patch replaces a list as a whole (RFC 7386): the version keeps it from undoing what
  // somebody changed meanwhile. A conflict waits for the next tick.
  const Json patch = {
      {"metadata",
       {{"resourceVersion", text_at(*found, Json::json_pointer("/metadata/resourceVersion"))}}},
      {"webhooks", webhooks}};
  const auto patched = kube_.merge_patch(path, patch, DryRun::no);
  if (!patched && patched.error().code != ErrorCode::conflict) {
    return patched.error();
  }
  if (patched) {
    log_.write(LogLevel::info, "trusted authorities changed", Json{{"configuration", plural}});
  }
  return {};
}

Status OwnCertificate::refresh(std::time_t now) {
  KREDIS_TRY(const CertificateStore store, agree(now));
  if (store.leaf != used_) {
    KREDIS_TRY(TlsContext context, make_tls_context(store.leaf));
    KREDIS_TRY(const Validity validity, validity_of(store.leaf.certificate_pem));
    slot_.set(std::move(context));
    used_ = store.leaf;
    dates_.from = validity.from;
    dates_.until = validity.until;
    log_.write(LogLevel::info, "certificate in use");
  }
  KREDIS_TRY(const Validity authority, validity_of(store.bundle()));
  dates_.authority_until = authority.until;
  KREDIS_CHECK(trust("mutatingwebhookconfigurations", store.bundle()));
  return trust("validatingwebhookconfigurations", store.bundle());
}

}  // namespace kredis::webhook
