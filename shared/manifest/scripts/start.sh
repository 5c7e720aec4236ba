#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts this pod's Redis: as who it was, with the data that it has, and with a loop beside it.
here=${0%/*}
. "$here/lib.sh"
. "$here/nodes_file.sh"
. "$here/data_files.sh"
. "$here/peers.sh"

server=redis-server
has "$server" || server=valkey-server

fail() {
  say "$*"
  exit 1
}

# A Deployment starts a new pod while the one before it still ends, and so does a deletion by force.
# Redis's own lock does not outlive the next time it writes nodes.conf. This one is held by the
# descriptor, which Redis inherits, for as long as the server runs.
wait_for_the_volume() {
  has flock || return 0
  exec 9>>"$1/.kubectl-redis.lock"
  flock -n 9 && return
  say "waiting for the pod before this one to let go of $1"
  flock 9 || say "$1 cannot be locked; going on without"
}

# The pod's own address; or its Service's, which outlives the pod.
announced_address() {
  if [ "${ANNOUNCE:-pod}" = pod ]; then
    echo "$POD_IP"
    return
  fi
  until address=$(getent ahosts "$ANNOUNCE_HOST" | awk 'NR == 1 { print $1 }') && [ -n "$address" ]; do
    say "waiting for the name $ANNOUNCE_HOST" >&2
    sleep 1
  done
  echo "$address"
}

# ANNOUNCE_HOST in full; the domain that the pod searches first tells the cluster's own.
full_host_name() {
  domain=$(awk -v start="$POD_NAMESPACE.svc." '
    $1 == "search" { for (i = 2; i <= NF; i++) if (index($i, start) == 1) { print $i; exit } }' \
    /etc/resolv.conf 2>/dev/null)
  echo "$ANNOUNCE_HOST.${domain:-$POD_NAMESPACE.svc.cluster.local}"
}

# What clients outside the cluster's network use, as create --external found it out: a load balancer's
# address is a name for them only; through a node's ports everybody comes.
external_settings() {
  # shellcheck disable=SC2046 # Four words: the pod, its address, its port, its bus's port.
  set -- $(grep "^$POD_NAME " "$EXTERNAL_FILE")
  if [ "$2" = node ]; then
    printf 'cluster-announce-ip %s\ncluster-announce-port %s\ncluster-announce-bus-port %s\n' "$NODE_IP" "$3" "$4"
    [ -z "${TLS_DIR:-}" ] || echo "cluster-announce-tls-port $3"
    [ "${major:-0}" -lt 7 ] || echo "cluster-preferred-endpoint-type ip"
  else
    printf 'cluster-announce-hostname %s\ncluster-preferred-endpoint-type hostname\n' "$2"
  fi
}

quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# What redis.conf cannot hold, as it differs from pod to pod or is secret.
own_settings() {
  echo "cluster-announce-ip $address"
  major=$("$server" --version | sed -n 's/.*v=\([0-9]*\)\..*/\1/p')
  if [ "${CLIENT_ENDPOINT:-ip}" = hostname ] && [ "${major:-0}" -ge 7 ]; then
    echo "cluster-announce-hostname $(full_host_name)"
    echo "cluster-preferred-endpoint-type hostname"
  fi
  [ -z "${EXTERNAL_FILE:-}" ] || external_settings
  [ -z "$aof_once" ] || echo "appendonly yes"
  if [ -n "${REDISCLI_AUTH:-}" ]; then
    # Not echo, which reads backslashes in some shells.
    printf 'requirepass %s\nmasterauth %s\n' "$(quoted "$REDISCLI_AUTH")" "$(quoted "$REDISCLI_AUTH")"
  fi
}

# --------------------------------------------------------------------------------------------------

has "$server" || fail "the image has neither redis-server nor valkey-server"
has "$cli" || fail "the image has neither redis-cli nor valkey-cli, which probes and hand-over need"
missing=
for tool in awk cmp flock getent shuf timeout; do
  has "$tool" || missing="$missing $tool"
done
[ -z "$missing" ] || fail "the image lacks$missing; take one that has them, such as redis:8.0 or valkey/valkey:8.1"
[ "${REDISCLI_AUTH+set}" != set ] || [ -n "$REDISCLI_AUTH" ] || fail "the password in the Secret is empty"
[ "$(echo "${REDISCLI_AUTH:-}" | wc -l)" -eq 1 ] ||
  fail "the password in the Secret has a line break; kubectl create secret generic --from-literal makes none"

find_data_files
[ -w "$data" ] || fail "user $(id -u) cannot write to $data: give it the folder (chown) or use a class that honours fsGroup"
wait_for_the_volume "$data"
nodes_file=$(nodes_file)
check_nodes_file "$nodes_file"
mend_shards "$nodes_file"
let_a_replica_win "$nodes_file"
begin_aof_with_snapshot
aof_once=
! reads_aof_once || { aof_once=yes; say "$aof_dir is newer than $rdb: it is read once more, before redis.conf's way"; }
address=$(announced_address)
host=$(own_settings | sed -n 's/^cluster-announce-hostname //p' | tail -n 1)

watch_nodes_file "$nodes_file" $$ 9>&- &
keep_together 9>&- &
exec "$server" "$conf" - <<SETTINGS
$(own_settings)
SETTINGS
