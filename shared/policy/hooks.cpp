// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/hooks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "shared/core/text.hpp"
#include "shared/policy/launch.hpp"

namespace kredis::policy {
namespace {

/// These paths come from a redis.conf and go into a line of shell. Where one would need quoting, no
/// hook is better than a wrong one.
bool is_plain_path(const std::string& path) {
  return !path.empty() && path.find_first_of(" '\"\\$`;&|<>\n") == std::string::npos;
}

/// How redis-cli reaches the server beside it: " -p 6379", with TLS where only that is open.
std::optional<std::string> connection(const Subject& subject) {
  const auto port = subject.client_port();
  if (!port) {
    return std::nullopt;
  }
  std::string flags = fmt::format(" -p {}", *port);
  if (subject.known_number("port", k_redis_port) != 0) {
    return flags;
  }
  // `tls-auth-clients` is yes by default, so redis-cli has to show a certificate; the server's own
  // is the one that is sure to be in the container.
  constexpr std::array<std::pair<const char*, const char*>, 3> files{
      {{"tls-ca-cert-file", "--cacert"}, {"tls-cert-file", "--cert"}, {"tls-key-file", "--key"}}};
  flags += " --tls";
  for (const auto& [key, flag] : files) {
    const auto setting = subject.setting(key);
    if (!setting || !is_plain_path(setting->first())) {
      return std::nullopt;
    }
    flags += fmt::format(" {} {}", flag, setting->first());
  }
  return flags;
}

/// The cli beside the server that the container runs.
std::string cli_of(const Subject& subject) {
  const std::string& server = subject.launch().server;
  return server.find("valkey") != std::string::npos ? "valkey-cli" : "redis-cli";
}

/// The official images have a shell, Redis's own with modules too, and so has what is started by
/// one. Of others nobody knows, and a probe that cannot run is a pod that never starts.
bool has_shell(const Subject& subject) {
  const std::string image = text(member(subject.container(), {"image"}));
  const bool stack = image.find("redis/redis-stack") != std::string::npos;
  return is_official_image(image) || stack || !subject.launch().scripts.empty();
}

bool has_variable(const Subject& subject, std::string_view name) {
  return std::ranges::any_of(items(member(subject.container(), {"env"})), [&](const Json& each) {
    return text(member(each, {"name"})) == name;
  });
}

/// How a shell of the container comes to know the password: nothing to do where there is none, or
/// where redis-cli reads it by itself. Nothing at all where nobody can say.
std::optional<std::string> authenticated(const Subject& subject) {
  if (has_variable(subject, "REDISCLI_AUTH")) {
    return "";
  }
  const auto password = subject.setting("requirepass");
  const bool accounts = subject.setting("user") || subject.setting("aclfile");
  if (accounts || (!password && subject.may_hide("requirepass"))) {
    return std::nullopt;
  }
  if (!password || (password->known && password->first().empty())) {
    return "";
  }
  const std::string value = password->first();
  const bool variable = value.starts_with("$(") && value.ends_with(')');
  const std::string name = variable ? value.substr(2, value.size() - 3) : "";
  return variable && has_variable(subject, name)
             ? std::optional(fmt::format("export REDISCLI_AUTH=\"${}\"; ", name))
             : std::nullopt;
}

/// `ask ADDRESS WORDS...` as a shell function, and then `body`.
std::optional<Json> shell(const Subject& subject, std::string_view body) {
  const auto flags = connection(subject);
  if (!flags || subject.launch().server.empty() || !has_shell(subject)) {
    return std::nullopt;
  }
  // A node that is stopped or waits for its disk takes the connection and never answers. Three
  // seconds are less than the probes' `timeoutSeconds` of five, so the script, not the kubelet,
  // says so.
  const std::string text =
      fmt::format("ask() {{ h=$1; shift; timeout 3 {} -h \"$h\"{} \"$@\" 2>/dev/null; }}; {}",
                  cli_of(subject),
                  *flags,
                  body);
  return Json::array({"/bin/sh", "-c", text});
}

}  // namespace

std::optional<Json> ready_command(const Subject& subject, ReadyWhen when) {
  // A node that wants a password is up. Whether it serves, only a client with the password can
  // tell, and a patch does not know where the password is.
  constexpr std::string_view k_answers =
      "case \"$(ask 127.0.0.1 PING)\" in PONG*|NOAUTH*) exit 0;; esac; exit 1";
  // Until all slots are given out no node can serve, and pods that only wait for `init` must not
  // hold up a rollout: such a node is ready. Once they are, cluster_state tells.
  constexpr std::string_view k_serves =
      "case \"$(ask 127.0.0.1 PING)\" in NOAUTH*) exit 0;; PONG*) ;; *) exit 1;; esac; "
      "case \"$(ask 127.0.0.1 CLUSTER INFO)\" in *cluster_slots_assigned:16384*) ;; *) exit 0;; esac; "
      "case \"$(ask 127.0.0.1 CLUSTER INFO)\" in *cluster_state:ok*) exit 0;; esac; exit 1";
  return shell(subject, when == ReadyWhen::serves ? k_serves : k_answers);
}

/// While Redis loads it answers LOADING to nearly every command (processCommand() in server.c). Any
/// other error comes from a server that has its data.
std::optional<Json> loaded_command(const Subject& subject) {
  return shell(subject, "case \"$(ask 127.0.0.1 PING)\" in ''|LOADING*) exit 1;; esac; exit 0");
}

/// Any answer shows that the main thread is alive. LOADING, BUSY or MASTERDOWN are no reason to
/// restart a node.
std::optional<Json> alive_command(const Subject& subject) {
  return shell(subject, "[ -n \"$(ask 127.0.0.1 PING)\" ]");
}

std::optional<Json> hand_over_command(const Subject& subject, std::int64_t seconds) {
  // The replica that is in step and has received most takes over, or time runs out. The fields of
  // CLUSTER NODES are: 2 the address, 3 flags, 4 the master, 8 the state of the link. CLUSTER
  // FAILOVER answers OK before anything has happened and gives up after 5 s (CLUSTER_MF_TIMEOUT),
  // so ROLE is asked six times, a second apart, before the next attempt. A hook that failed would
  // only be logged, so every end is exit 0.
  constexpr std::string_view k_body =
      "end=$(($(date +%s) + {})); "
      "master() {{ [ \"$(ask 127.0.0.1 ROLE | head -n 1)\" = master ]; }}; "
      "while master && [ \"$(date +%s)\" -lt $end ]; do "
      "id=$(ask 127.0.0.1 CLUSTER MYID); "
      "r=$(ask 127.0.0.1 CLUSTER NODES | awk -v m=\"$id\" '$4 == m && $3 ~ /slave/ && "
      "$3 !~ /fail|noaddr/ && $8 == \"connected\" {{ sub(/:[0-9]+@.*/, \"\", $2); print $2 }}'); "
      "[ -n \"$r\" ] || exit 0; "
      "heir=$(for a in $r; do i=$(ask $a INFO replication | tr -d '\\r'); "
      "case \"$i\" in *master_link_status:up*) "
      "echo \"$(echo \"$i\" | sed -n 's/^slave_repl_offset://p') $a\";; esac; done | "
      "sort -n | tail -n 1 | cut -d ' ' -f 2); "
      "[ -z \"$heir\" ] || ask $heir CLUSTER FAILOVER; "
      "for n in 1 2 3 4 5 6; do master || exit 0; sleep 1; done; done; exit 0";
  // Without the password it would take every node for one that is no master, and hand over nothing.
  const auto login = authenticated(subject);
  return login ? shell(subject, *login + fmt::format(k_body, seconds)) : std::nullopt;
}

std::optional<Json> meet_again_command(const Subject& subject,
                                       const std::vector<std::string>& services) {
  // As the loop of peers.sh, which says more: who is lost is looked for behind the Services, and
  // met where its id is one that this node knows. A Service with an address of its own leads to
  // some node, which says itself where it is; that it is there is asked before. A master that Redis
  // heard of by gossip is replicated from where it is now. The hook itself ends at once, as the
  // container counts as running only then.
  constexpr std::string_view k_body =
      "near() {{ echo \"$k\" | awk 'NF >= 8 && $8 == \"connected\" && $3 !~ /fail|noaddr/ "
      "{{ sub(/:[0-9]+@.*/, \"\", $2); print $2 }}' | tr '\\n' ' '; }}; "
      "peers() {{ for n in {}; do getent ahosts $n; done | awk -v s=\"$(near)\" "
      "'BEGIN {{ split(s, l, \" \"); for (i in l) seen[l[i]] }} "
      "!($1 in seen) {{ seen[$1]; print $1 }}' | shuf -n 8; }}; "
      "look() {{ k=$(printf 'CLUSTER NODES\\nINFO replication\\n' | ask 127.0.0.1 | tr -d '\\r'); "
      "lost=$(echo \"$k\" | awk 'NF >= 8 && $3 !~ /myself|handshake/ && "
      "($8 != \"connected\" || $3 ~ /fail|noaddr/) {{ print $1 }}'); "
      "moved=$(echo \"$k\" | awk 'NF >= 8 && $3 ~ /myself/ {{ m = $4 }} "
      "NF >= 8 && $8 == \"connected\" && $3 !~ /fail/ {{ sub(/:[0-9]+@.*/, \"\", $2); a[$1] = $2 }} "
      "sub(/^master_host:/, \"\") {{ h = $0 }} /^master_link_status:down/ {{ d = 1 }} "
      "END {{ if (d && m in a && a[m] != h) print m }}'); "
      "[ -z \"$moved\" ] || ask 127.0.0.1 CLUSTER REPLICATE $moved; "
      "[ -n \"$lost\" ] || return; pause=1; "
      "for a in $(peers); do set -- $(ask $a CLUSTER NODES | "
      "awk '$3 ~ /myself/ {{ sub(/:[0-9]+@.*/, \"\", $2); print $1, $2 }}'); "
      "[ $# -gt 0 ] || continue; case \"$lost\" in *$1*) for b in $2 $a; do "
      "if [ \"$(ask $b CLUSTER MYID)\" = $1 ]; then ask 127.0.0.1 CLUSTER MEET $b {}; break; fi; "
      "done;; esac; done; }}; "
      "(while sleep ${{pause:-1}}; do pause=5; look; done) </dev/null >/dev/null 2>&1 & exit 0";
  const auto login = authenticated(subject);
  const auto port = subject.client_port();
  const auto bus = subject.bus_port();
  if (!login || !port || !bus || services.empty()) {
    return std::nullopt;
  }
  const bool usual = *bus == *port + k_bus_offset;
  const std::string ports = usual ? fmt::format("{}", *port) : fmt::format("{} {}", *port, *bus);
  return shell(subject, *login + fmt::format(k_body, fmt::join(services, " "), ports));
}

}  // namespace kredis::policy
