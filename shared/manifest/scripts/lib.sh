#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the other scripts share; each reads this file first. For any POSIX shell, with the tools that
# Debian's and Alpine's images of Redis and Valkey have.

say() { echo "kubectl-redis: $*"; }

# first_program NAME...: the first of these programs that the image has.
first_program() {
  for program in "$@"; do
    command -v "$program" && return
  done
}

cli=$(first_program redis-cli valkey-cli)
me=${POD_IP:-127.0.0.1}
ask_seconds=2

# ask ADDRESS COMMAND...: what the node there answers; nothing when it is silent for ask_seconds.
# Without a COMMAND the commands come from standard input, a line each.
# REDISCLI_AUTH, which redis-cli reads by itself, keeps the password off the command line.
ask() {
  ask_address=$1
  shift
  set -- "$cli" -h "$ask_address" -p 6379 "$@"
  if [ -n "${TLS_DIR:-}" ]; then
    program=$1
    shift
    set -- "$program" --tls --cacert "$TLS_DIR/ca.crt" \
      --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
  fi
  timeout "$ask_seconds" "$@" 2>/dev/null | tr -d '\r'
}

# field NAME: the value in "NAME:value" lines on standard input, as INFO and CLUSTER INFO print them.
field() { sed -n "s/^$1://p"; }
