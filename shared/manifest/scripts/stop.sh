#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# preStop: a master hands its slots to its best replica before it goes, so that no client waits for
# the cluster to notice. Always returns, after HAND_OVER_SECONDS at the latest; then comes SIGTERM.
. "${0%/*}/lib.sh"
. "${0%/*}/nodes_file.sh"

start=$(date +%s)
end=$((start + ${HAND_OVER_SECONDS:-30}))
# A master that is silent for this long is not asked any more: its replica is.
patience=$(((end - start) / 2))

# To the container's log, where Redis as its first process writes; a hook's own output goes nowhere.
tell() {
  if grep -qs -e '-server' /proc/1/cmdline; then
    { say "$*" >/proc/1/fd/1; } 2>/dev/null
  else
    say "$*"
  fi
}

# "master", "slave", or what the node says instead of that; nothing while it is silent.
role() { ask "$me" ROLE | head -n 1; }

time_is_left() { [ "$(date +%s)" -lt "$end" ]; }

# ADDRESS/PORT of each replica of node $1 that the cluster can reach, from CLUSTER NODES.
replicas_of() {
  awk -v master="$1" '
    $4 == master && $3 ~ /slave/ && $3 !~ /fail|noaddr/ && ($8 == "connected" || $3 ~ /myself/) {
      sub(/@.*/, "", $2)
      port = $2
      sub(/.*:/, "", port)
      sub(/:[0-9]+$/, "", $2)
      print $2 "/" port
    }'
}

# This master's replicas, as it sees them; or as a peer does, while it is silent itself.
replicas() {
  nodes=$(ask "$me" CLUSTER NODES)
  id=$(printf '%s\n' "$nodes" | own_id)
  if [ -z "$id" ]; then
    id=$(own_id <"$(nodes_file)")
    for peer in $(peers); do
      nodes=$(ask "$peer" CLUSTER NODES)
      case "$nodes" in *"$id"*) break ;; esac
    done
  fi
  printf '%s\n' "$nodes" | replicas_of "$id"
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
    [ "$(role)" != slave ] || return 0
    [ "$(ask "$heir" ROLE | head -n 1)" != master ] || return 0
    time_is_left || return 1
    # It ends as well, as it does when the whole workload is deleted.
    ! is_gone "$heir" || return 1
    sleep 0.2
  done
  return 1
}

# hand_over [FORCE]: fails where nobody took over.
hand_over() {
  # shellcheck disable=SC2046 # One word an address.
  heir=$(best_replica $(replicas))
  [ -n "$heir" ] || return 1
  answer=$(ask "$heir" CLUSTER FAILOVER "$@")
  if [ "$answer" = OK ] && wait_for_hand_over; then
    tell "handed over to $heir"
    # Clients that come meanwhile are sent on; one whose connection is cut must find out by itself.
    sleep "${LINGER_SECONDS:-1}"
    exit 0
  fi
  tell "$heir did not take over${answer:+: $answer}"
}

while time_is_left; do
  case $(role) in
    slave) exit 0 ;;
    master)
      [ -n "$(replicas)" ] || { tell "no replica to hand over to"; exit 0; }
      hand_over
      ;;
    *)
      # Silence is no answer: it may be busy with a script or a fork, and a master still.
      ! is_gone "$me" || exit 0
      if [ $(($(date +%s) - start)) -ge "$patience" ]; then
        tell "silent for $patience s"
        hand_over FORCE || exit 0
      fi
      ;;
  esac
  sleep 0.5
done
exit 0
