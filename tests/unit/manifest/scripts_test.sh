#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The pod scripts, with the pods of scripts_pods.sh: identity, peers, hand-over, probes.
#
#   scripts_test.sh [CASE...]     BUSYBOX=/bin/busybox runs the scripts with its shell and tools
. "$(dirname "$0")/scripts_cases.sh"

# All pods gone at once, all addresses changed; each also gets one that another had before.
restart_cold() {
  for n in 1 2 3 4 5 6; do stop_pod $n "$1"; done
  : >"$peers"
  for n in 1 2 3 4 5 6; do
    start_pod $n "$net.$((n % 6 + 1 + $2))"
    echo "$net.$((n % 6 + 1 + $2)) STREAM" >>"$peers"
  done
}

case_cold_restart_with_new_addresses() {
  check "a cluster" start_cluster 1
  written=$(write_keys 1 300)
  check "all keys were written" equal "$written" 300
  ids=$(for n in 1 2 3 4 5 6; do id_of $n; done)
  sleep 1.5 # The log reaches the disk once a second.
  restart_cold KILL 50
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 300
  check "every node is who it was" equal "$(for n in 1 2 3 4 5 6; do id_of $n; done)" "$ids"
}

case_cold_restart_with_swapped_addresses() {
  check "a cluster" start_cluster 1
  write_keys 1 60 >/dev/null
  restart_cold TERM 0
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
}

case_cold_restart_with_tls_and_a_password() {
  golden=secure.yaml
  make_certificates
  extra_env=(REDISCLI_AUTH='p"a\s s$w' TLS_DIR="$work/tls")
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "no password on a command line" no grep -qaF 'p"a\s s$w' "/proc/$(cat "$work/pod1/pid")/cmdline"
  check "a client without the password is refused" refused_without_password
  restart_cold TERM 50
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
  check "ready" in_pod 1 ready.sh
  check "a hand-over works" in_pod 1 stop.sh
  check "to the replica" eventually 5 role_is 1 slave
}

refused_without_password() {
  redis-cli -h "$(address_of 1)" --tls --cacert "$work/tls/ca.crt" PING 2>&1 | grep -q NOAUTH
}

make_certificates() {
  mkdir -p "$work/tls"
  (
    cd "$work/tls" || exit
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test-ca -keyout ca.key -out ca.crt
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout tls.key -out tls.csr
    openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out tls.crt
  ) 2>/dev/null
}

# Pods of another cluster have taken over addresses that this one's nodes remember, and the name
# that lists the peers leads to them too.
case_a_foreign_cluster_is_left_alone() {
  check "a cluster" start_cluster 1
  check "another" start_cluster 11
  for n in 1 2 3 4 5 6; do stop_pod $n; done
  for n in 11 12 13 14 15 16; do stop_pod $n; done
  : >"$peers"
  for n in 1 2 3 4 5 6; do
    start_pod $((n + 10)) "$net.$n"
    start_pod $n "$net.$((n + 20))"
    printf '%s STREAM\n' "$net.$n" "$net.$((n + 20))" >>"$peers"
  done
  check "the first is whole again" eventually 120 whole 1 2 3 4 5 6
  check "the other is whole again" eventually 120 whole 11 12 13 14 15 16
  [ -z "${KREDIS_DEBUG:-}" ] || for n in 1 2 3 4 5 6 11; do ask $n CLUSTER NODES; ask $n CLUSTER INFO | head -8; tail -n 20 "$work/pod$n/log"; done
  for n in 1 16; do check "pod $n knows six nodes" equal "$(ask $n CLUSTER NODES | wc -l)" 6; done
}

case_nodes_conf_that_is_whole_is_kept() {
  check "a cluster" start_cluster 1
  id=$(id_of 1)
  stop_pod 1
  start_pod 1 "$net.1"
  check "it answers" eventually 60 answers 1
  check "as who it was" equal "$(id_of 1)" "$id"
  check "and nothing was set aside" no set_aside
}

