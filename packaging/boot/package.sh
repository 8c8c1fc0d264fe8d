#!/bin/bash
# Runs inside the machine that `packaging/boot.sh` boots: the package's whole life under the real dpkg and systemd.
say() { echo "PROBE $*"; }
fail() { say "FAILED: $*"; cat /run/dpkg.log; journalctl -u callpost --no-pager -n 40; exit 1; }
show() { systemctl show callpost.service --property "$1" --value; }
active() { [ "$(systemctl is-active callpost.service)" = active ]; }
until_() { local left=$1; shift; until "$@"; do [ "$((left -= 1))" -gt 0 ] || return 1; sleep 1; done; }
# Debian was unpacked without being written down: what the package depends on is there, and dpkg does not know.
dpkg_() { dpkg --force-depends --force-confold "$@" > /run/dpkg.log 2>&1 || fail "dpkg $*"; }
rights() { stat -c '%U:%G %a' "$1"; }
export DEBIAN_FRONTEND=noninteractive

dpkg_ -i /var/deb/1.deb
until_ 60 active || fail "it is not started"
[ "$(systemctl is-enabled callpost.service)" = enabled ] || fail "it is not started at the next boot"
[ "$(rights /etc/callpost/callpost.toml)" = "root:callpost 640" ] || fail "others may read the configuration"
[ "$(rights /var/lib/callpost)" = "callpost:callpost 750" ] || fail "others may look into the data"
say "installed: $(show StatusText)"

cat /usr/lib/box-trunk.toml >> /etc/callpost/callpost.toml
systemctl restart callpost.service || fail "not started with the changed configuration"
first=$(show MainPID)
mkfifo /run/answered
python3 /usr/lib/box-call.py 10 > /run/answered & caller=$!
read -r _ < /run/answered
# The upgrade waits for the call; the daemon it starts is another one.
dpkg_ -i /var/deb/2.deb
wait "$caller" || fail "the call was cut by the upgrade"
until_ 60 active || fail "it is not started after the upgrade"
second=$(show MainPID)
[ "$second" != "$first" ] || fail "the old one still runs"
[ "$(show NRestarts)" = 0 ] || fail "it was started more than once"
grep -q 'name = "probe"' /etc/callpost/callpost.toml || fail "the configuration is written over"
talked=$(callpost cdr export --json --data-dir /var/lib/callpost | python3 /usr/lib/box-call.py talked) || fail "no record"
[ "${talked:-0}" -ge 9000 ] || fail "the call came to its end after $talked ms"
say "upgraded during a call: the call went on for $talked ms, process $first became $second, configuration and records kept"

dpkg_ -r callpost
! active || fail "the daemon goes on"
[ ! -e /usr/bin/callpost ] && [ -s /var/lib/callpost/callpost.db ] && [ -s /etc/callpost/callpost.toml ] || fail "removed too much or too little"
say "removed: the daemon was stopped, configuration and records stay"
dpkg_ -P callpost
left=$(find / -xdev -iname '*callpost*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' ! -path '/var/lib/dpkg/*' ! -path '/etc/hostname' 2>/dev/null)
[ -z "$left" ] || fail "left behind: $left"
! getent passwd callpost > /dev/null || fail "the user is still there"
say "purged: nothing is left"
say "all is proven"
