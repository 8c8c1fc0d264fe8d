#!/usr/bin/env bash
# The Debian package from a program that `packaging/cross.sh` has built.
#   packaging/deb.sh aarch64|armv7|amd64
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  aarch64) target=aarch64-unknown-linux-gnu debian=arm64 ;;
  armv7) target=armv7-unknown-linux-gnueabihf debian=armhf ;;
  amd64) target=x86_64-unknown-linux-gnu debian=amd64 ;;
  *) echo "packaging/deb.sh aarch64|armv7|amd64" >&2; exit 2 ;;
esac
command -v cargo-deb >/dev/null || { echo "Install it first: cargo install cargo-deb --locked" >&2; exit 1; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
dist=${CALLPOST_DIST:-$PWD/target/dist}
program=$dist/callpost-$version-$debian
output=${CALLPOST_DEB_OUTPUT:-$dist/callpost_${version}_$debian.deb}
[ -x "$program" ] || { echo "Build it first: packaging/cross.sh $1" >&2; exit 1; }
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# cargo-deb looks for the program where cargo would have put it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install -D -m 755 "$program" "$work/$target/release/callpost"
CARGO_TARGET_DIR=$work cargo-deb --no-build --no-strip --locked --target "$target" \
  --output "$output" \
  ${CALLPOST_DEB_REVISION:+--deb-revision "$CALLPOST_DEB_REVISION"} ${CALLPOST_DEB_FAST:+--fast}
(cd "$(dirname "$output")" && sha256sum "$(basename "$output")")
