#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# preStop: a master hands its slots to its best replica before it goes, so that no client waits for
# the cluster to notice. Always returns, after HAND_OVER_SECONDS at the latest; then comes SIGTERM.
. "${0%/*}/lib.sh"

end=$(($(date +%s) + ${HAND_OVER_SECONDS:-30}))

# To the container's log, where Redis as its first process writes; a hook's own output goes nowhere.
tell() {
  if grep -qs -e '-server' /proc/1/cmdline; then
    { say "$*" >/proc/1/fd/1; } 2>/dev/null
  else
    say "$*"
  fi
}

is_master() { [ "$(ask "$me" ROLE | head -n 1)" = master ]; }

time_is_left() { [ "$(date +%s)" -lt "$end" ]; }

# field NAME: the value in the "NAME:value" lines that INFO prints, on standard input.
field() { tr -d '\r' | sed -n "s/^$1://p"; }

# ADDRESS/PORT of each of this master's replicas that the cluster can reach.
replicas() {
  ask "$me" CLUSTER NODES | awk -v master="$(ask "$me" CLUSTER MYID)" '
    $4 == master && $3 ~ /slave/ && $3 !~ /fail|noaddr/ && $8 == "connected" {
      sub(/@.*/, "", $2)
      port = $2
      sub(/.*:/, "", port)
      sub(/:[0-9]+$/, "", $2)
      print $2 "/" port
    }'
}

# The one that is in step and has received most.
best_replica() {
  for address in "$@"; do
    info=$(ask "$address" INFO replication)
    if [ "$(echo "$info" | field master_link_status)" = up ]; then
      echo "$(echo "$info" | field slave_repl_offset) $address"
    fi
  done | sort -n | tail -n 1 | cut -d ' ' -f 2
}

# Redis itself gives a hand-over up after five seconds; then another try.
wait_for_hand_over() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28; do
    is_master || return 0
    time_is_left || return 1
    # It ends as well, as it does when the whole workload is deleted.
    [ "$(ask "$heir" PING)" = PONG ] || return 1
    sleep 0.2
  done
  return 1
}

while is_master && time_is_left; do
  candidates=$(replicas)
  [ -n "$candidates" ] || { tell "no replica to hand over to"; exit 0; }
  # shellcheck disable=SC2086 # One word an address.
  heir=$(best_replica $candidates)
  if [ -n "$heir" ]; then
    answer=$(ask "$heir" CLUSTER FAILOVER)
    if [ "$answer" = OK ] && wait_for_hand_over; then
      tell "handed over to $heir"
      # Clients that come meanwhile are sent on; one whose connection is cut must find out by itself.
      sleep "${LINGER_SECONDS:-1}"
      exit 0
    fi
    tell "$heir did not take over${answer:+: $answer}"
  fi
  sleep 0.5
done
exit 0
