#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The loop beside Redis that keeps a node with its cluster.
#
# Redis remembers its peers by address, and pods get new ones. One pod at a time, the others tell
# it where everybody is. When all pods are gone at once nobody knows anything any more, and the
# cluster stays down. So this asks the headless Service for the pods' addresses.

# What this node knows, without INFO's carriage returns.
what_is_known() {
  ask "$me" <<'COMMANDS' | tr -d '\r'
CLUSTER NODES
INFO replication
CONFIG GET cluster-node-timeout
COMMANDS
}

# From that on standard input: the ids of nodes that this one cannot talk to, the addresses where
# somebody was found, and the id of its master where replication still looks for it at an address
# that the master has left. (Redis does when it hears of the new one by gossip.)
lost_ids() {
  awk 'NF >= 8 && $3 !~ /myself|handshake/ && ($8 != "connected" || $3 ~ /fail|noaddr/) { print $1 }'
}
# The ids of nodes at addresses that no pod has now. Redis itself needs its node time-out to find that out:
# until then a line that nobody answers counts as connected.
moved_ids() {
  awk -v pods="$(pod_addresses | tr '\n' ' ')" '
    BEGIN { count = split(pods, list, " "); for (i in list) there[list[i]] }
    count > 0 && NF >= 8 && $3 !~ /myself|handshake|noaddr/ { sub(/:[0-9]+@.*/, "", $2); if (!($2 in there)) print $1 }'
}
# Whether that tells anything: where pods announce their own addresses, and this one is back only now.
may_have_moved() {
  [ "${ANNOUNCE:-pod}" = pod ] && [ -z "${EXTERNAL_FILE:-}" ] && [ $(($(date +%s) - began)) -lt 60 ]
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
  peers | awk -v settled="$1" '
    BEGIN { split(settled, list, " "); for (i in list) seen[list[i]] }
    !($1 in seen)' | head -n 8
}

# Meets the peers that are lost. Nobody else: a stranger at an address that one of ours had before
# belongs to another cluster, and to meet it would join the two.
meet_again() {
  ask_each "$(some_peers "$(echo "$2" | settled_addresses | tr '\n' ' ')")" CLUSTER MYID | while read -r peer id; do
    case "$1" in
      *"${id:-nobody}"*)
        say "node $id is at $peer now"
        ask "$me" CLUSTER MEET "$peer" 6379 >/dev/null
        ;;
    esac
  done
}

# --- a place for a node that lost it --------------------------------------------------------------

# Whether this node never had slots, nor an epoch, nor a master: a pod whose volume is new.
has_no_place() { awk 'NF >= 8 && $3 ~ /myself/ && $3 ~ /master/ { new = NF == 8 && $7 == 0 } END { exit !new }'; }

# lost_place ID HOST: from a peer's CLUSTER NODES, "MASTER GHOST" where a node is lost and all slots
# have masters that are there: whom node ID may replicate, and which node it was, as that is called
# HOST too ("-" where nobody is). A replica goes back to its master, others to who has fewest replicas.
lost_place() {
  awk -v id="$1" -v host="$2" '
    NF >= 8 && $3 !~ /handshake/ && $1 != id {
      split($2, at, ",")
      away = $3 ~ /fail|noaddr/
      own = at[2] == host && host != ""
      if (own) { ghost = $1; follows = $4 }
      else if (away) lost++
      if ($3 ~ /master/ && NF > 8) { if (away || own) broken = 1; else master[$1] }
      if ($3 ~ /slave/ && !away) copies[$4]++
    }
    END {
      if (broken || (ghost == "" && !lost)) exit
      if (!(follows in master)) {
        for (id in master) if (best == "" || copies[id] + 0 < copies[best] + 0) best = id
        follows = best
      }
      if (follows != "") print follows, (ghost == "" ? "-" : ghost)
    }'
}

# Gives this node, which the others do not know or know without a part, the place of the one that they
# lost. Who has keys is left alone: init says what to do with them.
take_place() {
  [ "$(ask "$me" DBSIZE)" = 0 ] || return 0
  id=$(ask "$me" CLUSTER MYID)
  for peer in $(peers | head -n 3); do
    # shellcheck disable=SC2046 # Two words.
    set -- $(ask "$peer" CLUSTER NODES | lost_place "$id" "$host")
    [ $# -eq 2 ] || continue
    say "taking the place of a node that is lost, as a replica of $1"
    ask "$me" CLUSTER MEET "$peer" 6379 >/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ "$(ask "$me" CLUSTER REPLICATE "$1")" != OK ] || break
      sleep 0.5
    done
    [ "$2" = - ] || forget_everywhere "$2"
    return 0
  done
}

# Who still knew it would tell the others again.
forget_everywhere() {
  for peer in $me $(peers); do ask "$peer" CLUSTER FORGET "$1" >/dev/null; done
}

# --- what others left behind ----------------------------------------------------------------------

# Init shortens the node time-out for as long as it runs. Where it was killed, this puts back what
# redis.conf says: with a short one a pause of a second is a failover.
restore_timeout() {
  wanted=$(conf_value cluster-node-timeout)
  is=$(awk 'before == "cluster-node-timeout" { print; exit } { before = $0 }')
  if [ -z "$wanted" ] || [ -z "$is" ] || [ "$is" = "$wanted" ]; then
    odd_since=
    return
  fi
  odd_since=${odd_since:-$(date +%s)}
  [ $(($(date +%s) - odd_since)) -ge "${TIMEOUT_SECONDS:-30}" ] || return
  say "cluster-node-timeout was left at $is ms: back to $wanted"
  ask "$me" CONFIG SET cluster-node-timeout "$wanted" >/dev/null
}

# --------------------------------------------------------------------------------------------------

# Looks once; fails while there is something to mend, or Redis is not up yet.
mend() {
  known=$(what_is_known)
  case "$known" in *myself*) ;; *) return 1 ;; esac
  lost=$(echo "$known" | lost_ids)
  ! may_have_moved || lost=$lost$(echo "$known" | moved_ids)
  master=$(echo "$known" | moved_master)
  [ -z "$lost" ] || meet_again "$lost" "$known"
  if [ -n "$master" ]; then
    say "replicating from where $master is now: $(ask "$me" CLUSTER REPLICATE "$master")"
  fi
  ! echo "$known" | has_no_place || take_place
  restore_timeout <<KNOWN
$known
KNOWN
  if [ -n "$aof_once" ]; then
    leave_aof || return 1
    aof_once=
  fi
  [ -z "$lost$master" ]
}

# Runs for as long as Redis does, which has this shell's process id: a child that ends would be
# Redis's to bury, and Redis does not expect one.
keep_together() {
  quick=60 odd_since='' began=$(date +%s)
  while kill -0 $$ 2>/dev/null; do
    pause=5
    if mend; then
      quick=60
    elif [ "$quick" -gt 0 ]; then
      quick=$((quick - 1))
      pause=1
    fi
    sleep $pause
  done
}
