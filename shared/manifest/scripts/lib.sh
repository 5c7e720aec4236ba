#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the other scripts share; each reads this file first. For any POSIX shell, with the tools that
# Debian's and Alpine's images of Redis and Valkey have.

say() { echo "kubectl-redis: $*"; }

has() { command -v "$1" >/dev/null; }

cli=redis-cli
has "$cli" || cli=valkey-cli
me=${POD_IP:-127.0.0.1}
ask_seconds=2
conf=${0%/*}/redis.conf

# ask ADDRESS[/PORT] COMMAND...: what the node there answers; nothing when it is silent for ask_seconds.
# Without a COMMAND the commands come from standard input, a line each.
# REDISCLI_AUTH, which redis-cli reads by itself, keeps the password off the command line.
ask() {
  ask_address=${1%/*} ask_port=6379
  case "$1" in */*) ask_port=${1#*/} ;; esac
  shift
  if [ -n "${TLS_DIR:-}" ]; then
    set -- --tls --cacert "$TLS_DIR/ca.crt" --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
  fi
  timeout "$ask_seconds" "$cli" -h "$ask_address" -p "$ask_port" "$@" 2>/dev/null
}

# ask_each "ADDRESS..." COMMAND...: the same of all at once, as those that are gone keep silent for as long as
# they may. Prints "ADDRESS ANSWER" as they come, where the answer is a line. Its children are its own to
# bury: what is left behind in a container falls to Redis, which buries nobody.
ask_each() {
  asked=$1
  shift
  for each in $asked; do echo "$each $(ask "$each" "$@")" & done
  wait
}

# Whether nobody listens there. A node that is only slow is not gone: then timeout ends the question.
is_gone() {
  ask "$1" PING >/dev/null
  case $? in 0 | 124 | 143) return 1 ;; esac
}

# field NAME: the value in the "NAME:value" lines that INFO prints, on standard input.
field() { tr -d '\r' | sed -n "s/^$1://p"; }

# conf_value KEY: what redis.conf says last.
# shellcheck disable=SC2317
conf_value() { awk -v key="$1" 'tolower($1) == key { value = $2 } END { gsub(/"/, "", value); print value }' "$conf"; }

# The addresses of all pods, this one's too where it is listed already, as the headless Service has
# them: of this pod's family of addresses, each once.
pod_addresses() {
  ${PEERS_COMMAND:-getent ahosts "$PEERS_SERVICE"} 2>/dev/null |
    awk -v me="$me" 'index(me, ":") == 0 == (index($1, ":") == 0) && !($1 in seen) { seen[$1]; print $1 }'
}

# The other pods' addresses, in random order.
peers() { pod_addresses | awk -v me="$me" '$1 != me' | shuf; }
