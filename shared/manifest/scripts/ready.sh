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

# Whether the other pods are a cluster in which this node had a place: they know as many nodes as
# there are pods, and this is none of those.
peers_lost_a_node() {
  ask_seconds=1
  pods=$(pod_addresses | wc -l)
  for peer in $(peers | head -n 3); do
    info=$(ask "$peer" CLUSTER INFO)
    known=$(echo "$info" | field cluster_known_nodes)
    assigned=$(echo "$info" | field cluster_slots_assigned)
    [ "${known:-1}" -le 1 ] || [ "${assigned:-0}" -eq 0 ] || [ "$known" -lt "$pods" ] || return 0
  done
  return 1
}

answers=$(ask "$me" <<'COMMANDS' | tr -d '\r'
PING
CLUSTER INFO
INFO replication
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
"*) ! peers_lost_a_node || not_ready "the other pods are a cluster, and this node lost its place in it" ;;
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
