# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced: "pods" with real redis-server processes. A pod here is a folder with the files that a pod has
# mounted, and an address of its own in 127.0.0.0/8; a file takes the place of the DNS name that lists
# the pods' addresses. Everything else is as it is in a pod: the scripts, the redis.conf that the product
# writes (from tests/golden), the environment. BUSYBOX=/bin/busybox gives them its shell and tools,
# SERVERS=FOLDER the redis-server and redis-cli there (see tests/servers.sh).

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/kredis-scripts.XXXXXX")
net=127.$((10 + RANDOM % 200)).$((RANDOM % 250))
peers=$work/peers
golden=default.yaml
extra_env=()
extra_conf=

# signal SIGNAL PID: where that still is a process that this shell started, and not another's by now.
signal() { ! jobs -rp | grep -qx "$2" || kill "-$1" "$2"; } 2>/dev/null

end_pods() {
  for pid in $(jobs -p); do signal KILL "$pid"; done
  wait 2>/dev/null
}

PATH=${SERVERS:+$SERVERS:}$PATH
# What a pod finds in its PATH. (Debian's busybox has no flock, Alpine's has.)
path=$PATH
if [ -n "${BUSYBOX:-}" ]; then
  path=$work/busybox
  mkdir "$path"
  for applet in $("$BUSYBOX" --list); do ln -s "$BUSYBOX" "$path/$applet"; done
  for program in redis-server redis-cli getent flock; do ln -sf "$(command -v $program)" "$path/$program"; done
fi

# make_pod NUMBER ADDRESS: the folder, as the kubelet would mount it.
make_pod() {
  pod=$work/pod$1
  mkdir -p "$pod/etc" "$pod/data"
  cp "$source"/shared/manifest/scripts/*.sh "$pod/etc"
  awk '/^  redis.conf: \|/ { inside = 1; next } inside && /^  [^ ]/ { exit } inside { sub(/^    /, ""); print }' \
    "$source/tests/golden/manifests/$golden" |
    sed "s#/var/lib/redis#$pod/data#; s#/etc/redis-tls#$work/tls#" >"$pod/etc/redis.conf"
  # One machine: each pod listens on its own address only. A short timeout keeps the tests short.
  printf 'bind %s\ncluster-node-timeout 2000\nenable-debug-command yes\n%b' "$2" "$extra_conf" >>"$pod/etc/redis.conf"
  echo "$2" >"$pod/address"
}

address_of() { cat "$work/pod$1/address"; }

# become NUMBER SCRIPT [ARGUMENT...]: turns this process into that command in the container.
become() {
  pod=$work/pod$1
  script=$2
  shift 2
  exec env -i PATH="$path" POD_IP="$(cat "$pod/address")" POD_NAME="$(basename "$pod")" POD_NAMESPACE=shop \
    PEERS_SERVICE=redis-service PEERS_COMMAND="cat $peers" ANNOUNCE=pod \
    ANNOUNCE_HOST="$(basename "$pod").redis-service" CLIENT_ENDPOINT=hostname HAND_OVER_SECONDS=15 \
    "${extra_env[@]}" sh "$pod/etc/$script" "$@"
}
in_pod() { (become "$@"); }

# launch NUMBER: its first process, whose id the shell passes on to Redis.
launch() {
  become "$1" start.sh >>"$work/pod$1/log" 2>&1 &
  echo $! >"$work/pod$1/pid"
}

# start_pod NUMBER ADDRESS
start_pod() {
  make_pod "$1" "$2"
  launch "$1"
}

# stop_pod NUMBER [SIGNAL]
stop_pod() {
  signal "${2:-TERM}" "$(cat "$work/pod$1/pid")"
  wait "$(cat "$work/pod$1/pid")"
} 2>/dev/null

# ask NUMBER COMMAND...
ask() {
  pod=$1
  shift
  set -- redis-cli -h "$(address_of "$pod")" "$@"
  if [ -e "$work/tls" ]; then
    set -- "$1" --tls --cacert "$work/tls/ca.crt" --cert "$work/tls/tls.crt" --key "$work/tls/tls.key" "${@:2}"
  fi
  env "${extra_env[@]}" "$@" 2>/dev/null
}

# eventually SECONDS COMMAND...
eventually() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt $end ] || return 1
    sleep 0.2
  done
}

answers() { [ "$(ask "$1" PING)" = PONG ]; }
state_is() { ask "$1" CLUSTER INFO | grep -q "^cluster_state:$2"; }
whole() { for n in "$@"; do state_is "$n" ok && ! ask "$n" CLUSTER NODES | grep -q 'fail\|disconnected' && ! link_is_down "$n" || return 1; done; }
ready() { in_pod "$1" ready.sh >/dev/null; }
kept() { cmp -s "$work/pod$1/data/nodes.conf" "$work/pod$1/data/nodes.conf.kept"; }
role_is() { [ "$(ask "$1" ROLE | head -n 1)" = "$2" ]; }
id_of() { ask "$1" CLUSTER MYID; }
link_is_down() { ask "$1" INFO replication | grep -q master_link_status:down; }
link_is_up() { ask "$1" INFO replication | grep -q master_link_status:up; }

# start_cluster FIRST: three masters and three replicas, pods FIRST to FIRST + 5.
start_cluster() {
  first=$1
  last=$((first + 5))
  for n in $(seq "$first" $last); do start_pod "$n" "$net.$n"; echo "$net.$n STREAM"; done >>"$peers"
  for n in $(seq "$first" $last); do eventually 60 answers "$n" || return 1; done
  for n in $(seq "$((first + 1))" $last); do ask "$first" CLUSTER MEET "$net.$n" 6379 >/dev/null; done
  for i in 0 1 2; do ask $((first + i)) CLUSTER ADDSLOTSRANGE $((i * 5461)) $((i == 2 ? 16383 : i * 5461 + 5460)) >/dev/null; done
  for n in $(seq "$first" $last); do eventually 60 state_is "$n" ok || return 1; done
  for i in 3 4 5; do
    eventually 60 replicate $((first + i)) "$(id_of $((first + i - 3)))" || return 1
    eventually 60 link_is_up $((first + i)) || return 1
  done
  eventually 120 whole $(seq "$first" $last)
}
replicate() { [ "$(ask "$1" CLUSTER REPLICATE "$2")" = OK ]; }

# write_keys FIRST COUNT: to the three masters, each its own slots; prints what was acknowledged.
write_keys() {
  for n in "$1" $(($1 + 1)) $(($1 + 2)); do
    for key in $(seq "$2"); do echo "SET key$key value$key"; done | ask "$n" | grep -c '^OK$'
  done | paste -sd+ | bc
}
keys_are() { [ "$(keys_of 1 2 3 4 5 6)" = "$1" ]; }
keys_of() { for n in "$@"; do role_is "$n" master && ask "$n" DBSIZE; done | paste -sd+ | bc; }

forget_pods() {
  for dir in "$work"/pod*; do [ -e "$dir/pid" ] && stop_pod "${dir##*pod}" KILL; done
  rm -rf "$work"/pod* "$peers" "$work/tls"
  : >"$peers"
  golden=default.yaml
  extra_env=()
  extra_conf=
}
