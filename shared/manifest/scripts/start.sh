#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts this pod's Redis, and keeps it with its cluster.
#
# Redis remembers its peers by address, and pods get new ones. One pod at a time, the others tell
# it where everybody is. When all pods are gone at once nobody knows anything any more, and the
# cluster stays down. So a loop beside Redis asks the headless Service for the pods' addresses.
here=${0%/*}
. "$here/lib.sh"

conf=$here/redis.conf
server=redis-server
has "$server" || server=valkey-server
peers_command=${PEERS_COMMAND:-getent ahosts "$PEERS_SERVICE"}

fail() {
  say "$*"
  exit 1
}

# --- nodes.conf: this node's identity -------------------------------------------------------------

# conf_value KEY: what redis.conf says last.
conf_value() { awk -v key="$1" 'tolower($1) == key { value = $2 } END { gsub(/"/, "", value); print value }' "$conf"; }

# The lines of nodes.conf that were written to their end and make sense.
whole_lines() {
  if [ "$(tail -c 1 "$1" | wc -l)" -eq 0 ]; then sed '$d' "$1"; else cat "$1"; fi |
    awk '$1 == "vars" && NF % 2 == 1 ||
         length($1) == 40 && $1 !~ /[^0-9a-f]/ && $2 ~ /:[0-9]/ && NF >= 8'
}

own_id() { awk '$3 ~ /myself/ { print $1; exit }'; }
knows_others() { awk 'NF >= 8 && $3 !~ /myself/ { found = 1 } END { exit !found }'; }

# Redis will not start with a torn nodes.conf, as a full or lost disk leaves it, and would join
# another cluster with that one's. What is whole of a torn one is kept. Where the node's own line is
# lost, or is not this node's, the copy that keep_nodes_file made takes its place; without a copy it
# starts as a new node. The old file stays beside it.
check_nodes_file() {
  [ -e "$1" ] || return 0
  lines=$(whole_lines "$1")
  own=$(printf '%s\n' "$lines" | own_id)
  copy=$([ ! -e "$1.kept" ] || whole_lines "$1.kept")
  kept=$(printf '%s\n' "$copy" | own_id)

  if [ -z "$own" ]; then
    set_aside "$1" torn "was empty or torn" "$copy"
  elif [ -n "$kept" ] && [ "$own" != "$kept" ] && printf '%s\n' "$lines" | knows_others; then
    set_aside "$1" foreign "is another node's, $own" "$copy"
  elif [ "$lines" != "$(grep -v '^$' "$1")" ]; then
    set_aside "$1" torn "was torn: its whole lines are kept" "$lines"
  fi
}

# set_aside FILE WORD WHY LINES: renames FILE and writes LINES in its place, if there are any.
set_aside() {
  aside=$1.$2-$(date -u +%Y%m%dT%H%M%SZ)
  if [ -n "$4" ]; then
    { cp -p "$1" "$aside" && printf '%s\n' "$4" >"$1.new" && mv "$1.new" "$1"; } ||
      fail "$1 $3 and cannot be mended: is the volume full?"
    say "$1 $3; this goes on as node $(printf '%s\n' "$4" | own_id), and the file stays as $aside"
  else
    mv "$1" "$aside" || fail "$1 $3 and cannot be renamed"
    say "$1 $3: this starts as a new node, and the file stays as $aside"
  fi
}

# A node that stops before it has heard which shards its peers are in writes down what it has, and
# some versions (Redis 7.2, Valkey up to 8.1.2) then die of their own file at each start, see
# https://github.com/valkey-io/valkey/issues/2171. A replica is in its master's shard.
agree_on_shards() {
  awk '
    function shard_of(field) { return match(field, /shard-id=[0-9a-f]+/) ? substr(field, RSTART, RLENGTH) : "" }
    NR == FNR { if ($3 ~ /master/) shard[$1] = shard_of($2); next }
    ($4 in shard) && shard[$4] != "" && shard_of($2) != shard[$4] { sub(/shard-id=[0-9a-f]+/, shard[$4], $2) }
    { print }' "$1" "$1"
}

mend_shards() {
  [ -e "$1" ] || return 0
  mended=$(agree_on_shards "$1")
  [ "$mended" != "$(cat "$1")" ] || return 0
  { printf '%s\n' "$mended" >"$1.new" && mv "$1.new" "$1"; } || fail "$1 cannot be mended: is the volume full?"
  say "$1 had replicas in other shards than their masters: they are in those now"
}

# Copies a nodes.conf that is in order. (Some versions of Redis write it in place: hence the checks.)
keep_nodes_file() {
  cmp -s "$1" "$1.kept" && return
  { cp "$1" "$1.kept.new" && [ -n "$(own_id <"$1.kept.new")" ] &&
    [ "$(whole_lines "$1.kept.new")" = "$(grep -v '^$' "$1.kept.new")" ] &&
    mv "$1.kept.new" "$1.kept"; } 2>/dev/null
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

# --- what this pod announces ----------------------------------------------------------------------

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
  if [ -n "${REDISCLI_AUTH:-}" ]; then
    # Not echo, which reads backslashes in some shells.
    printf 'requirepass %s\nmasterauth %s\n' "$(quoted "$REDISCLI_AUTH")" "$(quoted "$REDISCLI_AUTH")"
  fi
}

# --- finding the peers again ----------------------------------------------------------------------

# What this node knows: CLUSTER NODES and INFO replication, without the latter's carriage returns.
what_is_known() {
  ask "$me" <<'COMMANDS' | tr -d '\r'
CLUSTER NODES
INFO replication
COMMANDS
}

# From that on standard input: the ids of nodes that this one cannot talk to, the addresses where
# somebody was found, and the id of its master where replication still looks for it at an address
# that the master has left. (Redis does when it hears of the new one by gossip.)
lost_ids() {
  awk 'NF >= 8 && $3 !~ /myself|handshake/ && ($8 != "connected" || $3 ~ /fail|noaddr/) { print $1 }'
}
settled_addresses() {
  awk 'NF >= 8 && $8 == "connected" && $3 !~ /fail|noaddr/ { sub(/:[0-9]+@.*/, "", $2); print $2 }'
}
moved_master() {
  awk 'NF >= 8 && $3 ~ /myself/ { master = $4 }
    NF >= 8 && $8 == "connected" && $3 !~ /fail/ { sub(/:[0-9]+@.*/, "", $2); address[$1] = $2 }
    sub(/^master_host:/, "") { host = $0 }
    /^master_link_status:down/ { down = 1 }
    END { if (down && master in address && address[master] != host) print master }'
}

