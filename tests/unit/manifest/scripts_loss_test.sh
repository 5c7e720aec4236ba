#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The pod scripts where data, a volume or a place is lost.
#
#   scripts_loss_test.sh [CASE...]     BUSYBOX=/bin/busybox runs the scripts with its shell and tools
. "$(dirname "$0")/scripts_cases.sh"

# move_pod NUMBER: starts it at another address, as Kubernetes does.
move_pod() {
  sed -i "s/^$net.$1 /$net.$(($1 + 30)) /" "$peers"
  start_pod "$1" "$net.$(($1 + 30))"
}

case_a_master_whose_data_is_gone_follows_its_replica() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  stop_pod 1 KILL
  rm -rf "$work"/pod1/data/appendonlydir "$work"/pod1/data/dump.rdb
  move_pod 1
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "its replica is the master" role_is 4 master
  check "every key is there" eventually 20 keys_are 60
}

case_a_cache_that_restarts_follows_its_replica() {
  extra_conf='appendonly no\nsave ""\n'
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  stop_pod 2 KILL
  start_pod 2 "$net.2"
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
  for n in 1 2 3 4 5 6; do stop_pod $n KILL; done
  for n in 1 2 3 4 5 6; do start_pod $n "$net.$n"; done
  check "gone at once, they start empty" eventually 120 whole 1 2 3 4 5 6
  check "as there is nothing" eventually 20 keys_are 0
}

case_the_silence_of_a_replica_is_waited_for() {
  extra_conf='appendonly no\nsave ""\n'
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  kill -STOP "$(cat "$work/pod4/pid")"
  stop_pod 1 KILL
  move_pod 1
  check "it says so" eventually 60 grep -q 'waiting for the pods that have a copy' "$work/pod1/log"
  check "it has not started" no answers 1
  kill -CONT "$(cat "$work/pod4/pid")"
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
}

case_a_copy_that_does_not_come_back_can_be_given_up() {
  check "a cluster" start_cluster 1
  stop_pod 4 KILL
  stop_pod 1 KILL
  rm -rf "$work"/pod1/data/appendonlydir
  move_pod 1
  check "it waits and says how" eventually 60 grep -q 'touch .*/data/start-empty' "$work/pod1/log"
  check "it has not started" no answers 1
  sh -c "$(sed -n 's/.*-- \(touch .*\)/\1/p' "$work/pod1/log" | tail -n 1)"
  check "it starts" eventually 60 answers 1
}

case_a_pod_that_lost_its_volume_gets_its_place_again() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  old=$(id_of 1)
  for n in 1 4; do # A master first; then its replica, the only copy until the first is in step.
    stop_pod $n KILL
    rm -rf "$work/pod$n/data"
    move_pod $n
    check "pod $n answers" eventually 60 answers $n
    check "it is not ready while it has no place" no ready $n
    check "then it is" eventually 60 ready $n
    check "as a replica" role_is $n slave
    check "in step" link_is_up $n
  done
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
  check "who it was is forgotten" no knows 2 "$old"
}
knows() { ask "$1" CLUSTER NODES | grep -q "^$2"; }

# restart_all CONF: each pod ends with its grace, and starts with another redis.conf.
restart_all() {
  extra_conf=$1
  for n in 1 2 3 4 5 6; do stop_pod $n; done
  for n in 1 2 3 4 5 6; do start_pod $n "$net.$n"; done
  eventually 120 whole 1 2 3 4 5 6
}

case_the_way_of_persistence_changes_and_no_key_is_lost() {
  extra_conf='appendonly no\nsave 3600 1\n'
  check "a cluster with snapshots" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "with an append-only file" restart_all 'appendonly yes\nsave ""\n'
  check "every key is there" eventually 20 keys_are 60
  write_keys 1 90 >/dev/null # Some masters are others by now.
  keys=$(keys_of 1 2 3 4 5 6)
  check "there are more" test "$keys" -gt 60
  check "with snapshots again" restart_all 'appendonly no\nsave 3600 1\n'
  check "every key is there" eventually 20 keys_are "$keys"
  for n in 1 2 3 4 5 6; do check "pod $n does as its file says" eventually 60 aof_is_off $n; done
  check "and once more" restart_all 'appendonly no\nsave 3600 1\n'
  check "every key is there" eventually 20 keys_are "$keys"
}
aof_is_off() { [ "$(ask "$1" CONFIG GET appendonly | tail -n 1)" = no ] && [ ! -e "$work/pod$1/data/appendonlydir" ]; }

