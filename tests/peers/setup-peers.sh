#!/usr/bin/env bash
# Installs, by package name, the programs the wire tests and the bench talk to.
#   setup-peers.sh                      all of them
#   setup-peers.sh sipp baresip sound   only these (also: linphone, kamailio, sipvicious, sipsak, openssl, dnsmasq, tcpdump,
#                                       asterisk, jssip, webhooks, disks, servers, storages, browser)
# What is there already is left alone. Needs a Debian-like system, and root or sudo where something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need PROGRAM PACKAGE: the package is installed only when the program is not on the path.
need() {
  command -v "$1" >/dev/null && return
  if [ -z "${lists_are_fresh:-}" ]; then
    as_root apt-get update -qq
    lists_are_fresh=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"
}

# Debian starts a service when it is installed; here tests start it, in a folder of their own.
without_services() {
  if [ -e /usr/sbin/policy-rc.d ]; then "$@"; return; fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod +x /usr/sbin/policy-rc.d
  "$@"
  as_root rm -f /usr/sbin/policy-rc.d
}

[ $# -gt 0 ] || set -- sipp baresip linphone kamailio sipvicious sipsak openssl dnsmasq tcpdump sound asterisk webhooks disks servers storages browser jssip
for peer in "$@"; do
  case $peer in
    # Not a peer: what `cargo build` needs beside Rust.
    build) need cc build-essential && need cmake cmake ;;
    sipp) need sipp sip-tester ;;
    baresip) need baresip baresip-core ;;
    sipsak) need sipsak sipsak ;;
    openssl) need openssl openssl ;;
    tcpdump) PATH=$PATH:/usr/sbin && need tcpdump tcpdump ;;
    dnsmasq) PATH=$PATH:/usr/sbin && need dnsmasq dnsmasq-base ;;
    linphone) need linphonec linphone-cli ;;
    # The proxy is started by the tests alone: no service of this name is wanted.
    kamailio) [ -x /usr/sbin/kamailio ] || without_services need kamailio kamailio ;;
    sipvicious) need svwar sipvicious ;;
    sound) need sox sox && need ffprobe ffmpeg ;;
    browser)
      need chromium chromium
      need node nodejs
      need npm npm
      playwright=${XDG_CACHE_HOME:-$HOME/.cache}/callpost-peers/playwright
      [ -d "$playwright/node_modules/playwright-core" ] ||
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$playwright" playwright-core
      ;;
    # A SIP stack for browsers, beside the driver of the browser.
    jssip)
      "$0" browser
      playwright=${XDG_CACHE_HOME:-$HOME/.cache}/callpost-peers/playwright
      [ -d "$playwright/node_modules/jssip" ] ||
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$playwright" jssip
      ;;
    asterisk) "$here/asterisk.sh" install ;;
    # The libraries themselves are installed by the tests, from PyPI and npm.
    webhooks)
      python3 -c 'import ensurepip' 2>/dev/null || need no-such-program python3-venv
      need node nodejs && need npm npm
      ;;
    # Loop-mounted file systems and small disks.
    disks) need mkfs.ext4 e2fsprogs && need unshare util-linux && need python3 python3 ;;
    # Where records go: started by the tests themselves, in folders of their own. Some live where only root looks.
    servers)
      PATH=$PATH:/usr/sbin
      [ -d /usr/lib/postgresql ] || need no-such-program postgresql
      need nats-server nats-server && need mosquitto mosquitto && need openssl openssl
      [ -d /usr/lib/python3/dist-packages/aiosmtpd ] || need no-such-program python3-aiosmtpd
      ;;
    # Where copies of recordings go: S3 as moto plays it, Azure as azurite does, WebDAV by Apache.
    storages)
      python3 -c 'import ensurepip' 2>/dev/null || need no-such-program python3-venv
      need node nodejs && need npm npm
      [ -x /usr/sbin/apache2 ] || without_services need apache2-bin apache2-bin
      storages=${XDG_CACHE_HOME:-$HOME/.cache}/callpost-peers/storages
      [ -x "$storages/venv/bin/moto_server" ] || {
        python3 -m venv "$storages/venv"
        "$storages/venv/bin/pip" install -q 'moto[server]'
      }
      [ -x "$storages/node_modules/.bin/azurite-blob" ] ||
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$storages" azurite
      ;;
    *) echo "setup-peers.sh: there is no peer named $peer" >&2; exit 2 ;;
  esac
done
