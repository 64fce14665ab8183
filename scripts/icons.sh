#!/usr/bin/env bash
# Draws every icon from its one SVG, after a change of it: needs rsvg-convert, convert (ImageMagick)
# and png2icns. What it makes is committed, so that no build needs them.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../icons"

for size in 16 32 48 128 256 512; do
  rsvg-convert --width "$size" --height "$size" --output "$size.png" icon.svg
done
for state in idle running locked over; do
  rsvg-convert --width 44 --height 44 --output "tray-$state.png" "tray-$state.svg"
done
convert 16.png 32.png 48.png 256.png icon.ico
png2icns icon.icns 16.png 32.png 48.png 128.png 256.png 512.png >/dev/null
