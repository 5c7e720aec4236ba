// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/spdy_dictionary.hpp"

#include <array>
#include <string_view>

namespace kredis::sandbox {
namespace {

// Each stands in the dictionary after its length, as names and values do in a header block.
// clang-format off
constexpr std::array<std::string_view, 65> k_words = {
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset",
    "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "authorization",
    "cache-control", "connection", "content-base", "content-encoding", "content-language",
    "content-length", "content-location", "content-md5", "content-range", "content-type", "date",
    "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match",
    "if-range", "if-unmodified-since", "last-modified", "location", "max-forwards", "pragma",
    "proxy-authenticate", "proxy-authorization", "range", "referer", "retry-after", "server", "te",
    "trailer", "transfer-encoding", "upgrade", "user-agent", "vary", "via", "warning",
    "www-authenticate", "method", "get", "status", "200 OK", "version", "HTTP/1.1", "url", "public",
    "set-cookie", "keep-alive", "origin",
};
// clang-format on

constexpr std::string_view k_tail =
    "1001012012022052063003023033043053063074024054064074084094104114124134144154164175025045"
    "05203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401"
    " Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 "
    "Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, "
    "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/"
    "xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,s"
    "dchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

std::string assemble() {
  std::string text;
  for (const std::string_view word : k_words) {
    text += {'\0', '\0', '\0', static_cast<char>(word.size())};
    text += word;
  }
  return text.append(k_tail);
}

}  // namespace

const std::string& spdy_dictionary() {
  static const std::string k_dictionary = assemble();
  return k_dictionary;
}

}  // namespace kredis::sandbox
