#!/bin/bash
# Runs inside the machine that `packaging/boot.sh` boots. Every line that counts begins with PROBE. The kernel's command
# line says what is to be proven: `box.probe=all`, `box.probe=clock` for the calls of an unset clock alone, or
# `box.probe=package`.
! grep -q box.probe=package /proc/cmdline || exec box-package
say() { echo "PROBE $*"; }
fail() { say "FAILED: $*"; journalctl -u callpost --no-pager -n 40; exit 1; }
show() { systemctl show callpost.service --property "$1" --value; }
active() { [ "$(systemctl is-active callpost.service)" = active ]; }
# until_ SECONDS COMMAND…
until_() { local left=$1; shift; until "$@"; do [ "$((left -= 1))" -gt 0 ] || return 1; sleep 1; done; }
# Every call as `id day set|unset`, the oldest first: whether its clock had been set is what the record itself says.
records() { callpost cdr export --json --data-dir /var/lib/callpost | python3 /usr/lib/box-call.py records; }
memory() { local kb; kb=$(sed -n "s/^$1:\s*\([0-9]*\) kB/\1/p" "/proc/$pid/status"); echo "$((kb / 1024)).$((kb % 1024 * 10 / 1024)) MB"; }
call() { python3 /usr/lib/box-call.py > /dev/null || fail "the call is not served"; }
today=2026-11-21

say "kernel $(uname -r) on $(uname -m), the clock says $(date -u +%F), up $(cut -d. -f1 /proc/uptime) s"
until_ 120 active || fail "the daemon never says READY"
pid=$(show MainPID)
say "READY: $(show StatusText)"
say "memory: $(memory VmRSS) resident, $(memory RssAnon) of it its own; user $(stat -c %U "/proc/$pid"); $(grep -E '^(CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr '\n\t' '  ')"
say "exposure: $(systemd-analyze security callpost.service --no-pager 2>/dev/null | tail -1)"

say "a call, and the clock says $(date -u +%F)"
call
first=$(records) || fail "no record of the call"
say "its record: $first"
[ "${first##* }" = unset ] || fail "the box believes a clock that nobody has set"

if grep -q box.probe=all /proc/cmdline; then
  say "the daemon is stopped in its tracks"
  kill -STOP "$pid"
  anew() { active && [ "$(show MainPID)" != "$pid" ] && [ "$(show MainPID)" != 0 ]; }
  until_ 120 anew || fail "the watchdog does not bite"
  say "the watchdog has started it anew: restarts $(show NRestarts), process $pid is now $(show MainPID)"
  pid=$(show MainPID)
  again=$(records) || fail "the record is gone"
  [ "$again" = "$first" ] || fail "another record than before: $again"
  say "its record is still there: $again"
  call
fi

date -u -s "$today 10:00:00" >/dev/null
mended() { [ -n "$(records)" ] && ! records | grep -qv " $today set$"; }
until_ 60 mended || fail "the clock was set, and the records do not know: $(records | paste -sd ';')"
say "the clock was set; the records, also of the run before, now say: $(records | paste -sd ';')"

if grep -q box.probe=all /proc/cmdline; then
  say "the main job: callpost demo --once"
  mkdir -p /run/demo && cd /run/demo || exit 1
  env MALLOC_ARENA_MAX=2 callpost demo --once > /run/demo/log 2>&1 || { tail -20 /run/demo/log; fail "the demo"; }
  grep '✓' /run/demo/log | while read -r line; do say "  $line"; done
  say "memory of the daemon at the end: $(memory VmRSS) resident, $(memory VmHWM) at most"
fi
say "all is proven"
