#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Liveness: the process answers. What it answers (that it is loading, busy with a script, or that
# the cluster is down) is no reason to kill it.
#
# `alive.sh loaded` is the start-up probe: it waits until the data set has been read.
. "${0%/*}/lib.sh"

ask_seconds=4
answer=$(ask "$me" PING)
case "$answer" in
  '')
    say "no answer to PING within $ask_seconds s"
    exit 1
    ;;
  LOADING*)
    [ "${1:-}" != loaded ] || { say "$answer"; exit 1; }
    ;;
esac
exit 0
