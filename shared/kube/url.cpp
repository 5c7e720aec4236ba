// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/url.hpp"

#include <charconv>
#include <sstream>

#include "shared/core/text.hpp"
#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

Error bad_url(std::string_view what) {
  return Error::invalid_argument("address '" + std::string(what) + "' is not a valid URL")
      .with_hint("it should look like https://HOST:PORT");
}

/// from_chars takes neither a sign nor blanks, and fails beyond 16 bits.
Result<std::uint16_t> parse_port(std::string_view text, const Url& url, std::string_view whole) {
  if (text.empty()) {
    return static_cast<std::uint16_t>(url.scheme == "https" ? 443 : 80);
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return bad_url(whole);
  }
  return port;
}

bool is_host_text(std::string_view host) {
  return !host.empty() && host.find_first_of(" \t\r\n\"<>\\^`{|}") == std::string_view::npos;
}

/// As Go's httpproxy reads NO_PROXY: "a.b" means itself and all below it, ".a.b" and "*.a.b" only
/// what is below.
bool ends_with_domain(std::string_view host, std::string_view domain) {
  if (domain.substr(0, 2) == "*.") {
    domain.remove_prefix(1);
  }
  const bool is_exact = equal_ignoring_case(host, domain);
  const std::string dotted =
      domain.substr(0, 1) == "." ? std::string(domain) : "." + std::string(domain);
  return is_exact || (host.size() > dotted.size() &&
                      equal_ignoring_case(host.substr(host.size() - dotted.size()), dotted));
}

}  // namespace

std::string Url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::to_text() const { return scheme + "://" + authority() + path; }

Result<Url> parse_url(std::string_view text, std::string_view default_scheme) {
  Url url;
  std::string_view rest = text;
  const std::size_t mark = rest.find("://");
  url.scheme = mark == std::string_view::npos ? default_scheme : rest.substr(0, mark);
  if (mark != std::string_view::npos) {
    rest.remove_prefix(mark + 3);
  }
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    url.path = rest.substr(slash);
    rest = rest.substr(0, slash);
    while (!url.path.empty() && url.path.back() == '/') {
      url.path.pop_back();
    }
  }
  // The last one: a password may hold another that is not encoded.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const auto decoded = percent_decode(rest.substr(0, at));
    if (!decoded) {
      // Without the password.
      return bad_url(rest.substr(at + 1));
    }
    url.user_info = *decoded;
    rest.remove_prefix(at + 1);
  }
  std::size_t colon = rest.rfind(':');
  if (rest.substr(0, 1) == "[") {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos || (close + 1 < rest.size() && rest[close + 1] != ':')) {
      return bad_url(rest);
    }
    url.host = rest.substr(1, close - 1);
    colon = close + 1 < rest.size() ? close + 1 : std::string_view::npos;
  } else {
    url.host = rest.substr(0, colon);
  }
  const bool has_path_blank = url.path.find_first_of(" \t\r\n?#") != std::string::npos;
  if (!is_host_text(url.host) || has_path_blank) {
    return bad_url(rest);
  }
  const auto port = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  KREDIS_TRY(url.port, parse_port(port, url, rest));
  return url;
}

std::string proxy_for(const std::string& server,
                      const std::string& https_proxy,
                      const std::string& no_proxy) {
  const auto url = parse_url(server, "https");
  // HTTPS_PROXY is for https addresses alone, as in Go; HTTP_PROXY is not read.
  if (https_proxy.empty() || !url || url->scheme != "https") {
    return {};
  }
  // As Go does, whatever NO_PROXY says: a cluster on this machine (kind, minikube) is not behind
  // the office's proxy.
  if (url->host == "localhost" || url->host.rfind("127.", 0) == 0 || url->host == "::1") {
    return {};
  }
  std::istringstream list(no_proxy);
  for (std::string each; std::getline(list, each, ',');) {
    const std::string_view name = core::trim(each);
    if (name == "*" ||
        (!name.empty() && (ends_with_domain(url->host, name) || url->authority() == name))) {
      return {};
    }
  }
  return https_proxy;
}

}  // namespace kredis::kube
