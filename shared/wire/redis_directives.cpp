// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/redis_directives.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using Table = std::map<std::string_view, DirectiveType>;

constexpr std::string_view k_booleans =
    "active-expire-enabled activedefrag activerehashing always-show-logo aof-disable-auto-gc "
    "aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble "
    "appendonly close-on-replica-write cluster-allow-pubsubshard-when-down "
    "cluster-allow-reads-when-down cluster-allow-replica-migration cluster-enabled "
    "cluster-replica-no-failover cluster-require-full-coverage cluster-slave-no-failover "
    "cluster-slot-stats-enabled crash-log-enabled crash-memcheck-enabled daemonize disable-thp "
    "dual-channel-replication-enabled dynamic-hz extended-redis-compatibility gopher-enabled "
    "hide-user-data-from-log import-mode io-threads-always-active io-threads-do-reads "
    "jemalloc-bg-thread latency-tracking lazyexpire-nested-arbitrary-keys lazyfree-lazy-eviction "
    "lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush "
    "lua-enable-insecure-api mptcp no-appendfsync-on-rewrite protected-mode rdb-del-sync-files "
    "rdb-save-incremental-fsync rdbchecksum rdbcompression repl-disable-tcp-nodelay "
    "repl-diskless-sync repl-mptcp replica-announced replica-ignore-disk-write-errors "
    "replica-ignore-maxmemory replica-lazy-flush replica-read-only replica-serve-stale-data "
    "set-proc-title slave-ignore-maxmemory slave-lazy-flush slave-read-only "
    "slave-serve-stale-data stop-writes-on-bgsave-error syslog-enabled tls-cluster "
    "tls-prefer-server-ciphers tls-replication tls-session-caching use-exit-on-panic";

constexpr std::string_view k_numbers =
    "acllog-max-len active-defrag-cycle-max active-defrag-cycle-min active-defrag-cycle-us "
    "active-defrag-max-scan-fields active-defrag-threshold-lower active-defrag-threshold-upper "
    "active-expire-effort auto-aof-rewrite-percentage busy-reply-threshold "
    "cluster-announce-bus-port cluster-announce-port cluster-announce-tls-port "
    "cluster-blacklist-ttl cluster-databases cluster-manual-failover-timeout "
    "cluster-message-gossip-perc cluster-migration-barrier cluster-node-timeout "
    "cluster-ping-interval cluster-port cluster-replica-validity-factor "
    "cluster-slave-validity-factor cluster-slot-migration-handoff-max-lag-bytes "
    "cluster-slot-migration-log-max-len cluster-slot-migration-write-pause-timeout "
    "commandlog-execution-slower-than commandlog-large-reply-max-len "
    "commandlog-large-request-max-len commandlog-reply-larger-than "
    "commandlog-request-larger-than commandlog-slow-execution-max-len databases "
    "events-per-io-thread hash-max-listpack-entries hash-max-ziplist-entries hz io-threads "
    "key-load-delay latency-monitor-threshold lfu-decay-time lfu-log-factor list-compress-depth "
    "list-max-listpack-size list-max-ziplist-entries list-max-ziplist-size lookahead "
    "lua-time-limit max-new-connections-per-cycle max-new-tls-connections-per-cycle maxclients "
    "maxmemory-eviction-tenacity maxmemory-samples min-io-threads-avoid-copy-reply "
    "min-replicas-max-lag min-replicas-to-write min-slaves-max-lag min-slaves-to-write port "
    "prefetch-batch-max-size rdb-key-save-delay rdma-completion-vector rdma-port "
    "repl-backlog-ttl repl-diskless-sync-delay repl-diskless-sync-max-replicas "
    "repl-ping-replica-period repl-ping-slave-period repl-timeout replica-announce-port "
    "replica-priority set-max-intset-entries set-max-listpack-entries shutdown-timeout "
    "slave-announce-port slave-priority slot-migration-max-failover-repl-bytes "
    "slowlog-log-slower-than slowlog-max-len socket-mark-id stream-node-max-entries tcp-backlog "
    "tcp-keepalive timeout tls-auto-reload-interval tls-port tls-session-cache-size "
    "tls-session-cache-timeout tracking-table-max-keys zset-max-listpack-entries "
    "zset-max-ziplist-entries";

constexpr std::string_view k_memory =
    "active-defrag-ignore-bytes auto-aof-rewrite-min-size client-query-buffer-limit "
    "cluster-link-sendbuf-limit hash-max-listpack-value hash-max-ziplist-value "
    "hll-sparse-max-bytes list-max-ziplist-value loading-process-events-interval-bytes maxmemory "
    "min-string-size-avoid-copy-reply proto-max-bulk-len rdma-rx-size repl-backlog-size "
    "replica-full-sync-buffer-limit set-max-listpack-value stream-node-max-bytes "
    "zset-max-listpack-value zset-max-ziplist-value";

