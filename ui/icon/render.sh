#!/usr/bin/env bash
# Renders the icon into the sizes that desktops and the window use. Needs `rsvg-convert` (Debian:
# librsvg2-bin); run it after a change of an SVG and commit what it writes.
set -euo pipefail
cd "$(dirname "$0")"
for size in 16 24 32 48 64 128 256 512; do
  drawing=cardume.svg
  # Five fish are a blur in so few pixels.
  if [ "$size" -lt 32 ]; then drawing=cardume-small.svg; fi
  rsvg-convert --width "$size" --height "$size" --output "cardume-$size.png" "$drawing"
done