# torn_pod TEXT: starts pod 1 with this nodes.conf.
torn_pod() {
  mkdir -p "$work/pod1/data"
  printf "$1" >"$work/pod1/data/nodes.conf"
  start_pod 1 "$net.1"
  eventually 60 answers 1
}
set_aside() { compgen -G "$work/pod1/data/nodes.conf.torn-*" >/dev/null; }
aside() { cat "$work"/pod1/data/nodes.conf.torn-*; }

k_id=aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd
k_peer=1111111111222222222233333333334444444444

case_a_torn_nodes_conf_keeps_the_identity() {
  own="$k_id $net.1:6379@16379 myself,master - 0 0 1 connected 0-5460"
  check "starts" torn_pod "$own\n$k_peer $net.9:6379@16379 mas"
  check "as who it was" equal "$(id_of 1)" $k_id
  check "with its slots" eventually 5 grep_slots
  check "the torn file is kept" equal "$(aside | tail -c 3)" mas
}
grep_slots() { ask 1 CLUSTER NODES | grep -q 'myself.* 0-5460$'; }

case_an_identity_that_is_torn_itself_is_not_believed() {
  check "starts" torn_pod "$k_peer $net.9:6379@16379 master - 0 0 2 connected\n$k_id $net.1:6379@16379 myself,master - 0 0 1 connected 0-54"
  check "as a new node" no equal "$(id_of 1)" $k_id
  check "the torn file is kept" equal "$(aside | tail -c 4)" 0-54
}

case_replicas_are_in_the_shards_of_their_masters() {
  eval "$(sed -n '/^agree_on_shards()/,/^}/p' "$source/shared/manifest/scripts/nodes_file.sh")"
  other=2222222222333333333344444444445555555555
  file=$work/nodes.conf
  lines() {
    echo "$k_id 10.0.0.1:6379@16379,a.b,tls-port=0,shard-id=$1 myself,slave $k_peer 0 0 1 connected"
    echo "$k_peer 10.0.0.2:6379@16379,,tls-port=0,shard-id=$k_peer master - 0 0 1 connected 0-5460"
    echo "$other 10.0.0.3:6379@16379,,tls-port=0,shard-id=$other master - 0 0 2 connected 5461-16383"
    echo "vars currentEpoch 2 lastVoteEpoch 0"
  }
  lines $k_id >"$file"
  check "a replica of another shard changes, and nothing else" equal "$(agree_on_shards "$file")" "$(lines $k_peer)"
  lines $k_peer >"$file"
  check "what agrees stays" equal "$(agree_on_shards "$file")" "$(cat "$file")"
  printf '%s\n' "$k_id 10.0.0.1:6379@16379 myself,slave $k_peer 0 0 1 connected" "$k_peer :0@0 master - 0 0 1 connected" >"$file"
  check "so does a file without shards" equal "$(agree_on_shards "$file")" "$(cat "$file")"
}

case_an_empty_or_zeroed_nodes_conf_starts_a_new_node() {
  check "starts with an empty one" torn_pod ''
  check "it is set aside" set_aside
  forget_pods
  check "starts with zeroes" torn_pod '\0\0\0\0\0\0\0\0\0\0\0\0'
  check "they are set aside" equal "$(aside | wc -c)" 12
}

# lose_identity NUMBER TEXT: pod NUMBER comes back at another address to find TEXT in nodes.conf.
lose_identity() {
  stop_pod "$1" KILL
  printf "$2" >"$work/pod$1/data/nodes.conf"
  sed -i "s/^$net.$1 /$net.$(($1 + 30)) /" "$peers"
  start_pod "$1" "$net.$(($1 + 30))"
  eventually 60 answers "$1"
}

case_an_identity_that_is_lost_comes_back_from_the_copy() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  ids=$(for n in 1 2 5; do id_of $n; done)
  for n in 1 2 5; do check "pod $n has a copy" eventually 20 kept $n; done
  check "an empty file, of a master" lose_identity 1 ''
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "its copy is up to date" eventually 20 kept 2
  check "a torn one, of a master" lose_identity 2 "$(id_of 2 | cut -c 1-20)"
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "its copy is up to date" eventually 20 kept 5
  check "zeroes, of a replica" lose_identity 5 '\0\0\0\0'
  check "it is whole again" eventually 120 whole 1 2 3 4 5 6
  check "each is who it was" equal "$(for n in 1 2 5; do id_of $n; done)" "$ids"
  check "every key is there" eventually 20 keys_are 60
  check "what was found is kept" set_aside
}

