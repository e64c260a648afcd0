"""Holds the pinned dependencies against the known advisories: ``python tests/release/audit.py [FILE]``, and needs uv.

By default the file is ``requirements.lock``. pip-audit asks the package index for the advisories of every line of it;
what it finds is told in one line each. The exit code is 0 if there are none, 1 if there are, 2 if nothing is known.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOL = "pip-audit==2.10.1"


def advisories(report: dict[str, Any]) -> list[str]:
    """One line for each advisory of a report of pip-audit, and for each package that it did not look up."""
    lines = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            lines.append(f"{package['name']}: not looked up: {package['skip_reason']}")
        for found in package.get("vulns", ()):
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            names = ", ".join([found["id"], *found.get("aliases", ())])
            lines.append(f"{package['name']} {package['version']}: {names}; mended by {mended}")
    return lines


def report_of(file: Path, uvx: str) -> dict[str, Any] | None:
    """What pip-audit reports of a requirements file; None if it gives no report, the reason then being told."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "audit.json"
        output = ("--progress-spinner", "off", "--format", "json", "--output", str(written))
        command = [*uvx.split(), TOOL, "--requirement", str(file), "--no-deps", "--disable-pip", *output]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if written.is_file() and written.stat().st_size:
            report: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
            if any("skip_reason" not in package for package in report["dependencies"]):
                return report
            done.stderr = "the package index tells no advisories"  # pip-audit takes that for none known
    reason = (done.stderr.strip() or "no word why").splitlines()[-1].strip()
    sys.stderr.write(f"the advisories could not be read, so nothing is known; it needs the network: {reason[:300]}\n")
    return None


def main(words: list[str]) -> int:
    """Tells what is known of the pinned versions."""
    file = Path(words[0]) if words else ROOT / "requirements.lock"
    uvx = os.environ.get("UVX", "uvx")
    if shutil.which(uvx.split()[0]) is None:
        sys.stderr.write(f"{uvx} is not on the PATH: install uv, or name it: make audit UVX=/path/to/uvx\n")
        return 2
    report = report_of(file, uvx)
    if report is None:
        return 2
    found = advisories(report)
    for line in found:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{file.name}: {len(report['dependencies'])} packages, {len(found)} to look at\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
