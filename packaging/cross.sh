#!/usr/bin/env bash
# The program for an ARM box (or for this machine), from a fresh Debian 12 or any machine with rustup.
#   packaging/cross.sh aarch64|armv7|amd64 [fast]
#
# Leaves in target/dist: the program, what is in it (CycloneDX) and the checksums of both. `fast` is for tests: hardly
# optimised, in minutes. The same commit gives the same bytes: paths of this machine are mapped away, and the commit's
# date stands for the day. The last line names the same program with the names of its functions, for `packaging/weigh.py`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { echo "packaging/cross.sh aarch64|armv7|amd64 [fast]" >&2; exit 2; }
case "${1:-}" in
  aarch64) target=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu debian=arm64 ;;
  armv7) target=armv7-unknown-linux-gnueabihf gnu=arm-linux-gnueabihf debian=armhf ;;
  amd64) target=x86_64-unknown-linux-gnu gnu=x86_64-linux-gnu debian=amd64 ;;
  *) usage ;;
esac
case "${2:-}" in
  "") ;;
  fast)
    # Like the release, but for what takes long: tests look at what it does, not at how fast.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 ;;
  *) usage ;;
esac

say() { printf '── %s\n' "$*"; }
give_up() { printf '%s\n' "$*" >&2; exit 1; }

# Installs Debian packages where that can be done, and else says which they are.
want() {
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo -n)
  if command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null; then
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    give_up "Install these first: $*"
  fi
}

# The C parts (SQLite, Opus, cryptography) need a C compiler for the target.
missing=()
[ "$target" = x86_64-unknown-linux-gnu ] && command -v gcc >/dev/null || command -v "$gnu-gcc" >/dev/null ||
  missing+=("gcc-$gnu" "libc6-dev-$debian-cross")
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v cmake >/dev/null || missing+=(cmake)
command -v make >/dev/null || missing+=(make)
command -v python3 >/dev/null || missing+=(python3-minimal)
[ ${#missing[@]} = 0 ] || { say "from Debian: ${missing[*]}"; want "${missing[@]}"; }

# The standard library for the target: of the Rust that is here, of rustup, else of Debian.
cargo=(cargo)
has_std() { [ -d "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/$target/lib" ]; }
if command -v rustc >/dev/null && has_std rustc; then
  :
elif command -v rustup >/dev/null && rustup target add "$target"; then
  :
elif [ -x /usr/bin/rustc ] && has_std /usr/bin/rustc && [ -x /usr/bin/cargo ]; then
  cargo=(env RUSTC=/usr/bin/rustc /usr/bin/cargo)
else
  give_up "No Rust standard library for $target. Either is enough:
  rustup target add $target                                   (https://rustup.rs)
  dpkg --add-architecture $debian && apt-get update && apt-get install rustc-web cargo-web libstd-rust-web-dev:$debian"
fi

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# One folder for each toolchain: they do not share what they compiled.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
home=${CARGO_HOME:-$HOME/.cargo}

# Panics name the file they happened in; it is no business of a box where that lay on this machine.
separator=$'\x1f'
remap=("$PWD=/callpost" "$home=/cargo" "$CARGO_TARGET_DIR=/target")
flags=() c_flags=()
for pair in "${remap[@]}"; do
  flags+=("--remap-path-prefix=$pair")
  c_flags+=("-ffile-prefix-map=$pair")
done
CARGO_ENCODED_RUSTFLAGS=$(IFS=$separator; echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
under=${target//-/_}
# Opus chooses its routines for NEON when the compiler says so; every armv7 board that this is for has it.
[ "$target" != armv7-unknown-linux-gnueabihf ] || c_flags+=(-mfpu=neon)
export "CFLAGS_$under=${c_flags[*]}"
# Names are taken out below, so that what was built can still be weighed.
export CARGO_PROFILE_RELEASE_STRIP=${CARGO_PROFILE_RELEASE_STRIP:-none}

say "building for $target${2:+ ($2)}"
"${cargo[@]}" build --release --locked --target "$target" --bin callpost

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
dist=${CALLPOST_DIST:-$PWD/target/dist}
name=callpost-$version-$debian
mkdir -p "$dist"
named=$CARGO_TARGET_DIR/$target/release/callpost
"$(command -v "$gnu-strip" || command -v strip)" -o "$dist/$name" "$named"
chmod 755 "$dist/$name"
"${cargo[@]}" metadata --locked --format-version 1 --filter-platform "$target" |
  python3 packaging/sbom.py "$dist/$name" > "$dist/$name.cdx.json"
(cd "$dist" && sha256sum -- callpost-"$version"-{amd64,arm64,armhf}{,.cdx.json} 2>/dev/null > SHA256SUMS || true)

objdump=$(command -v "$gnu-objdump" || command -v objdump)
floor=$("$objdump" -T "$dist/$name" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
libraries=$("$objdump" -p "$dist/$name" | awk '/NEEDED/ { print $2 }' | paste -sd ' ')
leaks=$(grep -acF -e "$home/" -e "$PWD/" "$dist/$name" || true)
say "$dist/$name"
printf '   size     %s bytes\n   needs    %s or newer: %s\n   sha256   %s\n   contains %s crates: %s.cdx.json\n' \
  "$(stat -c %s "$dist/$name")" "$floor" "$libraries" "$(sha256sum < "$dist/$name" | cut -d' ' -f1)" \
  "$(grep -c '"type": "library"' "$dist/$name.cdx.json")" "$name"
[ "$leaks" = 0 ] || give_up "Paths of this machine are in the program: it is not reproducible."
printf '   names    %s\n' "$named"
