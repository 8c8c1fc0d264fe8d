#!/usr/bin/env bash
# The program on an ARM machine of its own: Debian 12 for arm64 in memory, booted by qemu with the hardened unit and the
# clock of a board without a battery. Inside it the main job is shown, the watchdog bites, the clock is set, and what was
# seen is printed. Where cargo-deb is installed, the package lives its whole life there too, under the real systemd.
# Wants root, debootstrap, qemu-system-arm and cpio; and target/dist of `packaging/cross.sh aarch64`.
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

debian=$work/debian
packages=systemd-sysv,udev,iproute2,ca-certificates,python3-minimal,libpython3-stdlib,linux-image-cloud-arm64
if [ ! -e "$debian/.complete" ]; then
  say "Debian 12 for arm64"
  rm -rf "$debian"
  mkdir -p "$debian"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 -E '/debian/?$' || echo http://deb.debian.org/debian)
  # The first stage runs nothing of the other processor; unpacking the rest is all that the second would be needed for.
  debootstrap --foreign --arch=arm64 --variant=minbase --include="$packages" bookworm "$debian" "$mirror" > "$work/debootstrap.log"
  for package in "$debian"/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$debian" --keep-directory-symlink
  done
  # In some containers debootstrap leaves a link here.
  [ ! -L "$debian/proc" ] || { rm "$debian/proc"; mkdir "$debian/proc"; }
  cp "$debian"/usr/share/base-passwd/passwd.master "$debian"/etc/passwd
  cp "$debian"/usr/share/base-passwd/group.master "$debian"/etc/group
  mv "$debian"/boot/vmlinuz-* "$work/vmlinuz"
  # What a telephone never looks at is left out of the machine's memory.
  rm -rf "$debian"/var/cache/apt "$debian"/debootstrap "$debian"/boot "$debian"/usr/share/{doc,man,locale,info,zoneinfo} "$debian"/lib/modules
  touch "$debian/.complete"
fi

# What the machine's memory holds at its start is a pile of archives: a later one adds to the ones before.
pack() { (cd "$work/$1" && find . -print0 | LC_ALL=C sort -z | cpio --null --create --format=newc --quiet) > "$work/$1.cpio"; }

say "a machine without the box"
machine=$work/machine
rm -rf "$machine"
cp -al "$debian" "$machine"
# What a first boot of Debian would do is done here, where it takes no time.
echo callpost-box > "$machine/etc/hostname"
rm -f "$machine/etc/machine-id"
echo 0123456789abcdef0123456789abcdef > "$machine/etc/machine-id"
systemd-sysusers --root="$machine" 2> /dev/null
touch "$machine/etc/.updated" "$machine/var/.updated"
install -m 755 packaging/boot/probe.sh "$machine/usr/bin/box-probe"
install -m 755 packaging/boot/package.sh "$machine/usr/bin/box-package"
install -m 644 packaging/boot/call.py "$machine/usr/lib/box-call.py"
install -m 644 packaging/boot/trunk.toml "$machine/usr/lib/box-trunk.toml"
install -m 644 packaging/boot/probe.service "$machine/usr/lib/systemd/system/box-probe.service"
mkdir -p "$machine/etc/systemd/system/multi-user.target.wants"
ln -sf /usr/lib/systemd/system/box-probe.service "$machine/etc/systemd/system/multi-user.target.wants/"
ln -sf /usr/lib/systemd/system/multi-user.target "$machine/etc/systemd/system/default.target"
# Neither devices to look for, nor terminals to log in on, nor anybody else who sets the clock.
for unit in serial-getty@.service getty@.service getty.target systemd-timesyncd.service systemd-networkd.service \
  systemd-networkd.socket systemd-network-generator.service systemd-resolved.service systemd-udevd.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service systemd-hwdb-update.service \
  ldconfig.service systemd-journal-catalog-update.service systemd-random-seed.service systemd-update-utmp.service \
  systemd-modules-load.service modprobe@.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount systemd-remount-fs.service systemd-journal-flush.service e2scrub_reap.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer; do
  ln -sf /dev/null "$machine/etc/systemd/system/$unit"
done
ln -sf usr/lib/systemd/systemd "$machine/init"
pack machine

say "the box on top of it"
box=$work/box
rm -rf "$box"
packaging/install.sh "$box" "$program"
cat packaging/boot/trunk.toml >> "$box/etc/callpost/callpost.toml"
cp "$machine"/etc/{passwd,group} "$box/etc/"
systemd-sysusers --root="$box" 2> /dev/null
chmod 640 "$box/etc/callpost/callpost.toml"
chgrp -R "$(sed -n 's/^callpost:[^:]*:\([0-9]*\):.*/\1/p' "$box/etc/group")" "$box/etc/callpost"
mkdir -p "$box/etc/systemd/system/multi-user.target.wants"
ln -sf /usr/lib/systemd/system/callpost.service "$box/etc/systemd/system/multi-user.target.wants/"
pack box

# systemd lifts the clock to the day it was built, or to the date of this file: with it the clock stays in 2001.
rm -rf "$work/epoch"
mkdir -p "$work/epoch/usr/lib"
touch -d 2001-01-01 "$work/epoch/usr/lib/clock-epoch"
pack epoch

# boot WHAT ARCHIVE…: what is to be proven, and what the machine's memory holds beside Debian
boot() {
  local what=$1 log=$work/console-$1.log begun=$SECONDS
  shift
  (cd "$work" && cat machine.cpio "$@") > "$work/initrd"
  timeout -s KILL "$patience" qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1536 -nographic -nic none -no-reboot \
    -rtc base=2001-01-01 -kernel "$work/vmlinuz" -initrd "$work/initrd" \
    -append "console=ttyAMA0 rdinit=/init quiet systemd.show_status=true systemd.log_target=console box.probe=$what" \
    < /dev/null > "$log" 2>&1 || true
  rm -f "$work/initrd"
  tr -d '\r' < "$log" | sed -n 's/^.*PROBE /   /p'
  say "$((SECONDS - begun)) s, all that was said: $log"
  grep -q 'PROBE all is proven' "$log" || give_up "The ARM machine has not proven everything."
}
say "a board whose clock says 2001 (at most $patience s)"
boot all box.cpio epoch.cpio
say "the same board as Debian lets it start: on the day systemd was built"
boot clock box.cpio
if ! command -v cargo-deb >/dev/null; then
  say "skipped: the life of the package. For that: cargo install cargo-deb --locked"
  exit
fi
say "the life of the package"
rm -rf "$work/package"
mkdir -p "$work/package/var/deb"
for revision in 1 2; do
  CALLPOST_DEB_REVISION=$revision CALLPOST_DEB_OUTPUT="$work/package/var/deb/$revision.deb" packaging/deb.sh aarch64 > /dev/null
done
pack package
boot package package.cpio
