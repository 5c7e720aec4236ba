#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Readiness: whether a client that comes to this node can be served.
#
# A node of a cluster that is not complete yet is ready: whoever initialises the cluster waits for
# that. Peers find each other whether ready or not, so a cold start does not depend on this.
. "${0%/*}/lib.sh"

not_ready() {
  say "not ready: $1"
  exit 1
}

answers=$(ask "$me" <<'COMMANDS'
PING
CLUSTER INFO
INFO replication
COMMANDS
)

case "$answers" in
  PONG*) ;;
  *) not_ready "PING answers '${answers%%
*}'" ;;
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