constexpr std::string_view k_single_words =
    "aclfile aof_rewrite_cpulist aof-rewrite-cpulist appenddirname appendfilename "
    "availability-zone bgsave_cpulist bgsave-cpulist bind-source-addr bio_cpulist bio-cpulist "
    "cluster-announce-client-ipv4 cluster-announce-client-ipv6 cluster-announce-hostname "
    "cluster-announce-human-nodename cluster-announce-ip cluster-config-file dbfilename dir "
    "hash-seed ignore-warnings include locale-collate logfile masterauth masteruser "
    "maxmemory-clients notify-keyspace-events pidfile primaryauth primaryuser proc-title-template "
    "replica-announce-ip req-res-logfile requirepass server_cpulist server-cpulist "
    "slave-announce-ip syslog-ident tls-ca-cert-dir tls-ca-cert-file tls-cert-file tls-ciphers "
    "tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass "
    "tls-dh-params-file tls-key-file tls-key-file-pass tls-protocols unixsocket unixsocketgroup "
    "unixsocketperm";

constexpr std::string_view k_many_words =
    "bind client-output-buffer-limit latency-tracking-info-percentiles loadmodule "
    "oom-score-adj-values primaryof rdma-bind rename-command replicaof save shutdown-on-sigint "
    "shutdown-on-sigterm slaveof user";

struct Choice {
  std::string_view name;
  std::string_view values;
};

constexpr std::array k_choices{
    Choice{"acl-pubsub-default", "allchannels|resetchannels"},
    Choice{"appendfsync", "always|everysec|no"},
    Choice{"cluster-preferred-endpoint-type", "ip|hostname|unknown-endpoint"},
    Choice{"enable-debug-command", "yes|no|local"},
    Choice{"enable-module-command", "yes|no|local"},
    Choice{"enable-protected-configs", "yes|no|local"},
    Choice{"log-format", "legacy|logfmt"},
    Choice{"log-timestamp-format", "legacy|iso8601|milliseconds"},
    Choice{"loglevel", "debug|verbose|notice|warning|nothing"},
    Choice{"maxmemory-policy",
           "noeviction|allkeys-lru|allkeys-lfu|allkeys-lrm|allkeys-random|volatile-lru|"
           "volatile-lfu|volatile-lrm|volatile-random|volatile-ttl"},
    Choice{"oom-score-adj", "yes|no|relative|absolute"},
    Choice{"propagation-error-behavior", "ignore|panic|panic-on-replicas"},
    Choice{"rdb-version-check", "strict|relaxed"},
    Choice{"repl-diskless-load", "disabled|on-empty-db|swapdb|flush-before-load"},
    Choice{"sanitize-dump-payload", "yes|no|clients"},
    Choice{"supervised", "no|upstart|systemd|auto"},
    Choice{"syslog-facility", "user|local0|local1|local2|local3|local4|local5|local6|local7"},
    Choice{"tls-auth-clients", "yes|no|optional"},
    Choice{"tls-auth-clients-user", "off|cn|uri"},
};

/// Redis 8's own modules take their settings as plain directives.
constexpr std::array<std::string_view, 4> k_module_prefixes{"search-", "ts-", "bf-", "cf-"};

void add_all(std::string_view names, ValueKind kind, Table& table) {
  for (const std::string_view name : core::split_words(names)) {
    table.emplace(name, DirectiveType{.kind = kind});
  }
}

const Table& table() {
  static const Table instance = [] {
    Table built;
    add_all(k_booleans, ValueKind::boolean, built);
    add_all(k_numbers, ValueKind::number, built);
    add_all(k_memory, ValueKind::memory, built);
    add_all(k_single_words, ValueKind::word, built);
    add_all(k_many_words, ValueKind::words, built);
    for (const Choice& choice : k_choices) {
      built.emplace(choice.name,
                    DirectiveType{.kind = ValueKind::choice, .choices = choice.values});
    }
    return built;
  }();
  return instance;
}

}  // namespace

const DirectiveType* find_directive(std::string_view name) {
  static const DirectiveType k_untyped{};
  const auto found = table().find(name);
  if (found != table().end()) {
    return &found->second;
  }
  const bool of_module =
      name.find('.') != std::string_view::npos ||
      std::ranges::any_of(k_module_prefixes, [&](auto prefix) { return name.starts_with(prefix); });
  return of_module ? &k_untyped : nullptr;
}

std::string nearest_directive(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& [directive, type] : table()) {
    known.push_back(directive);
  }
  return std::string(core::nearest(name, known));
}

}  // namespace kredis::wire