# A few of the pods' other addresses, at random. Not all: those that are found pass the news on.
some_peers() {
  $peers_command 2>/dev/null | awk -v settled="$1" '
    BEGIN { split(settled, list, " "); for (i in list) seen[list[i]] }
    !($1 in seen) { seen[$1]; print $1 }' | shuf -n 8
}

# Meets the peers that are lost. Nobody else: a stranger at an address that one of ours had before
# belongs to another cluster, and to meet it would join the two.
meet_again() {
  for peer in $(some_peers "$POD_IP $(echo "$2" | settled_addresses | tr '\n' ' ')"); do
    id=$(ask "$peer" CLUSTER MYID)
    case "$1" in
      *"${id:-nobody}"*)
        say "node $id is at $peer now"
        ask "$me" CLUSTER MEET "$peer" 6379 >/dev/null
        ;;
    esac
  done
}

# Looks once; fails while there is something to mend, or Redis is not up yet.
mend() {
  known=$(what_is_known)
  case "$known" in *myself*) ;; *) return 1 ;; esac
  lost=$(echo "$known" | lost_ids)
  master=$(echo "$known" | moved_master)
  [ -z "$lost" ] || meet_again "$lost" "$known"
  if [ -n "$master" ]; then
    say "replicating from where $master is now: $(ask "$me" CLUSTER REPLICATE "$master")"
  fi
  [ -z "$lost$master" ]
}

# Runs for as long as Redis does, which has this shell's process id: a child that ends would be
# Redis's to bury, and Redis does not expect one.
keep_together() {
  quick=60
  while kill -0 $$ 2>/dev/null; do
    pause=5
    if mend; then
      quick=60
    elif [ "$quick" -gt 0 ]; then
      quick=$((quick - 1))
      pause=1
    fi
    # Also where a peer is lost: this node may just have got its slots, and the copy has to say so.
    keep_nodes_file "$nodes_file"
    sleep $pause
  done
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

data=$(conf_value dir)
[ -w "$data" ] || fail "user $(id -u) cannot write to $data: give it the folder (chown) or use a class that honours fsGroup"
wait_for_the_volume "$data"
nodes_file=$(conf_value cluster-config-file)
case "$nodes_file" in
  /*) ;;
  *) nodes_file=$data/${nodes_file:-nodes.conf} ;;
esac
check_nodes_file "$nodes_file"
mend_shards "$nodes_file"
address=$(announced_address)

keep_together 9>&- &
exec "$server" "$conf" - <<SETTINGS
$(own_settings)
SETTINGS
