#!/usr/bin/env bash
# A package's whole life under the real dpkg, in a copy of this machine's root that is thrown away: installed, started,
# upgraded, removed, purged. Wants root. A package for armhf is installed on another machine as well; its program is run by
# qemu-arm there (qemu-user-static and libc6-armhf-cross).
#   packaging/deb-cycle.sh FIRST.deb SECOND.deb
set -euo pipefail
[ $# = 2 ] || { echo "packaging/deb-cycle.sh FIRST.deb SECOND.deb" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "dpkg wants root" >&2; exit 1; }
# Mounts, network and processes of its own: all of it is gone with the last process.
if [ -z "${INSIDE:-}" ]; then
  INSIDE=yes exec unshare --mount --propagation private --net --pid --fork --kill-child "$0" "$(realpath "$1")" "$(realpath "$2")"
fi

fail() { echo "FAILED: $*" >&2; cat /tmp/callpost-deb/daemon.log 2>/dev/null >&2 || true; exit 1; }
said() { printf '✓ %s\n' "$*"; }

work=/tmp/callpost-deb
mkdir -p "$work" && mount -t tmpfs none "$work"
mkdir "$work"/{changed,scratch,root,deb}
cp "$1" "$work/deb/first.deb"
cp "$2" "$work/deb/second.deb"
mount -t overlay -o lowerdir=/,upperdir="$work/changed",workdir="$work/scratch" none "$work/root"
root=$work/root
mount -t proc none "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
mkdir "$root/tmp/deb"
mount --bind "$work/deb" "$root/tmp/deb"
ip link set lo up

# A service manager that writes down what it is asked, where a machine that has been booted has one.
mkdir -p "$root/run/systemd/system"
cat > "$root/usr/local/sbin/systemctl" <<'STAND_IN'
#!/bin/sh
echo "$*" >> /run/asked
case "$*" in *is-active*) [ -e /run/active ] ;; "start callpost.service") : > /run/active ;; esac
STAND_IN
chmod +x "$root/usr/local/sbin/systemctl"
in_root() { PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
asked() { cat "$root/run/asked"; : > "$root/run/asked"; }
own=$(dpkg --print-architecture) its=$(dpkg-deb -f "$1" Architecture)
emulator=() foreign=()
if [ "$its" != "$own" ]; then
  [ "$its" = armhf ] || fail "a package for $its: packaging/boot.sh has a machine for it"
  emulator=(/usr/bin/qemu-arm-static -L /usr/arm-linux-gnueabihf) foreign=(--force-architecture)
fi
# Only what dpkg itself looks at: this machine's other packages are no part of the proof.
dpkg_() { in_root dpkg --force-depends --force-confold "${foreign[@]}" --no-triggers "$@" > "$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg $*"; }; }

daemon() {
  # The last word is the daemon itself, so that signals reach it.
  exec 3> "$work/daemon.log"
  chroot "$root" /usr/bin/setpriv --reuid callpost --regid callpost --clear-groups \
    sh -c 'cd /var/lib/callpost && exec "$@" /usr/bin/callpost run --config /etc/callpost/callpost.toml --data-dir /var/lib/callpost' \
    sh "${emulator[@]}" >&3 2>&3 &
  pid=$!
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || fail "the daemon ends at its start"
    if curl -sf http://127.0.0.1:8080/health > /dev/null; then return; fi
    sleep 0.2
  done
  fail "the daemon is not healthy"
}
stop() { kill -TERM "$pid"; wait "$pid" || fail "the daemon does not end well"; }

dpkg_ -i /tmp/deb/first.deb
[ "$(in_root stat -c '%U:%G %a' /etc/callpost/callpost.toml)" = "root:callpost 640" ] || fail "others may read the configuration"
[ "$(in_root stat -c '%U:%G %a' /etc/callpost)" = "root:callpost 770" ] || fail "others may look into /etc/callpost"
[ "$(in_root stat -c '%U:%G %a' /var/lib/callpost)" = "callpost:callpost 750" ] || fail "others may look into the data"
asked | grep -qx 'start callpost.service' || fail "it is not started"
said "installed ($its): a user of its own, a configuration that only it may read, and the daemon is started"

daemon
in_root test -s /var/lib/callpost/callpost.db || fail "no journal"
stop
said "started as that user: healthy, and stopped cleanly"

echo '# a technician was here' >> "$root/etc/callpost/callpost.toml"
echo 'a recording' > "$root/var/lib/callpost/kept.wav"
before=$(in_root sha256sum /var/lib/callpost/callpost.db)
dpkg_ -i /tmp/deb/second.deb
grep -q 'a technician was here' "$root/etc/callpost/callpost.toml" || fail "the configuration is written over"
[ "$(in_root sha256sum /var/lib/callpost/callpost.db)" = "$before" ] || fail "the journal is touched"
words=$(asked)
grep -qx 'restart callpost.service' <<< "$words" || fail "the new one is not started: $words"
! grep -q '^stop' <<< "$words" || fail "the old one is stopped before the new one is there: $words"
[ "$(in_root stat -c '%G %a' /etc/callpost/callpost.toml)" = "callpost 640" ] || fail "the rights are lost"
daemon
stop
said "upgraded: configuration and data are kept, and the daemon is asked to restart once the new one is there, so calls drain"

dpkg_ -r callpost
asked | grep -q '^stop .*callpost.service' || fail "the daemon is not stopped"
in_root test ! -e /usr/bin/callpost || fail "the program is still there"
in_root test -s /var/lib/callpost/callpost.db -a -s /etc/callpost/callpost.toml || fail "the data is gone"
said "removed: the daemon was stopped before, configuration and data stay"

dpkg_ -P callpost
left=$(cd "$work/changed" && find . -iname '*callpost*' ! -type c ! -path './var/log/*' ! -path './var/lib/dpkg/*' | sort)
[ -z "$left" ] || fail "left behind: $left"
! in_root getent passwd callpost > /dev/null || fail "the user is still there"
said "purged: nothing is left"
