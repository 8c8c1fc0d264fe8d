#!/usr/bin/env bash
# The main job of the 32-bit program on this machine, by qemu-arm, and the memory it takes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
program=${CALLPOST_DIST:-$PWD/target/dist}/callpost-$version-armhf
[ -x "$program" ] || { echo "Build it first: just cross armv7" >&2; exit 1; }
qemu=$(command -v qemu-arm-static || command -v qemu-arm) || { echo "Install it first: qemu-user-static" >&2; exit 1; }
library=${CALLPOST_ARM_ROOT:-/usr/arm-linux-gnueabihf}
[ -e "$library/lib/ld-linux-armhf.so.3" ] || { echo "Install it first: libc6-armhf-cross" >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
MALLOC_ARENA_MAX=2 timeout -s KILL 300 "$qemu" -L "$library" "$program" demo --once > "$log" 2>&1 &
demo=$!
most=0
while kill -0 "$demo" 2>/dev/null; do
  # Of the emulator and the program together.
  now=$(sed -n 's/^VmHWM:\s*\([0-9]*\) kB/\1/p' "/proc/$(pgrep -P "$demo" -f demo | head -1 || echo "$demo")/status" 2>/dev/null || true)
  [ "${now:-0}" -le "$most" ] || most=$now
  sleep 1
done
wait "$demo" || { tail -20 "$log"; exit 1; }
grep '✓' "$log"
echo "memory, the emulator's included: $((most / 1024)) MB at most"