case_a_timeout_that_was_left_behind_is_put_back() {
  extra_env=(TIMEOUT_SECONDS=2)
  start_pod 1 "$net.1"
  check "it answers" eventually 60 answers 1
  ask 1 CONFIG SET cluster-node-timeout 207 >/dev/null
  check "what redis.conf says" eventually 30 timeout_is 1 2000
}
timeout_is() { [ "$(ask "$1" CONFIG GET cluster-node-timeout | tail -n 1)" = "$2" ]; }

case_a_busy_master_is_a_master_still() {
  extra_env=(HAND_OVER_SECONDS=20)
  check "a cluster" start_cluster 1
  kill -STOP "$(cat "$work/pod1/pid")"
  in_pod 1 stop.sh >"$work/hook" &
  hook=$!
  sleep 3.5
  kill -CONT "$(cat "$work/pod1/pid")"
  wait $hook
  check "its replica has taken over" role_is 4 master
  ask 2 CONFIG SET busy-reply-threshold 500 >/dev/null
  ask 2 EVAL 'while true do end' 0 >/dev/null &
  script=$!
  eventually 20 is_busy 2
  in_pod 2 stop.sh >"$work/hook"
  check "so has that of one that stays busy" role_is 5 master
  ask 2 SCRIPT KILL >/dev/null
  wait $script
}

is_busy() { ask "$1" PING | grep -q ^BUSY; }

case_a_copy_is_made_at_once_whoever_is_silent() {
  check "a cluster" start_cluster 1
  for n in 2 3; do kill -STOP "$(cat "$work/pod$n/pid")"; done
  check "the loop finds nobody to talk to" eventually 20 state_is 4 fail
  ask 4 CLUSTER FAILOVER TAKEOVER >/dev/null
  check "pod 4 is promoted" eventually 5 role_is 4 master
  check "its copy says so" eventually 3 promoted_copy 4
  for n in 2 3; do kill -CONT "$(cat "$work/pod$n/pid")"; done
}
promoted_copy() { grep -q 'myself,master' "$work/pod$1/data/nodes.conf.kept"; }

case_servers_that_delete_are_known() {
  eval "$(sed -n '/^deletes_what_is_anothers()/,/^}/p' "$source/shared/manifest/scripts/data_files.sh")"
  server=some_server
  for version in "Redis server v=8.4.0 sha=0" "Redis server v=9.0.1" "Valkey server v=8.0.2" "Valkey server v=9.1.2"; do
    some_server() { echo "$version"; }
    check "$version does" deletes_what_is_anothers
  done
  for version in "Redis server v=7.0.15 sha=0" "Redis server v=8.0.6" "Valkey server v=7.2.9" "nonsense"; do
    some_server() { echo "$version"; }
    check "$version does not" no deletes_what_is_anothers
  done
}

case_a_copy_of_before_a_promotion_is_not_believed() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "pod 5 has a copy" eventually 20 kept 5
  cp "$work/pod5/data/nodes.conf.kept" "$work/before"
  stop_pod 2 KILL
  check "pod 5 is promoted" eventually 60 role_is 5 master
  stop_pod 5 KILL
  : >"$work/pod5/data/nodes.conf"
  cp "$work/before" "$work/pod5/data/nodes.conf.kept"
  move_pod 5
  move_pod 2
  check "it is a master still" eventually 20 role_is 5 master
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60
}

# put_back NUMBER: kills pod NUMBER, puts what put_by kept in the place of what it has, and starts it.
put_by() { rm -rf "$work/by"; cp -a "$work/pod$1/data" "$work/by"; }
put_back() {
  stop_pod "$1" KILL
  for each in "${@:2}"; do rm -rf "$work/pod$1/data/$each"; cp -a "$work/by/$each" "$work/pod$1/data"; done
  move_pod "$1"
}
noted() { [ "$(cat "$work/pod$1/data/.kubectl-redis.aof-end")" != "$(cat "$work/by/.kubectl-redis.aof-end")" ]; }