# Its slots went to its replica meanwhile, and then to another that was a replica before.
case_an_identity_that_is_lost_after_a_promotion_follows_the_heir() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  for turn in "2 5" "5 2"; do
    set -- $turn
    check "pod $1 has a copy" eventually 20 kept "$1"
    stop_pod "$1" KILL
    check "pod $2 is promoted" eventually 60 role_is "$2" master
    check "pod $1 finds an empty file" lose_identity "$1" ''
    check "it follows" eventually 20 role_is "$1" slave
    check "and is in step" eventually 60 link_is_up "$1"
    check "all are whole again" eventually 120 whole 1 2 3 4 5 6
    check "no slot is open" no grep -q '\[' "$work/pod$1/data/nodes.conf"
    check "every key is there" eventually 20 keys_are 60
  done
}

case_only_a_whole_nodes_conf_is_copied() {
  eval "$(sed -n '/^own_id()/p; /^whole_lines()/,/^}/p; /^keep_nodes_file()/,/^}/p' "$source/shared/manifest/scripts/nodes_file.sh")"
  file=$work/nodes.conf
  whole_file="$k_id 127.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-5460"
  echo "$whole_file" >"$file"
  check "a whole one is" keep_nodes_file "$file"
  for spoilt in '' '\0\0\0' "$k_peer 127.0.0.2:6379@16379 master - 0 0 1 connected\n" "$whole_file\n$k_peer 127."; do
    printf "$spoilt" >"$file"
    check "not '$spoilt'" no keep_nodes_file "$file"
    check "and the copy stays" equal "$(cat "$file.kept")" "$whole_file"
  done
}

# Its copy has to say that it is a master now, though the pod that was is away.
case_a_replica_that_was_promoted_keeps_its_slots() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "pod 5 has a copy" eventually 20 kept 5
  stop_pod 2 KILL
  check "pod 5 is promoted" eventually 60 role_is 5 master
  check "and its copy says so, with pod 2 away" eventually 20 copy_of_a_master 5
  check "it finds an empty file" lose_identity 5 ''
  check "it is a master still" eventually 20 role_is 5 master
  start_pod 2 "$net.32"
  sed -i "s/^$net.2 /$net.32 /" "$peers"
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
}
copy_of_a_master() { kept "$1" && grep -q 'myself,master.* 5461-10921$' "$work/pod$1/data/nodes.conf.kept"; }

case_a_foreign_nodes_conf_joins_nobody() {
  check "a cluster" start_cluster 1
  check "another" start_cluster 11
  id=$(id_of 1)
  check "pod 1 has a copy" eventually 20 kept 1
  check "it finds what pod 11 knows" lose_identity 1 "$(cat "$work/pod11/data/nodes.conf")\n"
  check "it is who it was" equal "$(id_of 1)" "$id"
  check "its cluster is whole again" eventually 120 whole 1 2 3 4 5 6
  check "the other is whole" eventually 120 whole 11 12 13 14 15 16
  for n in 1 16; do check "pod $n knows six nodes" equal "$(ask $n CLUSTER NODES | wc -l)" 6; done
}

case_a_node_that_was_reset_is_not_taken_for_a_foreign_one() {
  start_pod 1 "$net.1"
  check "it has a copy" eventually 20 kept 1
  stop_pod 1
  check "starts alone with another id" torn_pod "$k_id $net.1:6379@16379 myself,master - 0 0 1 connected\n"
  check "and keeps that" equal "$(id_of 1)" $k_id
}

case_a_second_pod_waits_for_the_volume() {
  start_pod 1 "$net.1"
  eventually 60 answers 1
  id=$(id_of 1)
  mkdir -p "$work/pod2"
  ln -s "$work/pod1/data" "$work/pod2/data"
  start_pod 2 "$net.2"
  check "it says so" eventually 10 grep -q 'waiting for the pod before' "$work/pod2/log"
  sleep 1
  check "it does not run beside the first" no answers 2
  check "which is not disturbed" answers 1
  stop_pod 1 KILL
  check "then it runs" eventually 60 answers 2
  check "as the same node" equal "$(id_of 2)" "$id"
}

