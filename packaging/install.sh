#!/usr/bin/env bash
# Puts the program, its configuration and its units into the root of a system that is being made.
#   packaging/install.sh ROOT PROGRAM
set -euo pipefail
[ $# = 2 ] || { echo "packaging/install.sh ROOT PROGRAM" >&2; exit 2; }
root=$(realpath -m "$1") program=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
install -D -m 755 "$program" "$root/usr/bin/callpost"
mkdir -p "$root/etc/callpost"
cp -r config/callpost.toml config/flows "$root/etc/callpost/"
install -D -m 644 -t "$root/etc/callpost/prompts" config/prompts/hold-music.ogg
for language in en ar; do
  install -D -m 644 -t "$root/etc/callpost/prompts/$language" config/prompts/$language/*
done
for pair in callpost.service:systemd/system/callpost.service callpost.socket:systemd/system/callpost.socket \
  callpost.service.d/20-debian.conf:systemd/system/callpost.service.d/20-debian.conf \
  callpost.preset:systemd/system-preset/80-callpost.preset callpost.sysusers:sysusers.d/callpost.conf \
  callpost.tmpfiles:tmpfiles.d/callpost.conf; do
  install -D -m 644 "systemd/${pair%%:*}" "$root/usr/lib/${pair#*:}"
done
