#!/bin/sh
# Cardume beside other programs that bring a file from here to there, on this machine:
#
#   cargo build --release --no-default-features && benches/side_by_side/run.sh
#
# Prints tables: one large file, many small files, links of 200 Mbit/s (needs root), a source that is no help,
# memory for a huge file, heartbeats under load. Everything happens on loopback or in network namespaces of its
# own, in one temporary folder, and is cleaned up however it ends. Programs that are not installed are said to be
# missing.
#
# Leave five minutes between removing many files from the volume (an earlier run does) and small files: ext4 passes by
# inodes that were freed in that time, which takes whoever makes files several times as long.
#
#   QUICK=1        a smoke test of a minute: small, one round
#   SIZE=2147483648 FILES=10000 FILE_SIZE=10000 ROUNDS=5 LINK_SIZE=268435456 RATE=200mbit HUGE=53687091200
#   ONLY=large     one or several of: large,small,links,slow,memory,heartbeats
#   TOOLS="Cardume, one;nginx-tls + curl"    only programs whose names begin so
#   FOLDER=/mnt/x  where everything lies (default: the system's temporary folder)
#   CARDUME=target/release/cardume
#   SECONDS_OF_LOAD=60   of the measure of heartbeats
exec "${PYTHON:-python3}" "$(dirname "$0")/main.py" "$@"