# Writes for as long as $work/writing is there, following redirections; one line an answer.
write_on() {
  key=0
  while [ -e "$work/writing" ]; do
    key=$((key + 1))
    echo "$key $(timeout 5 redis-cli -c -h "$net.2" SET "load$key" "$key" 2>&1 | tail -n 1)"
  done
}

answered() { [ "$(wc -l <"$work/answers")" -ge "$1" ]; }

case_a_master_hands_over_while_clients_write() {
  # Names do not resolve here, so clients are sent to addresses.
  extra_env=(CLIENT_ENDPOINT=ip)
  check "a cluster" start_cluster 1
  touch "$work/writing"
  write_on >"$work/answers" &
  writer=$!
  check "there is a load" eventually 60 answered 50
  check "the hook returns" in_pod 1 stop.sh
  check "its replica has taken over" role_is 4 master
  check "and it is a replica" role_is 1 slave
  stop_pod 1
  check "the load goes on" eventually 60 answered $(($(wc -l <"$work/answers") + 50))
  rm "$work/writing"
  wait $writer
  check "no write failed" equal "$(grep -cv ' OK$' "$work/answers")" 0
  check "every key is there" equal "$(keys_of 2 3 4)" "$(wc -l <"$work/answers")"
}

case_clients_are_sent_on_before_the_server_goes() {
  extra_env=(CLIENT_ENDPOINT=ip LINGER_SECONDS=4)
  check "a cluster" start_cluster 1
  in_pod 1 stop.sh &
  hook=$!
  check "it hands over" eventually 20 role_is 4 master
  check "a client is sent on" eventually 2 sent_on
  check "while the hook keeps the server" kill -0 $hook
  wait $hook
}
# Slot 5061 was the first pod's.
sent_on() { ask 1 GET bar | grep -q "^MOVED .* $net.4:6379"; }

case_the_hook_returns_when_there_is_nothing_to_hand_over() {
  extra_env=(HAND_OVER_SECONDS=30)
  check "a cluster" start_cluster 1
  SECONDS=0
  check "on a replica" in_pod 5 stop.sh
  check "it stays one" role_is 5 slave
  stop_pod 5
  eventually 60 replica_is_gone
  check "on a master without a replica" in_pod 2 stop.sh
  stop_pod 3 KILL
  check "beside a dead server" in_pod 3 stop.sh
  check "all soon" test $SECONDS -lt 25
}
replica_is_gone() { ask 2 CLUSTER NODES | grep -q 'slave,fail '; }

case_the_hook_gives_up_when_its_heir_ends_too() {
  # Without a majority nobody is elected, so the heir says OK and does not take over.
  extra_env=(HAND_OVER_SECONDS=30)
  check "a cluster" start_cluster 1
  for n in 2 3 5 6; do stop_pod $n KILL; done
  in_pod 1 stop.sh &
  hook=$!
  sleep 1
  stop_pod 4 KILL
  SECONDS=0
  check "the hook returns" wait $hook
  check "as soon as the heir has gone" test $SECONDS -lt 4
}

case_the_hook_gives_up_in_time() {
  extra_env=(HAND_OVER_SECONDS=3)
  check "a cluster" start_cluster 1
  kill -STOP "$(cat "$work/pod4/pid")"
  SECONDS=0
  check "with a replica that hangs" in_pod 1 stop.sh
  check "it returned in time" test $SECONDS -lt 20
  kill -CONT "$(cat "$work/pod4/pid")"
}

