// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/identity.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>

#include "shared/json/json.hpp"

namespace kredis::sandbox::api {
namespace {

constexpr std::string_view k_account_prefix = "system:serviceaccount:";

std::string url_encoded(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Identity account_identity(const std::string& namespace_, const std::string& account) {
  return {std::string(k_account_prefix) + namespace_ + ":" + account,
          {"system:serviceaccounts", "system:serviceaccounts:" + namespace_}};
}

std::vector<std::string> name_entries(X509* certificate, int id) {
  std::vector<std::string> values;
  X509_NAME* const name = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, id, at)) >= 0;) {
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    values.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                        static_cast<std::size_t>(ASN1_STRING_length(value)));
  }
  return values;
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

bool Identity::in_group(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> base64_decode(std::string_view encoded) {
  std::string text;
  for (const char letter : encoded) {
    if (letter != '\n' && letter != '\r') {
      text += letter == '-' ? '+' : letter == '_' ? '/' : letter;
    }
  }
  while (text.size() % 4 != 0) {
    text += '=';
  }
  const std::size_t padding = text.size() - std::min(text.find('='), text.size());
  if (padding > 2) {
    return std::nullopt;
  }
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) {
    return std::nullopt;
  }
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

TokenIssuer::TokenIssuer() : secret_(32, '\0') {
  RAND_bytes(reinterpret_cast<unsigned char*>(secret_.data()), static_cast<int>(secret_.size()));
}

std::string TokenIssuer::sign(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(),
       secret_.data(),
       static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()),
       text.size(),
       digest.data(),
       &length);
  return url_encoded({reinterpret_cast<const char*>(digest.data()), length});
}

std::string TokenIssuer::issue(const std::string& namespace_,
                               const std::string& account,
                               std::chrono::seconds lifetime) const {
  const Json claims = {{"iss", "https://kubernetes.default.svc.cluster.local"},
                       {"sub", account_identity(namespace_, account).user},
                       {"iat", now_seconds()},
                       {"exp", now_seconds() + lifetime.count()}};
  const std::string body =
      url_encoded(R"({"alg":"HS256","typ":"JWT"})") + "." + url_encoded(claims.dump());
  return body + "." + sign(body);
}

std::optional<Identity> TokenIssuer::read(std::string_view token) const {
  const std::size_t dot = token.rfind('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string expected = sign(token.substr(0, dot));
  const std::string_view signature = token.substr(dot + 1);
  if (expected.size() != signature.size() ||
      CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) != 0) {
    return std::nullopt;
  }
  const auto text = base64_decode(token.substr(token.find('.') + 1, dot - token.find('.') - 1));
  const Json claims = Json::parse(text.value_or(""), nullptr, false);
  if (!claims.is_object() || claims.value("exp", std::int64_t{0}) < now_seconds()) {
    return std::nullopt;
  }
  const std::string subject = claims.value("sub", "").substr(k_account_prefix.size());
  const std::size_t colon = subject.find(':');
  return account_identity(subject.substr(0, colon), subject.substr(colon + 1));
}

std::optional<Identity> Authenticator::identify_token(const std::string& token) const {
  if (const auto known = tokens_.find(token); known != tokens_.end()) {
    return known->second;
  }
  auto account = issuer_.read(token);
  if (!account) {
    return std::nullopt;
  }
  const std::string subject = account->user.substr(k_account_prefix.size());
  const std::size_t colon = subject.find(':');
  const Key key{"", "serviceaccounts", subject.substr(0, colon), subject.substr(colon + 1)};
  return store_.get(key) == nullptr ? std::nullopt : account;
}

std::optional<Identity> Authenticator::identify(const HttpRequest& request,
                                                const TlsStream& stream) const {
  std::optional<Identity> identity;
  if (const auto certificate = stream.peer_certificate()) {
    const auto names = name_entries(certificate.get(), NID_commonName);
    if (stream.verify_result() == X509_V_OK && !names.empty()) {
      identity = Identity{names.front(), name_entries(certificate.get(), NID_organizationName)};
    }
  }
  const std::string header = request.header("Authorization");
  constexpr std::string_view k_bearer = "Bearer ";
  if (!identity && header.starts_with(k_bearer)) {
    identity = identify_token(header.substr(k_bearer.size()));
  }
  if (identity) {
    identity->groups.emplace_back("system:authenticated");
  }
  return identity;
}

}  // namespace kredis::sandbox::api
