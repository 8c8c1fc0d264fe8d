#!/usr/bin/env bash
# A real Asterisk 22 as the PBX beside the box: Debian sid's package in a folder of its own, run by chroot.
#   asterisk.sh install             once, about two minutes; does nothing when it is there
#   asterisk.sh run NAME CONFIG     in the foreground; CONFIG holds pjsip.conf, extensions.conf, modules.conf …
#   asterisk.sh ask NAME COMMAND    asks the one that runs under this name, such as: ask pbx 'pjsip show contacts'
#   asterisk.sh clear NAME          removes what a run left behind
# Several can run at once under different names; each has its own configuration, database, socket and logs.
# The folder is $CALLPOST_PEERS, or callpost-peers/sid in the user's cache. Needs root.
#
# On loopback rtp needs bind_rtp_to_media_address=yes and direct_media=no, or audio leaves from 127.0.0.1.
set -euo pipefail
root=${CALLPOST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/callpost-peers/sid}
command=${1:?install, run, ask or clear}
shift

install() {
  [ -x "$root/usr/sbin/asterisk" ] && return
  command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 -E '/debian/?$')
  debootstrap --variant=minbase --include=ca-certificates sid "$root" "$mirror"
  cp /etc/resolv.conf "$root/etc/"
  cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  cp -n /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" || true
  # No service may start while the packages are being set up.
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  chroot "$root" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    asterisk asterisk-modules asterisk-core-sounds-en-wav
}

# One run's own folder, as seen from inside: etc, database, socket, logs.
home() {
  local name=${1:?NAME}
  case $name in *[!a-zA-Z0-9._-]*) echo "asterisk.sh: a name is letters, digits, dots and dashes" >&2; exit 2 ;; esac
  echo "/srv/callpost-peers/$name"
}

run() {
  local config home
  home=$(home "$1")
  config=$(readlink -f "${2:?CONFIG}")
  rm -rf "${root:?}$home"
  mkdir -p "$root$home"/{run,lib,log,spool}
  cp -r "$config" "$root$home/etc"
  cat > "$root$home/etc/asterisk.conf" <<CONF
[directories]
astetcdir => $home/etc
astvarlibdir => $home/lib
astdbdir => $home/lib
astrundir => $home/run
astlogdir => $home/log
astspooldir => $home/spool
astmoddir => /usr/lib/$(uname -m)-linux-gnu/asterisk/modules
astkeydir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astsbindir => /usr/sbin
[options]
documentation_language = en_US
CONF
  ulimit -n 16384 || true
  exec chroot "$root" /usr/sbin/asterisk -f -C "$home/etc/asterisk.conf"
}

case $command in
  install) install ;;
  run) run "$@" ;;
  ask) exec chroot "$root" /usr/sbin/asterisk -C "$(home "$1")/etc/asterisk.conf" -rx "${2:?COMMAND}" ;;
  clear) rm -rf "${root:?}$(home "$1")" ;;
  *) echo "asterisk.sh: install, run, ask or clear" >&2; exit 2 ;;
esac
