#!/usr/bin/env bash
# The program on an ARM machine of its own: Debian 12 for arm64 in memory, booted by qemu with the hardened unit and the
# clock of a board without a battery. Inside it the main job is shown, the watchdog bites, the clock is set, and what was
# seen is printed. Wants root, debootstrap, qemu-system-arm and cpio; and target/dist of `packaging/cross.sh aarch64`.
#   packaging/boot.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=${CALLPOST_BOOT:-$PWD/target/boot}
dist=${CALLPOST_DIST:-$PWD/target/dist}
patience=${CALLPOST_BOOT_SECONDS:-900}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
program=$dist/callpost-$version-arm64
say() { printf '── %s\n' "$*"; }
give_up() { printf '%s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || give_up "A Debian root can be made by root alone."
[ -x "$program" ] || give_up "Build it first: just cross aarch64"
missing=()
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v qemu-system-aarch64 >/dev/null || missing+=(qemu-system-arm)
command -v cpio >/dev/null || missing+=(cpio)
if [ ${#missing[@]} != 0 ]; then
  say "from Debian: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

base=$work/debian
packages=systemd-sysv,udev,iproute2,ca-certificates,python3-minimal,libpython3-stdlib,linux-image-cloud-arm64
if [ ! -e "$base/.complete" ]; then
  say "Debian 12 for arm64"
  rm -rf "$base"
  mkdir -p "$base"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 -E '/debian/?$' || echo http://deb.debian.org/debian)
  # The first stage runs nothing of the other processor; unpacking the rest is all that the second would be needed for.
  debootstrap --foreign --arch=arm64 --variant=minbase --include="$packages" bookworm "$base" "$mirror" > "$work/debootstrap.log"
  for package in "$base"/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$base" --keep-directory-symlink
  done
  # In some containers debootstrap leaves a link here.
  [ ! -L "$base/proc" ] || { rm "$base/proc"; mkdir "$base/proc"; }
  cp "$base"/usr/share/base-passwd/passwd.master "$base"/etc/passwd
  cp "$base"/usr/share/base-passwd/group.master "$base"/etc/group
  mv "$base"/boot/vmlinuz-* "$work/vmlinuz"
  ln -sf usr/bin/python3.11 "$base/usr/bin/python3" 2>/dev/null || true
  # What a telephone never looks at is left out of the machine's memory.
  rm -rf "$base"/var/cache/apt "$base"/debootstrap "$base"/boot "$base"/usr/share/{doc,man,locale,info,zoneinfo} "$base"/lib/modules
  touch "$base/.complete"
fi

say "the box on top of it"
root=$work/root
rm -rf "$root"
cp -al "$base" "$root"
install -D -m 755 "$program" "$root/usr/bin/callpost"
mkdir -p "$root/etc/callpost" "$root/usr/lib/systemd/system/callpost.service.d"
cp -r config/. "$root/etc/callpost/"
for pair in callpost.service:systemd/system/callpost.service callpost.socket:systemd/system/callpost.socket \
  callpost.service.d/20-debian.conf:systemd/system/callpost.service.d/20-debian.conf \
  callpost.preset:systemd/system-preset/80-callpost.preset callpost.sysusers:sysusers.d/callpost.conf \
  callpost.tmpfiles:tmpfiles.d/callpost.conf; do
  install -D -m 644 "systemd/${pair%%:*}" "$root/usr/lib/${pair#*:}"
done
# What a first boot of Debian would do is done here, where it takes no time.
echo callpost-box > "$root/etc/hostname"
rm -f "$root/etc/machine-id"
echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id"
systemd-sysusers --root="$root"
touch "$root/etc/.updated" "$root/var/.updated"
# Without this systemd starts no earlier than the day it was built, as a real board does; the worst case is wanted here.
touch -d 2001-01-01 "$root/usr/lib/clock-epoch"
# Calls of this machine are taken as calls of the PBX beside the box: a caller inside it shows what is left of a call.
cat >> "$root/etc/callpost/callpost.toml" <<'TOML'

[[trunk]]
name = "probe"
host = "127.0.0.20"
transport = "udp"
allow = ["127.0.0.20/32"]
TOML
chmod 640 "$root/etc/callpost/callpost.toml"
install -m 755 packaging/boot/probe.sh "$root/usr/bin/box-probe"
install -m 644 packaging/boot/call.py "$root/usr/lib/box-call.py"
install -m 644 packaging/boot/probe.service "$root/usr/lib/systemd/system/box-probe.service"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf /usr/lib/systemd/system/box-probe.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /usr/lib/systemd/system/callpost.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# Neither devices to look for, nor terminals to log in on, nor anybody else who sets the clock.
for unit in serial-getty@.service getty@.service getty.target systemd-timesyncd.service systemd-networkd.service \
  systemd-networkd.socket systemd-network-generator.service systemd-resolved.service systemd-udevd.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service systemd-hwdb-update.service \
  ldconfig.service systemd-journal-catalog-update.service systemd-random-seed.service systemd-update-utmp.service \
  systemd-modules-load.service modprobe@.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount systemd-remount-fs.service systemd-journal-flush.service e2scrub_reap.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf usr/lib/systemd/systemd "$root/init"
(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --null --create --format=newc --quiet) > "$work/root.cpio"

say "booting (at most $patience s)"
log=$work/console.log
begun=$SECONDS
timeout -s KILL "$patience" qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1536 -nographic -nic none -no-reboot \
  -rtc base=2001-01-01 -kernel "$work/vmlinuz" -initrd "$work/root.cpio" \
  -append "console=ttyAMA0 rdinit=/init quiet systemd.show_status=true systemd.log_target=console" \
  < /dev/null > "$log" 2>&1 || true
tr -d '\r' < "$log" | sed -n 's/^.*PROBE /   /p'
say "$((SECONDS - begun)) s, all that was said: $log"
grep -q 'PROBE all is proven' "$log" || give_up "The ARM machine has not proven everything."
