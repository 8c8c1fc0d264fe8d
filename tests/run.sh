#!/usr/bin/env bash
# Every check and every test. The last line is the test runner's own closing line.
#
#   tests/run.sh             everything: format, peers, lints, licences, tests
#   tests/run.sh FILTER…     only the tests whose names match, nothing else
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n── %s\n' "$*"; }

run_tests() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --no-fail-fast ${CI:+--profile=ci} "$@"
  else
    # Without cargo-nextest: cargo's own runner, its closing lines added up into one.
    cargo test --locked --no-fail-fast --lib --bins --tests -- "$@" 2>&1 | awk '
      { print; fflush() }
      /^test result: / { passed += $4; failed += $6; ignored += $8; runs++ }
      /^error/ { broken = 1 }
      END {
        verdict = (failed || broken || !runs) ? "FAILED" : "ok"
        printf "test result: %s. %d passed; %d failed; %d ignored; %d test programs\n", verdict, passed, failed, ignored, runs
      }'
  fi
}

if [ $# -gt 0 ]; then
  run_tests "$@"
  exit
fi

say "format"
cargo fmt --check

say "what the build needs: a C compiler and CMake"
tests/peers/setup-peers.sh build || echo "They could not be installed; the build may say so."

say "peers: SIPp, baresip, Asterisk … by package name"
if ! tests/peers/setup-peers.sh; then
  [ -z "${CI:-}" ] || exit 1
  echo "Some peers could not be installed; the tests that need them will fail and say so."
fi

say "lints"
cargo clippy --locked --all-targets -- -D warnings

say "licences and sources of what is in the binary"
if cargo deny --version >/dev/null 2>&1; then
  cargo deny check bans licenses sources
else
  echo "skipped: cargo-deny is not installed (cargo install cargo-deny --locked)"
fi

say "examples in the documentation"
cargo test --locked --doc --quiet

say "tests"
run_tests
