#!/usr/bin/env python3
"""What is in the program, as CycloneDX 1.5, from `cargo metadata` on standard input.

Only what is linked in counts: neither what builds it nor what tests it. The same commit gives the same bytes: the day is
SOURCE_DATE_EPOCH, and the serial number comes from the program itself.
"""
import datetime, hashlib, json, os, sys, tomllib, uuid
from pathlib import Path


def main():
    binary = Path(sys.argv[1])
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    inside = linked(nodes, packages, root)
    sums = checksums()
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    day = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.UTC)
    program = component(packages[root], sums) | {
        "type": "application",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    reference = lambda id: component(packages[id], sums)["bom-ref"]
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=bytes.fromhex(digest)[:16], version=4)}",
        "version": 1,
        "metadata": {"timestamp": day.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": program},
        "components": sorted(
            (component(packages[id], sums) for id in inside if id != root), key=lambda one: one["bom-ref"]
        ),
        "dependencies": sorted(
            (
                {
                    "ref": reference(id),
                    "dependsOn": sorted({reference(other) for other in normal(nodes[id]) if other in inside}),
                }
                for id in inside
            ),
            key=lambda one: one["ref"],
        ),
    }
    json.dump(bom, sys.stdout, indent=1, sort_keys=True)
    print()


def normal(node):
    """What a crate is linked with."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def linked(nodes, packages, root):
    """Every crate that reaches the program; a macro runs while it is built and stays behind."""
    is_macro = lambda id: any("proc-macro" in target["kind"] for target in packages[id]["targets"])
    seen, waiting = set(), [root]
    while waiting:
        id = waiting.pop()
        if id not in seen and not is_macro(id):
            seen.add(id)
            waiting += normal(nodes[id])
    return seen


def component(package, sums):
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    one = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if package.get("license"):
        one["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if package.get("repository"):
        one["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if (name, version) in sums:
        one["hashes"] = [{"alg": "SHA-256", "content": sums[name, version]}]
    return one


def checksums():
    """Of the crates' archives, as the lock file pins them."""
    lock = tomllib.loads(Path("Cargo.lock").read_text())
    return {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }


main()
