// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/pki.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>
#include <string_view>

namespace kredis::sandbox::api {
namespace {

namespace fs = std::filesystem;

using PrivateKey = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

constexpr long k_lifetime_seconds = 365L * 24 * 3600;
constexpr long k_clock_skew_seconds = 300;

PrivateKey new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(length)};
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  X509_NAME_add_entry_by_txt(name,
                             field,
                             MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value.c_str()),
                             static_cast<int>(value.size()),
                             -1,
                             0);
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension != nullptr) {
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
}

Certificate new_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new(), X509_free);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -k_clock_skew_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), k_lifetime_seconds);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

Certificate make_ca(EVP_PKEY* key) {
  Certificate certificate = new_certificate(key);
  X509* const ca = certificate.get();
  add_name(X509_get_subject_name(ca), "CN", "sandbox-ca");
  X509_set_issuer_name(ca, X509_get_subject_name(ca));
  add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
  add_extension(ca, ca, NID_subject_key_identifier, "hash");
  X509_sign(ca, key, EVP_sha256());
  return certificate;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Status write_private(const fs::path& path, const std::string& text) {
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    file << text;
    if (file.flush()) {
      return {};
    }
  }
  return Error::internal("cannot write " + path.string());
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

}  // namespace

struct Pki::Request {
  std::string common_name;
  std::vector<std::string> organisations;
  std::string usage;
  std::string alternative_names;
};

Result<Pki> Pki::open(const fs::path& folder) {
  const fs::path certificate_file = folder / "ca.crt";
  const fs::path key_file = folder / "ca.key";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  Pki pki;
  if (!fs::exists(certificate_file, ignored) || !fs::exists(key_file, ignored)) {
    const PrivateKey key = new_key();
    KREDIS_CHECK(write_private(key_file, to_pem(key.get())));
    KREDIS_CHECK(write_private(certificate_file, to_pem(make_ca(key.get()).get())));
  }
  pki.ca_pem_ = read_file(certificate_file);
  const std::string key_pem = read_file(key_file);
  const Bio certificate_bio(BIO_new_mem_buf(pki.ca_pem_.data(), -1), BIO_free_all);
  const Bio key_bio(BIO_new_mem_buf(key_pem.data(), -1), BIO_free_all);
  pki.ca_ = {PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr), X509_free};
  pki.ca_key_ = {PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  if (pki.ca_ == nullptr || pki.ca_key_ == nullptr) {
    return Error::internal("no certificate authority in " + folder.string())
        .with_hint("remove the folder, so that a new one is made");
  }
  return pki;
}

Result<Credentials> Pki::issue(const Request& request) const {
  const PrivateKey key = new_key();
  const Certificate certificate = new_certificate(key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  for (const std::string& organisation : request.organisations) {
    add_name(subject, "O", organisation);
  }
  add_name(subject, "CN", request.common_name);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca_.get()));
  add_extension(certificate.get(), ca_.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), ca_.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), ca_.get(), NID_ext_key_usage, request.usage);
  add_extension(certificate.get(), ca_.get(), NID_authority_key_identifier, "keyid");
  if (!request.alternative_names.empty()) {
    add_extension(certificate.get(), ca_.get(), NID_subject_alt_name, request.alternative_names);
  }
  if (X509_sign(certificate.get(), ca_key_.get(), EVP_sha256()) == 0) {
    return Error::internal("cannot sign a certificate for " + request.common_name);
  }
  return Credentials{to_pem(certificate.get()), to_pem(key.get())};
}

Result<Credentials> Pki::issue_server(const std::vector<std::string>& hosts) const {
  std::string names;
  for (const std::string& host : hosts) {
    names += (names.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
  }
  return issue({"kube-apiserver", {}, "serverAuth", names});
}

Result<Credentials> Pki::issue_client(const std::string& user,
                                      const std::vector<std::string>& groups) const {
  return issue({user, groups, "clientAuth", ""});
}

}  // namespace kredis::sandbox::api
