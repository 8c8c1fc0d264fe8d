# The single door. `just` alone lists what is behind it.

_list:
    @just --list --unsorted

# The main job on this machine: three phones, a caller, a menu, a recording, a record
demo *args:
    cargo run --release -- demo {{ args }}

# The daemon with this checkout's configuration
run *args:
    cargo run --release -- run {{ args }}

# Everything that must be green before and after a change
check:
    tests/run.sh

# Only the tests whose names match
test +filter:
    tests/run.sh {{ filter }}

# Look at changed call ladders, and keep or refuse each
review:
    cargo insta review

# Real phones and a real PBX for the wire tests, by package name
setup-peers:
    tests/peers/setup-peers.sh

# Faults for long: 500 kills, every operation of the disk failing once, 50 upgrades killed. A quarter of an hour
crash:
    CALLPOST_ROUNDS=500 cargo test --test crash -- --nocapture --test-threads=1 kills:: faults::
    CALLPOST_ROUNDS=50 cargo test --test crash -- --nocapture upgrade::
    cargo test --test delivery -- --nocapture hostile

# The power of a file system is cut again and again; needs root, and 200 rounds take five minutes
powercut rounds="200":
    tests/crash/powercut.sh {{ rounds }}

# The figures: the box, and Asterisk beside it where it is installed; then SIP, the core and the relay alone.
# `just bench long` adds 100,000 calls and what they leave behind: four minutes more
bench *args:
    cargo bench --bench figures -- {{ args }}
    cargo bench --bench sip --bench signalling --bench relay --bench mixing

# A backlog drained to a webhook: rows a second, in order, and what memory grows by
bench-delivery *args:
    cargo bench --bench delivery -- {{ args }}

# A thousand boxes on one NATS server and one PostgreSQL, and how fast one box drains to each
bench-fleet:
    cargo bench --bench fleet

# The journal at a million records: size, rates, memory, and every list
bench-journal *args:
    cargo bench --bench journal -- {{ args }}

# Whether the time of an answer tells who is at home; for a quiet machine
telling-time:
    cargo test --test wire -- --ignored --nocapture telling_time

# A hundred changes of the configuration and a hundred new certificates under a hundred calls: no call, no packet is lost
swaps:
    CALLPOST_SWAPS=100 cargo test --test wire -- --nocapture --test-threads=1 settings::changes

# Two real phones and the box with a bad network between them; needs root. `just bad-line --loss 20 --seconds 600`
bad-line *args:
    cargo build --release
    tests/bad-line/bad_line.py {{ args }}

# Format, and let clippy mend what it can
tidy:
    cargo fmt
    cargo clippy --all-targets --fix --allow-dirty --allow-staged

# Licences, banned crates and sources of everything in the binary
deny:
    cargo deny check bans licenses sources

# For an ARM box (aarch64, armv7) or this machine (amd64): the program, what is in it and the checksums, in target/dist.
# `just cross armv7 fast` is hardly optimised and done in minutes
cross arch *how:
    packaging/cross.sh {{ arch }} {{ how }}

# The Debian package of what `just cross` has built
deb arch:
    packaging/deb.sh {{ arch }}

# An ARM machine of its own with the unit of the package: the demo, the watchdog, the clock. Needs root and `just cross aarch64`
boot:
    packaging/boot.sh

# The 32-bit program's main job under qemu-arm. Needs `just cross armv7`
demo-armv7:
    packaging/demo-armv7.sh

# The unit: correct, and how exposed it leaves the daemon
verify-unit:
    cargo test --locked --test box unit:: -- --nocapture

# A source tarball for Buildroot
source:
    mkdir -p target/source
    git archive --format=tar.gz --prefix=callpost-0.1.0/ -o target/source/callpost-0.1.0.tar.gz HEAD
