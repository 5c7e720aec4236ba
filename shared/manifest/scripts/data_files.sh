#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a node finds on its volume, and what it does before it starts with that: Redis itself starts
# empty where the file that redis.conf asks for is missing, whatever else there is.

# Sets where the files are, from redis.conf.
find_data_files() {
  data=$(conf_value dir)
  rdb=$(conf_value dbfilename)
  rdb=$data/${rdb:-dump.rdb}
  aof_name=$(conf_value appendfilename)
  aof=$data/${aof_name:-appendonly.aof}
  aof_dir=$(conf_value appenddirname)
  aof_dir=$data/${aof_dir:-appendonlydir}
  wants_aof=$(conf_value appendonly)
  aof_note=.kubectl-redis.aof-end
}

# Servers before 7.0 have one file, later ones a folder with a list of files.
aof_files() {
  for file in "$aof" "$aof_dir"/*; do
    [ ! -f "$file" ] || echo "$file"
  done
}
has_aof() { [ -f "$aof" ] || [ -n "$(ls "$aof_dir"/*.manifest 2>/dev/null)" ]; }
has_rdb() { case $(head -c 5 "$rdb" 2>/dev/null) in REDIS | VALKE) return 0 ;; esac; return 1; }

# Whether some of the append-only file is newer than the snapshot, or there is no snapshot.
aof_is_newer() {
  has_rdb || return 0
  for file in $(aof_files); do
    [ ! "$file" -nt "$rdb" ] || return 0
  done
  return 1
}

# With an append-only file asked for and none there, the snapshot becomes its beginning: in the form
# of one file, which every version reads (and later ones turn into theirs).
begin_aof_with_snapshot() {
  if [ "$wants_aof" = yes ] && ! has_aof && has_rdb; then
    { cp "$rdb" "$aof.new" && mv "$aof.new" "$aof"; } ||
      fail "there is no append-only file, and $rdb cannot be copied into one: is the volume full?"
    say "there is no append-only file yet: it begins with $rdb"
  fi
}

# With none asked for, an append-only file that is newer than the snapshot is what this node knows:
# it is read once more, and put away when the snapshot has it all (see leave_aof).
reads_aof_once() { [ "$wants_aof" != yes ] && has_aof && aof_is_newer; }

# Does redis.conf ask for snapshots? (The last line counts; without one there are save points.)
wants_rdb() { [ "$(awk 'tolower($1) == "save" { value = $2 } END { print value }' "$conf")" != '""' ]; }

# One step towards redis.conf's way for a server that read its append-only file once more; fails
# until it is there.
leave_aof() {
  saved=$(ask "$me" INFO persistence)
  case $(echo "$saved" | field loading) in 0) ;; *) return 1 ;; esac
  if wants_rdb && aof_is_newer; then
    [ "$(echo "$saved" | field rdb_bgsave_in_progress)" != 0 ] || ask "$me" BGSAVE >/dev/null
    return 1
  fi
  [ "$(ask "$me" CONFIG SET appendonly no)" = OK ] || return 1
  rm -rf "$aof_dir.old"
  [ ! -d "$aof_dir" ] || mv "$aof_dir" "$aof_dir.old"
  [ ! -f "$aof" ] || mv "$aof" "$aof.old"
  say "the append-only file is off, as redis.conf says; what there was stays as $aof_dir.old"
}

# From Valkey 8 and Redis 8.4 on a server that starts deletes the keys of slots that nodes.conf gives
# to others. Where nodes.conf is not the one that it wrote, what it has is copied first.
deletes_what_is_anothers() {
  "$server" --version | awk '
    match($0, /v=[0-9]+\.[0-9]+/) {
      split(substr($0, RSTART + 2, RLENGTH - 2), v, ".")
      valkey = tolower($1) ~ /valkey/
      found = valkey ? v[1] >= 8 : v[1] > 8 || v[1] == 8 && v[2] >= 4
    }
    END { exit !found }'
}

set_data_aside() {
  if deletes_what_is_anothers && { has_aof || has_rdb; }; then
    aside=$data/before-$(date -u +%Y%m%dT%H%M%SZ)
    mkdir -p "$aside" || fail "$aside cannot be made: is the volume full?"
    for each in "$rdb" "$aof" "$aof_dir"; do
      [ ! -e "$each" ] || cp -pR "$each" "$aside" || fail "the data cannot be copied to $aside: is the volume full?"
    done
    say "the data as it is stays as $aside"
  fi
}

# --- how old it is --------------------------------------------------------------------------------

# "SEQUENCE SIZE" of the part of the append-only file that is written to now (servers from 7.0 on).
aof_end() {
  # shellcheck disable=SC2046 # Two words.
  set -- $(sed -n 's/^file \([^ ]*\) seq \([0-9]*\) type i.*/\2 \1/p' "$aof_dir"/*.manifest 2>/dev/null | sort -n | tail -n 1)
  [ $# -ne 2 ] || echo "$1 $(wc -c <"$aof_dir/$2" 2>/dev/null)"
}

# Notes how far the append-only file is. The note's own time says until when this volume was in use.
note_aof_end() { [ -z "$(aof_end)" ] || { aof_end >"$1.new" && mv "$1.new" "$1"; } 2>/dev/null; }

# Until when this volume has what the node was told, in seconds since 1970 and give or take `slack`.
# A volume, or a part of it, may have been put back to an earlier day; and a snapshot without an
# append-only file is of when it was taken.
known_until() {
  slack=2
  until=$(date -r "$rdb" +%s 2>/dev/null || echo 0)
  if has_aof && { [ "$wants_aof" = yes ] || aof_is_newer; }; then
    slack=30
    until=$(date -r "$data/$aof_note" +%s 2>/dev/null || date +%s)
    if { cat "$data/$aof_note" 2>/dev/null && aof_end; } |
      awk 'NR == 1 { seq = $1; size = $2 } END { exit !(NR == 2 && ($1 < seq || $1 == seq && $2 < size)) }'; then
      until=0
    fi
  fi
}

# --- a master whose data is gone, or older than its replica's --------------------------------------------

# The slots that nodes.conf gives to this node, a word for each range.
own_slots() { awk '$3 ~ /myself/ && $3 ~ /master/ { for (i = 9; i <= NF; i++) if ($i !~ /^\[/) print $i }' "$1" 2>/dev/null; }

# What a pod says of node $1, from its CLUSTER NODES and INFO on standard input: "settled" where the
# slots are another's or the node is not known, "copy OFFSET AGO" of a replica of it with keys that
# lost it AGO seconds ago (-1: since it started it never had it), "empty" of one without, "away N" where
# it knows N replicas; nothing while it does not answer.
said_of() {
  tr -d '\r' | awk -v id="$1" '
    NF >= 8 { nodes++ }
    NF >= 8 && $3 ~ /myself/ { follows = $4; answered = 1 }
    NF >= 8 && $1 == id { known = 1; keeps = $3 ~ /master/ && NF > 8 }
    NF >= 8 && $4 == id { replicas++ }
    sub(/^slave_repl_offset:/, "") { offset = $0 }
    sub(/^master_last_io_seconds_ago:/, "") && $0 >= 0 { ago = $0 }
    sub(/^master_link_down_since_seconds:/, "") { ago = $0 }
    /^db[0-9]+:keys=/ { keys = 1 }
    END {
      if (!answered || nodes == 1) exit
      if (!known || !keeps) print "settled"
      else if (follows == id) print (keys ? "copy " offset " " ago : "empty")
      else print "away " replicas + 0
    }'
}

# A master that lost its data and starts as who it was empties its replicas, and one that has less than
# they takes the rest from them. So one of them takes over first, asked by this node, whose slots they
# are. Who is silent is unknown, and waited for; where redis.conf keeps nothing on disk, as a cache, not
# for ever.
let_a_replica_win() {
  nodes=$1
  id=$(own_id <"$nodes" 2>/dev/null)
  copies=$(awk -v id="$id" '$4 == id' "$nodes" 2>/dev/null | wc -l)
  if [ -z "$(own_slots "$nodes")" ] || [ "$copies" -eq 0 ]; then
    return 0
  fi
  if ! has_aof && ! has_rdb; then
    say "the data of this master is gone: a replica is to take over first ($copies known)"
  elif a_copy_is_newer; then
    say "the data of this master is older than a replica's: that is to take over first"
  else
    return 0
  fi
  turn=0
  while ask_replicas; do
    turn=$((turn + 1))
    [ $((turn % 10)) -ne 0 ] ||
      say "waiting for the pods that have a copy; to go on with what is here: kubectl exec -n $POD_NAMESPACE $POD_NAME -- touch $data/start-empty"
    if [ -e "$data/start-empty" ]; then
      rm "$data/start-empty"
      say "starting with what is here, as $data/start-empty says"
      return 0
    fi
    if [ "$turn" -ge 60 ] && [ "$wants_aof" != yes ] && ! wants_rdb; then
      say "nobody with a copy answers, and redis.conf keeps nothing: this starts empty"
      return 0
    fi
    sleep 1
  done
}

# say_of PEER: what it says of this node, as said_of has it.
say_of() {
  ask "$1" <<'COMMANDS' | said_of "$id"
CLUSTER NODES
INFO replication
INFO keyspace
COMMANDS
}

# Whether a replica heard from this node later than what is here. One look, at all at once: who is
# silent may be starting too, and has no more than its own volume.
a_copy_is_newer() {
  known_until
  now=$(date +%s)
  [ $((now - until)) -gt $slack ] || return 1
  { for peer in $(peers); do say_of "$peer" & done; wait; } |
    awk -v age=$((now - until - slack)) '$1 == "copy" && $3 >= 0 && $3 < age { found = 1 } END { exit !found }'
}

# One look at all pods; fails when there is nothing more to wait for.
ask_replicas() {
  best='' heard=0 expected=$copies
  for peer in $(peers); do
    said=$(say_of "$peer")
    case "$said" in
      settled) say "another node has its slots: this follows"; return 1 ;;
      copy*) heard=$((heard + 1)) best="$best${said#copy } $peer
" ;;
      empty) heard=$((heard + 1)) ;;
      away*) [ "${said#away }" -ge "$expected" ] || expected=${said#away } ;;
    esac
  done
  heir=$(printf '%s' "$best" | sort -n | tail -n 1 | awk '{ print $NF }')
  # Somebody who is silent yet may have more.
  if [ -n "$heir" ] && { [ "$heard" -ge "$expected" ] || [ "$turn" -ge 5 ]; }; then
    if [ $((turn % 5)) -eq 0 ]; then
      # Voted in where there is a majority; else by the wish of its master alone.
      how=FORCE
      [ "$turn" -lt 10 ] || how=TAKEOVER
      say "$heir is asked to take over: $(ask "$heir" CLUSTER FAILOVER $how)"
    fi
    return 0
  fi
  [ -z "$heir" ] || return 0
  [ "$heard" -lt "$expected" ] || { say "no replica has more than this node: it starts empty"; return 1; }
}
