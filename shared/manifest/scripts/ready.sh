#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Readiness: whether a client that comes to this node can be served, and whether the next pod may be
# taken away.
#
# A node of a cluster that is not complete yet is ready: whoever initialises the cluster waits for
# that. Peers find each other whether ready or not, so a cold start does not depend on this. A node
# that lost who it was is not: a roll-out or a drain would go on, and take the next copy.
. "${0%/*}/lib.sh"

not_ready() {
  say "not ready: $1"
  exit 1
}

# What the other pods say of the cluster in which this node may have had a place: "lost" where they
# know as many nodes as there are pods, and this is none of those; "silent" where one does not answer.
said_by_peers() {
  ask_seconds=1
  pods=$(pod_addresses | wc -l)
  # shellcheck disable=SC2046 # A word for each.
  set -- $(peers | head -n 8)
  { for peer in "$@"; do ask "$peer" CLUSTER INFO & done; wait; } | tr -d '\r' | awk -F: -v pods="$pods" -v asked=$# '
    $1 == "cluster_slots_assigned" { slots = $2 }
    $1 == "cluster_known_nodes" { answered++; if ($2 > 1 && slots > 0 && $2 >= pods) lost = 1 }
    END { if (lost) print "lost"; else if (answered < asked) print "silent" }'
}

# A node that was found to be new among new ones lost nothing since, for as long as its server runs: sixty
# pods that wait for init would else ask eight others each, again and again.
is_alone() {
  run=$(echo "$answers" | field run_id)
  noted=$(conf_value dir)/.kubectl-redis.new
  [ -z "$run" ] || [ "$(cat "$noted" 2>/dev/null)" != "$run" ] || return 0
  case $(said_by_peers) in
    lost) not_ready "the other pods are a cluster, and this node lost its place in it" ;;
    silent) not_ready "it is alone, and a pod that may know more does not answer" ;;
  esac
  { echo "$run" >"$noted"; } 2>/dev/null
}

answers=$(ask "$me" <<'COMMANDS' | tr -d '\r'
PING
CLUSTER INFO
INFO replication
INFO server
CLUSTER NODES
COMMANDS
)

case "$answers" in
  PONG*) ;;
  *) not_ready "PING answers '${answers%%
*}'" ;;
esac
case "$answers" in
  *"cluster_known_nodes:1
"*)
    is_alone
    ;;
  *)
    # Who never had slots nor an epoch was introduced a moment ago, and gets its place next.
    if echo "$answers" | awk '$3 ~ /myself/ && $3 ~ /master/ && $7 == 0 && NF == 8 { new = 1 } END { exit !new }'; then
      not_ready "it has no place in the cluster yet"
    fi
    ;;
esac
case "$answers" in
  *cluster_slots_assigned:16384*) ;;
  *) exit 0 ;;
esac
case "$answers" in
  *cluster_state:ok*) ;;
  *) not_ready "cluster_state is not ok" ;;
esac
case "$answers" in
  *role:slave*master_link_status:down*) not_ready "the link to its master is down" ;;
esac
exit 0