case_probes_say_what_a_node_can_serve() {
  start_pod 1 "$net.1"
  check "started" eventually 60 in_pod 1 alive.sh loaded
  check "ready before there is a cluster" in_pod 1 ready.sh
  forget_pods
  check "a cluster" start_cluster 1
  check "a master is ready" in_pod 1 ready.sh
  check "a replica is ready" in_pod 5 ready.sh
  for n in 2 3 5 6; do stop_pod $n KILL; done
  eventually 60 state_is 1 fail
  check "not ready without a majority" no in_pod 1 ready.sh
  check "but alive" in_pod 1 alive.sh
  stop_pod 1 KILL
  eventually 60 no link_is_up 4
  check "a replica without its master is not ready" no in_pod 4 ready.sh
  check "a dead process is not alive" no in_pod 1 alive.sh
}

case_a_node_that_is_loading_is_alive_and_not_ready() {
  start_pod 1 "$net.1"
  eventually 60 answers 1
  ask 1 CLUSTER ADDSLOTSRANGE 0 16383 >/dev/null
  eventually 60 state_is 1 ok
  ask 1 DEBUG POPULATE 20000 >/dev/null
  ask 1 CONFIG SET appendonly no >/dev/null
  ask 1 SAVE >/dev/null
  stop_pod 1 KILL
  rm -rf "$work/pod1/data/appendonlydir"
  make_pod 1 "$net.1"
  printf 'appendonly no\nkey-load-delay 1000\nloading-process-events-interval-bytes 1024\n' >>"$work/pod1/etc/redis.conf"
  launch 1
  check "it is loading" eventually 60 is_loading
  check "alive" in_pod 1 alive.sh
  check "not started" no in_pod 1 alive.sh loaded
  check "not ready" no in_pod 1 ready.sh
}
is_loading() { ask 1 PING | grep -q LOADING; }

case_the_node_announces_its_address_and_its_name() {
  start_pod 1 "$net.1"
  eventually 60 answers 1
  check "address" equal "$(ask 1 CONFIG GET cluster-announce-ip | tail -n 1)" "$net.1"
  check "name" equal "$(ask 1 CONFIG GET cluster-announce-hostname | tail -n 1)" pod1.redis-service.shop.svc.cluster.local
  check "clients get the name" equal "$(ask 1 CONFIG GET cluster-preferred-endpoint-type | tail -n 1)" hostname
  forget_pods
  extra_env=(ANNOUNCE=service ANNOUNCE_HOST="$net.99" CLIENT_ENDPOINT=ip)
  start_pod 1 "$net.1"
  eventually 60 answers 1
  check "its Service's address" equal "$(ask 1 CONFIG GET cluster-announce-ip | tail -n 1)" "$net.99"
  check "no name" equal "$(ask 1 CONFIG GET cluster-announce-hostname | tail -n 1)" ''
}

case_the_loop_ends_with_its_server() {
  start_pod 1 "$net.1"
  eventually 60 answers 1
  loops=$(pgrep -f "$work/pod1/etc/start.sh")
  check "there is a loop" test -n "$loops"
  check "no child of the server is a zombie" no grep -qs '^State:.Z' $(for p in $(pgrep -P "$(cat "$work/pod1/pid")"); do echo "/proc/$p/status"; done)
  stop_pod 1
  check "it ends" eventually 12 no pgrep -f "$work/pod1/etc/start.sh"
}

# what_start_says ENVIRONMENT...: its last words, where it must not come up.
what_start_says() {
  make_pod 1 "$net.1"
  extra_env=("$@")
  in_pod 1 start.sh 2>&1 | tail -n 1
}

case_what_is_wrong_is_said_clearly() {
  mkdir -p "$work/bin"
  for tool in sh awk sed cat timeout redis-server getent; do
    ln -sf "$(PATH=$path command -v $tool)" "$work/bin/$tool"
  done
  check "no redis-cli" said 'neither redis-cli nor valkey-cli' PATH="$work/bin"
  ln -sf "$(PATH=$path command -v redis-cli)" "$work/bin/redis-cli"
  check "no tools" said 'lacks cmp flock shuf; take one' PATH="$work/bin"
  check "an empty password" said 'password in the Secret is empty' REDISCLI_AUTH=
  check "a password with a line break" said 'has a line break' REDISCLI_AUTH='one
two'
  rm -rf "$work/bin"
}
said() { what_start_says "${@:2}" | grep -q "$1"; }

run_cases "$@"
