#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# nodes.conf: this node's identity, and the copy of it that the pod keeps.

# Where it is.
nodes_file() {
  file=$(conf_value cluster-config-file)
  case "$file" in
    /*) echo "$file" ;;
    *) echo "$(conf_value dir)/${file:-nodes.conf}" ;;
  esac
}

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
    set_aside "$1" torn "was empty or torn" "$(latest "$copy")"
  elif [ -n "$kept" ] && [ "$own" != "$kept" ] && printf '%s\n' "$lines" | knows_others; then
    set_aside "$1" foreign "is another node's, $own" "$(latest "$copy")"
  elif [ "$lines" != "$(grep -v '^$' "$1")" ]; then
    set_aside "$1" torn "was torn: its whole lines are kept" "$lines"
  fi
}

# latest COPY: the copy; or the view of a peer that knows this node by a later epoch, in another role or
# with other slots: it may have been promoted, or slots have come or gone, since the copy was made.
# Servers that delete the keys of slots that others have when they start would else delete what is this
# node's.
latest() {
  id=$(printf '%s\n' "$1" | own_id)
  for peer in $([ -z "$id" ] || peers | head -n 8); do
    view=$(ask "$peer" CLUSTER NODES)
    later=$(printf '%s\n' "$1" | awk -v id="$id" -v view="$view" '
      function state(line,  n, i, has) {
        n = split(line, word, " ")
        for (i = 9; i <= n; i++) if (word[i] !~ /^\[/) has = has " " word[i]
        return (word[3] ~ /slave/ ? word[4] : "master") has
      }
      $1 == id { mine = state($0); epoch = $7 }
      END {
        for (i = split(view, lines, "\n"); i > 0; i--) {
          split(lines[i], word, " ")
          if (word[1] == id) { print (word[7] + 0 > epoch + 0 || word[7] + 0 == epoch + 0 && state(lines[i]) != mine); exit }
        }
      }')
    case "$later" in
      1) printf '%s\n' "$view" | as_seen_by "$id" "$(printf '%s\n' "$view" | heir_of "$id" "$1")"; return ;;
      0) break ;;
    esac
  done
  [ -z "$1" ] || printf '%s\n' "$1"
}

# heir_of ID COPY: who has now, in the CLUSTER NODES of another, the slots that the copy gives to node ID or
# to the master that it follows.
heir_of() {
  awk -v id="$1" -v copy="$2" '
    function has_slot(word) {
      ends = split(word, range, "-")
      return word !~ /^\[/ && slot >= range[1] + 0 && slot <= range[ends] + 0
    }
    BEGIN {
      for (i = split(copy, line, "\n"); i > 0; i--) {
        if (split(line[i], word, " ") < 8) continue
        first[word[1]] = word[9]
        if (word[1] == id) shard = word[4] == "-" ? id : word[4]
      }
      if (first[shard] !~ /^[0-9]/) exit
      slot = first[shard] + 0
    }
    { for (w = 9; w <= NF; w++) if (has_slot($w)) { print $1; exit } }'
}

# as_seen_by ID HEIR: a nodes.conf of node ID, of the CLUSTER NODES of another. Where that knows it as a
# master whose slots HEIR has by now, it follows HEIR: Redis leaves a master that starts without slots alone.
as_seen_by() {
  awk -v id="$1" -v heir="$2" '
    $3 ~ /handshake/ { next }
    { sub(/myself,/, "", $3) }
    $1 == id {
      if (heir != "" && heir != id && $3 ~ /master/ && NF == 8) { $3 = "slave"; $4 = heir }
      $3 = "myself," ($3 ~ /slave/ ? "slave" : "master")
      $8 = "connected"
    }
    $7 + 0 > epoch { epoch = $7 + 0 }
    { line = $1; for (i = 2; i <= NF; i++) if ($i !~ /^\[/) line = line " " $i; print line }
    END { print "vars currentEpoch " epoch " lastVoteEpoch 0" }'
}

# set_aside FILE WORD WHY LINES: renames FILE and writes LINES in its place, if there are any.
set_aside() {
  aside=$1.$2-$(date -u +%Y%m%dT%H%M%SZ)
  if [ -n "$4" ]; then
    { cp -p "$1" "$aside" && printf '%s\n' "$4" >"$1.new" && mv "$1.new" "$1"; } ||
      fail "$1 $3 and cannot be mended: is the volume full?"
    say "$1 $3; this goes on as node $(printf '%s\n' "$4" | own_id), and the file stays as $aside"
    set_data_aside
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

# Copies it as soon as it changes, for as long as process $2 lives, and notes beside it how far the
# data is.
watch_nodes_file() {
  turn=0
  while kill -0 "$2" 2>/dev/null; do
    keep_nodes_file "$1"
    [ $((turn % 5)) -ne 0 ] || note_aof_end "$data/$aof_note"
    turn=$((turn + 1))
    sleep 1
  done
}
