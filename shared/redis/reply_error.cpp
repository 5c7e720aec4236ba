// SPDX-License-Identifier: Apache-2.0
#include "shared/redis/reply_error.hpp"

#include <array>
#include <string_view>

namespace kredis::redis {
namespace {

/// One kind of error reply. "{who}" and "{user}" in the texts are replaced.
struct Row {
  std::string_view starts_with;
  ErrorCode code;
  std::string_view message;
  std::string_view hint;
};

constexpr std::string_view k_auth_hint =
    "name the Secret that holds the password: --auth-secret NAME";

// The wordings of Redis 5 to 8 and Valkey; the first row that fits is taken.
constexpr std::array k_rows{
    Row{"NOAUTH", ErrorCode::unauthorized, "{who} asks for a password", k_auth_hint},
    Row{"WRONGPASS",
        ErrorCode::unauthorized,
        "{who} refused the password of user {user}",
        "check what is in the Secret given with --auth-secret, and the user's name"},
    Row{"ERR invalid password",
        ErrorCode::unauthorized,
        "{who} refused the password of user {user}",
        "check what is in the Secret given with --auth-secret"},
    Row{"ERR Client sent AUTH, but no password is set",
        ErrorCode::unauthorized,
        "{who} has no password, but one was given",
        "leave out --auth-secret"},
    Row{"ERR AUTH <password> called without any password",
        ErrorCode::unauthorized,
        "{who} has no password, but one was given",
        "leave out --auth-secret"},
    Row{"ERR wrong number of arguments for 'auth'",
        ErrorCode::unauthorized,
        "{who} is older than Redis 6 and knows no users, but {user} was named",
        "leave out the user's name"},
    Row{"NOPERM",
        ErrorCode::unauthorized,
        "{who} does not let user {user} do this",
        "docs/rbac.md lists the commands that the user's ACL needs"},
    Row{"DENIED",
        ErrorCode::unauthorized,
        "{who} is in protected mode and talks to its own machine only",
        "set `protected-mode no` in its redis.conf, or a password"},
    Row{"LOADING",
        ErrorCode::unreachable,
        "{who} is still loading its data set into memory",
        "wait until it is ready, then run this again"},
    Row{"NOREPLICAS",
        ErrorCode::unsafe,
        "{who} takes no writes: fewer of its replicas are in step than min-replicas-to-write asks "
        "for",
        "wait until they are (kubectl redis status), then run the same command again"},
    Row{"OOM",
        ErrorCode::unsafe,
        "{who} takes no writes: it has as much in memory as maxmemory lets it",
        "raise maxmemory, or let fewer slots go there; then run the same command again"},
    Row{"ERR max number of clients reached",
        ErrorCode::unreachable,
        "{who} has as many clients as it takes",
        "raise `maxclients`, or disconnect some"},
};

std::string filled(std::string_view pattern, const std::string& who, const std::string& user) {
  std::string text(pattern);
  const auto replace = [&text](std::string_view name, const std::string& value) {
    for (std::size_t at = text.find(name); at != std::string::npos;
         at = text.find(name, at + value.size())) {
      text.replace(at, name.size(), value);
    }
  };
  replace("{who}", who);
  replace("{user}", user.empty() ? "default" : user);
  return text;
}

}  // namespace

Error migrate_error_of(const core::Reply& reply,
                       const std::string& source,
                       const std::string& target) {
  constexpr std::string_view k_refused = "ERR Target instance replied with error: ";
  if (reply.text.starts_with(k_refused)) {
    return error_of({.kind = reply.kind, .text = reply.text.substr(k_refused.size())}, target);
  }
  if (reply.text.starts_with("IOERR")) {
    return Error::unreachable(source + " lost " + target +
                              " while keys went there: " + reply.text.substr(0, 200));
  }
  return error_of(reply, source);
}

Error error_of(const core::Reply& reply, const std::string& who, const std::string& user) {
  for (const Row& row : k_rows) {
    if (reply.text.starts_with(row.starts_with)) {
      return Error{.code = row.code,
                   .message = filled(row.message, who, user),
                   .hint = std::string(row.hint)};
    }
  }
  return Error::protocol(who + " answered: " + reply.text.substr(0, 200));
}

}  // namespace kredis::redis
