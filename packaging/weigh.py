#!/usr/bin/env python3
"""What a program file is made of: its sections, and the code and constants of each crate.

    packaging/weigh.py target/aarch64-unknown-linux-gnu/release/callpost

The file has to have the names of its functions: `packaging/cross.sh` leaves it where its last line says. Code that was inlined counts for whom it
was inlined into, and a generic function for the crate that wrote it, or for its first argument where that is the standard
library's.
"""
import collections, re, subprocess, sys

# The C parts, by how their functions are called.
C = [
    (re.compile(r"^(sqlite3|vdbe|btree|pager|wal|parse[A-Z]|where[A-Z]|yy|fts|rtree|json[A-Z])"), "SQLite (C)"),
    (re.compile(r"^(opus|celt|silk|ec_|clt_|quant_|pitch_|compute_|analysis|tonality|mlp|xcorr)"), "libopus (C)"),
    (re.compile(r"^(aws_lc|.*aws_lc_)"), "aws-lc (C and assembler)"),
]
STANDARD = {"core", "alloc", "std", "std_detect", "gimli", "addr2line", "miniz_oxide", "rustc_demangle", "compiler_builtins", "hashbrown"}
PATH = re.compile(r"(?<![:\w])([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::")


def crate(symbol):
    for pattern, name in C:
        if pattern.match(symbol):
            return name
    named = [name for name in PATH.findall(symbol) if name not in ("r", "impl")]
    if not named:
        return "C and assembler, others"
    return next((name for name in named if name not in STANDARD), named[0] if named[0] in STANDARD else "others")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    program = sys.argv[1]
    sections = []
    for line in run("readelf", "-SW", program).splitlines():
        found = re.match(r"\s*\[\s*\d+\]\s+(\.\S+)\s+(\S+)\s+\S+\s+\S+\s+([0-9a-f]+)\s+\S+\s+(\S*)", line)
        if found and found[2] != "NOBITS" and "A" in found[4]:
            sections.append((int(found[3], 16), found[1]))
    print(f"{'bytes':>10}  section of {program}")
    for size, name in sorted(sections, reverse=True)[:12]:
        print(f"{size:>10}  {name}")
    code, constants, seen = collections.Counter(), collections.Counter(), set()
    for line in run("nm", "--print-size", "--demangle", "--defined-only", program).splitlines():
        found = re.match(r"([0-9a-f]+) ([0-9a-f]+) (\w) (.*)", line)
        if not found or found[1] in seen or found[3] in "bB":
            continue
        seen.add(found[1])
        (code if found[3] in "tTwW" else constants)[crate(found[4])] += int(found[2], 16)
    print(f"\n{'code':>10} {'constants':>10}  crate")
    for name, _ in (code + constants).most_common(int(sys.argv[2]) if sys.argv[2:] else 60):
        print(f"{code[name]:>10} {constants[name]:>10}  {name}")
    print(f"{sum(code.values()):>10} {sum(constants.values()):>10}  together")


main()
