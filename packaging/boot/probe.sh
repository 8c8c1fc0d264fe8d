#!/bin/bash
# Runs inside the machine that `packaging/boot.sh` boots. Every line that counts begins with PROBE.
say() { echo "PROBE $*"; }
fail() { say "FAILED: $*"; journalctl -u callpost --no-pager -n 40; exit 1; }
show() { systemctl show callpost.service --property "$1" --value; }
active() { [ "$(systemctl is-active callpost.service)" = active ]; }
# until SECONDS COMMAND…
until_() { local left=$1; shift; until "$@"; do [ "$((left -= 1))" -gt 0 ] || return 1; sleep 1; done; }

say "kernel $(uname -r) on $(uname -m), the clock says $(date -u +%F), up $(cut -d. -f1 /proc/uptime) s"
until_ 120 active || fail "the daemon never says READY"
pid=$(show MainPID)
say "READY: $(show StatusText)"
say "memory: $(sed -n 's/^VmRSS:\s*//p' "/proc/$pid/status") resident; user $(stat -c %U "/proc/$pid"); $(grep -E '^(CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr '\n\t' '  ')"
say "exposure: $(systemd-analyze security callpost.service --no-pager 2>/dev/null | tail -1)"

say "a call in the year $(date -u +%Y)"
python3 /usr/lib/box-call.py || fail "the call is not served"
record() { python3 /usr/lib/box-call.py records; }
first=$(record) || fail "no record of the call"
say "its record: $first"

say "the daemon is stopped in its tracks"
kill -STOP "$pid"
anew() { active && [ "$(show MainPID)" != "$pid" ] && [ "$(show MainPID)" != 0 ]; }
until_ 120 anew || fail "the watchdog does not bite"
say "the watchdog has started it anew: restarts $(show NRestarts), process $pid is now $(show MainPID)"
again=$(record) || fail "the record is gone"
[ "${again%% *}" = "${first%% *}" ] || fail "another record than before: $again"
say "its record is still there: $again"

python3 /usr/lib/box-call.py || fail "no call after the restart"
date -u -s '2026-11-21 10:00:00' >/dev/null
mended() { record | grep -q ' 2026-11-21'; }
until_ 60 mended || fail "the clock was set, and the record does not know: $(record)"
say "the clock was set; the last record now says: $(record)"

say "the main job: callpost demo --once"
mkdir -p /run/demo && cd /run/demo
env MALLOC_ARENA_MAX=2 callpost demo --once > /run/demo/log 2>&1 || { tail -20 /run/demo/log; fail "the demo"; }
grep '✓' /run/demo/log | while read -r line; do say "  $line"; done
say "all is proven"
