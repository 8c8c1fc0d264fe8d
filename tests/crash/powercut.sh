#!/usr/bin/env bash
# Cuts the power of a file system again and again while call records are filed and forwarded, and looks each time
# whether everything that was acknowledged is there.
#
#   tests/crash/powercut.sh [ROUNDS]      200 when not given
#
# Needs root, python3, e2fsprogs and loop devices. What it mounts is in a mount namespace of its own and gone when it
# ends, however it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:-200}

if [ "$(id -u)" != 0 ]; then
  echo "powercut.sh: mounting needs root" >&2
  exit 2
fi
# Built outside the namespace, so that only the test itself runs in it.
cargo test --test crash --no-run
CALLPOST_ROUNDS=$rounds exec unshare --mount --propagation private \
  cargo test --test crash -- --ignored --nocapture --test-threads=1 powercut::