case_older_data_beside_a_newer_identity_is_not_believed() {
  check "a cluster" start_cluster 1
  check "some keys were written" equal "$(write_keys 1 30)" 30
  check "pod 1 notes how far it is" eventually 20 test -e "$work/pod1/data/.kubectl-redis.aof-end"
  put_by 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "pod 1 notes that" eventually 20 noted 1
  put_back 1 appendonlydir
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "its replica is the master" role_is 4 master
  check "every key is there" eventually 20 keys_are 60
}

case_a_volume_of_an_earlier_day_is_not_believed() {
  check "a cluster" start_cluster 1
  check "some keys were written" equal "$(write_keys 1 30)" 30
  check "pod 1 notes how far it is" eventually 20 test -e "$work/pod1/data/.kubectl-redis.aof-end"
  put_by 1
  touch -d yesterday "$work/by/.kubectl-redis.aof-end"
  check "all keys were written" equal "$(write_keys 1 60)" 60
  put_back 1 appendonlydir nodes.conf nodes.conf.kept .kubectl-redis.aof-end
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "its replica is the master" role_is 4 master
  check "every key is there" eventually 20 keys_are 60
}

case_a_snapshot_that_is_older_than_a_replica_is_not_believed() {
  extra_conf='appendonly no\nsave 3600 100000\n'
  check "a cluster with snapshots" start_cluster 1
  check "some keys were written" equal "$(write_keys 1 30)" 30
  check "a snapshot" equal "$(ask 1 SAVE)" OK
  touch -d '1 minute ago' "$work/pod1/data/dump.rdb"
  check "all keys were written" equal "$(write_keys 1 60)" 60
  stop_pod 1 KILL
  start_pod 1 "$net.1"
  check "all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "its replica is the master" role_is 4 master
  check "every key is there" eventually 20 keys_are 60
}

# Servers that delete the keys of slots that nodes.conf gives to others do so when they start.
case_a_copy_of_before_slots_came_costs_no_keys() {
  check "a cluster" start_cluster 1
  check "all keys were written" equal "$(write_keys 1 60)" 60
  check "pod 1 has a copy" eventually 20 kept 1
  cp "$work/pod1/data/nodes.conf.kept" "$work/before"
  check "slots move" redis-cli --cluster reshard "$(address_of 1):6379" --cluster-from "$(id_of 2)" \
    --cluster-to "$(id_of 1)" --cluster-slots 4000 --cluster-yes >"$work/reshard"
  check "every key is there" equal "$(keys_of 1 2 3)" 60
  mine=$(ask 1 DBSIZE)
  check "some came" test "$mine" -gt 30

  stop_pod 1 KILL
  : >"$work/pod1/data/nodes.conf"
  cp "$work/before" "$work/pod1/data/nodes.conf.kept"
  move_pod 1
  check "where peers answer, all are whole again" eventually 120 whole 1 2 3 4 5 6
  check "every key is there" eventually 20 keys_are 60

  for n in 1 2 3 4 5 6; do stop_pod $n KILL; done
  n=1
  role_is_master_in_file 1 || n=4
  : >"$work/pod$n/data/nodes.conf"
  cp "$work/before" "$work/pod$n/data/nodes.conf.kept"
  start_pod $n "$(address_of $n)"
  check "where nobody does, pod $n starts" eventually 60 answers $n
  check "with each key, here or set aside" equal "$(keys_here_or_aside $n)" "$mine"
}
role_is_master_in_file() { grep -q 'myself,master' "$work/pod$1/data/nodes.conf"; }
# Reads what was set aside, where something was, with a server of its own that keeps it all.
keys_here_or_aside() {
  aside=$(find "$work/pod$1/data" -maxdepth 1 -name 'before-*' | sort | tail -n 1)
  [ -n "$aside" ] || { ask "$1" DBSIZE; return; }
  redis-server --bind "$net.99" --dir "$aside" --appendonly yes --save '' >"$work/aside.log" &
  reader=$!
  eventually 20 grep -q 'Ready to accept' "$work/aside.log"
  redis-cli -h "$net.99" DBSIZE
  signal KILL $reader
}

run_cases "$@"
