#!/bin/sh
# The floods of tests/wire/floods.rs, long and hard: 2,000 packets a second for a minute, then 50,000 for ten seconds.
# What bystanders waited for is printed; the handshakes of tests/wire/tls_flood.rs last a minute too.
# Everything stays on 127.0.0.0/8. Run it on a quiet machine; the limits are those of the tests.
set -eu
cd "$(dirname "$0")/.."
CALLPOST_FLOOD_SECONDS=60 CALLPOST_FLOOD_RATE=2000 cargo test --release --test wire -- floods:: --test-threads 1 --nocapture
CALLPOST_FLOOD_SECONDS=60 cargo test --release --test wire -- tls_flood:: --nocapture
CALLPOST_FLOOD_SECONDS=10 CALLPOST_FLOOD_RATE=50000 cargo test --release --test wire -- floods:: --test-threads 1 --nocapture
