// SPDX-License-Identifier: Apache-2.0
//
// Who asks: from a client certificate, a static token or a ServiceAccount's token.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/api/http_server.hpp"

namespace kredis::sandbox::api {

struct Identity {
  std::string user;
  std::vector<std::string> groups;

  bool in_group(std::string_view group) const;
};

inline constexpr std::string_view k_masters_group = "system:masters";

/// Makes and reads ServiceAccount tokens: JWTs, signed with a key that lives as long as the server.
class TokenIssuer {
 public:
  TokenIssuer();
  std::string issue(const std::string& namespace_,
                    const std::string& account,
                    std::chrono::seconds lifetime) const;
  /// Nothing for a token that is forged, expired or no ServiceAccount's.
  std::optional<Identity> read(std::string_view token) const;

 private:
  std::string sign(std::string_view text) const;
  std::string secret_;
};

class Authenticator {
 public:
  Authenticator(const Store& store, std::map<std::string, Identity> tokens)
      : store_(store), tokens_(std::move(tokens)) {}

  /// Nothing when no credential is valid: 401.
  std::optional<Identity> identify(const HttpRequest& request, const TlsStream& stream) const;
  std::optional<Identity> identify_token(const std::string& token) const;
  const TokenIssuer& issuer() const { return issuer_; }

 private:
  const Store& store_;
  std::map<std::string, Identity> tokens_;
  TokenIssuer issuer_;
};

std::string base64_encode(std::string_view bytes);
/// Accepts the URL alphabet too; nothing when the text is no base64.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace kredis::sandbox::api
