// SPDX-License-Identifier: Apache-2.0
#include "webhook/mint.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace kredis::webhook {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// Clocks of nodes differ: a certificate is valid from before it was made, by this much or by a
/// tenth of a short life.
constexpr std::chrono::seconds k_skew{300};

Bio writer() { return {BIO_new(BIO_s_mem()), &BIO_free}; }

Bio reader(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(length)};
}

Certificate read_certificate(const std::string& pem) {
  return {PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr), &X509_free};
}

std::string to_pem(X509* certificate) {
  const Bio bio = writer();
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio = writer();
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

/// P-256 is verified by every Go client, and a handshake costs a fraction of what RSA takes.
Key new_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

Certificate blank(EVP_PKEY* key, std::time_t now, std::chrono::seconds life) {
  Certificate certificate(X509_new(), &X509_free);
  // RFC 5280, 4.1.2.2: positive, and never the same twice for one issuer. Replicas mint without
  // asking each other, so it is random rather than counted.
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  const auto skew = std::min(k_skew, life / 10);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), now - skew.count());
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), now + life.count());
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

void name(X509_NAME* subject, const std::string& text) {
  X509_NAME_add_entry_by_txt(subject,
                             "CN",
                             MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.c_str()),
                             static_cast<int>(text.size()),
                             -1,
                             0);
}

bool extend(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  const bool is_added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return is_added;
}

std::time_t time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

Error failed() { return Error::internal("OpenSSL makes no certificate"); }

}  // namespace

Result<KeyPair> make_authority(std::time_t now, std::chrono::seconds life) {
  const Key key = new_key();
  if (!key) {
    return failed();
  }
  const Certificate made = blank(key.get(), now, life);
  X509* const authority = made.get();
  // A name of its own for each: while two are trusted, clients choose an issuer by its name.
  name(X509_get_subject_name(authority), "kubectl-redis-webhook-ca-" + std::to_string(now));
  X509_set_issuer_name(authority, X509_get_subject_name(authority));
  const bool is_whole =
      extend(authority, authority, NID_basic_constraints, "critical,CA:TRUE") &&
      extend(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      extend(authority, authority, NID_subject_key_identifier, "hash");
  if (!is_whole || X509_sign(authority, key.get(), EVP_sha256()) == 0) {
    return failed();
  }
  return KeyPair{to_pem(authority), to_pem(key.get())};
}

Result<KeyPair> issue(const KeyPair& authority,
                      const std::vector<std::string>& names,
                      std::time_t now,
                      std::chrono::seconds life) {
  const Certificate issuer = read_certificate(authority.certificate_pem);
  const Key issuer_key(
      PEM_read_bio_PrivateKey(reader(authority.key_pem).get(), nullptr, nullptr, nullptr),
      &EVP_PKEY_free);
  if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    return Error::invalid_argument("the authority's certificate and key cannot be used");
  }
  const Key key = new_key();
  if (!key || names.empty()) {
    return failed();
  }
  // A leaf that outlives its authority is one that nobody can verify at its end.
  const std::time_t end = time_of(X509_get0_notAfter(issuer.get()));
  const Certificate made = blank(key.get(), now, std::min(life, std::chrono::seconds(end - now)));
  X509* const leaf = made.get();
  // Go clients look at alternative names only, never at the common name (since Go 1.15). The API
  // server asks for SERVICE.NAMESPACE.svc.
  std::string alternatives;
  for (const std::string& each : names) {
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + each;
  }
  name(X509_get_subject_name(leaf), "kubectl-redis-webhook");
  X509_set_issuer_name(leaf, X509_get_subject_name(issuer.get()));
  const bool is_whole = extend(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                        extend(leaf, issuer.get(), NID_key_usage, "critical,digitalSignature") &&
                        extend(leaf, issuer.get(), NID_ext_key_usage, "serverAuth") &&
                        extend(leaf, issuer.get(), NID_authority_key_identifier, "keyid") &&
                        extend(leaf, issuer.get(), NID_subject_alt_name, alternatives);
  if (!is_whole || X509_sign(leaf, issuer_key.get(), EVP_sha256()) == 0) {
    return failed();
  }
  return KeyPair{to_pem(leaf), to_pem(key.get())};
}

Result<Validity> validity_of(const std::string& pem) {
  const Certificate certificate = read_certificate(pem);
  if (!certificate) {
    return Error::invalid_argument("the certificate is not PEM");
  }
  return Validity{time_of(X509_get0_notBefore(certificate.get())),
                  time_of(X509_get0_notAfter(certificate.get()))};
}

/// By the key, not by names or dates: whether it is still valid is asked apart.
bool is_signed_by(const std::string& pem, const std::string& authority_pem) {
  const Certificate certificate = read_certificate(pem);
  const Certificate authority = read_certificate(authority_pem);
  return certificate && authority &&
         X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
}

std::vector<std::string> split_bundle(std::string_view pem) {
  constexpr std::string_view k_end = "-----END CERTIFICATE-----";
  constexpr std::string_view k_begin = "-----BEGIN CERTIFICATE-----";
  std::vector<std::string> parts;
  std::size_t begin = pem.find(k_begin);
  while (begin != std::string_view::npos) {
    const std::size_t end = pem.find(k_end, begin);
    if (end == std::string_view::npos) {
      break;
    }
    parts.push_back(std::string(pem.substr(begin, end + k_end.size() - begin)) + "\n");
    begin = pem.find(k_begin, end);
  }
  return parts;
}

}  // namespace kredis::webhook
