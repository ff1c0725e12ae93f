"""The pieces of `.ci/run` that look for faults and for tools: they say what they did, and nothing that they did not."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT

CI = ROOT / ".ci"
NOT_DONE = "pip-audit: not done (its service does not answer)"


def script(name: str, *arguments: str, path: str, text: str = "") -> tuple[int, str]:
    """A script of the folder, with nothing on its path but what is given."""
    done = subprocess.run(
        [shutil.which("bash") or "bash", str(CI / name), *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": path},
        timeout=60,
    )
    return done.returncode, done.stdout


def command(folder: Path, name: str, body: str) -> None:
    """A command of that name in a folder that can stand on the path."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(stat.S_IRWXU)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A path with what the scripts need, and neither strace nor apt-get."""
    folder = tmp_path / "bin"
    command(folder, "id", "echo 0")
    (folder / "dirname").symlink_to(shutil.which("dirname") or "")
    return folder


def test_strace_that_is_here_is_not_installed(bare: Path) -> None:
    command(bare, "strace", "exit 0")
    command(bare, "apt-get", "echo called > called")
    assert script("strace", path=str(bare)) == (0, "strace: here\n")


@pytest.mark.parametrize(
    ("user", "apt", "words"),
    [
        ("echo 1000", "exit 0", "only root may install it"),
        ("echo 0", None, "there is no apt-get to install it with"),
        ("echo 0", "exit 100", "apt-get could not install it"),
    ],
)
def test_strace_that_cannot_be_had_is_told_and_fails_nothing(
    bare: Path, user: str, apt: str | None, words: str
) -> None:
    command(bare, "id", user)
    if apt is not None:
        command(bare, "apt-get", apt)
    expected = f"strace: not here ({words}); the test of the order of fsync and send will be skipped\n"
    assert script("strace", path=str(bare)) == (0, expected)


def test_strace_is_installed_where_it_can_be(bare: Path) -> None:
    command(bare, "apt-get", "exit 0")
    assert script("strace", path=str(bare)) == (0, "strace: installed\n")


def package(name: str, *faults: str, skipped: bool = False) -> dict[str, Any]:
    if skipped:
        return {"name": name, "skip_reason": "Dependency not found on PyPI"}
    return {"name": name, "version": "1.0", "vulns": [{"id": fault, "fix_versions": ["1.1"]} for fault in faults]}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([package("a"), package("b")], 0, "pip-audit: 2 packages, no known fault"),
        ([package("a"), package("dialer", skipped=True)], 0, "pip-audit: 1 packages, no known fault"),
        ([package("a"), package("b", skipped=True)], 0, NOT_DONE),
        ([package("a", skipped=True)], 0, NOT_DONE),
        ([], 0, NOT_DONE),
        ([package("dialer", skipped=True)], 0, NOT_DONE),
        ([package("a", "PYSEC-1", "GHSA-2")], 1, "a 1.0: PYSEC-1, mended in 1.1\na 1.0: GHSA-2, mended in 1.1"),
        (
            [package("a", "PYSEC-1"), package("b", skipped=True)],
            1,
            "a 1.0: PYSEC-1, mended in 1.1\npip-audit: 1 packages were not looked at",
        ),
    ],
)
def test_a_report_is_not_called_clean_unless_all_was_looked_at(
    bare: Path, packages: list[dict[str, Any]], code: int, said: str
) -> None:
    """A pip-audit that says this, run by the script as the real one is."""
    report = json.dumps({"dependencies": packages, "fixes": []})
    assert audit(bare, f"cat <<'END'\n{report}\nEND") == (code, f"{said}\n")


@pytest.mark.parametrize("says", ["", "exit 1", "echo Traceback", "echo '[]'", "echo '{}'"])
def test_no_report_is_no_audit(bare: Path, says: str) -> None:
    assert audit(bare, says) == (0, f"{NOT_DONE}\n")


def audit(bare: Path, says: str) -> tuple[int, str]:
    """`.ci/audit` with an interpreter whose pip is content and whose pip-audit says this."""
    (bare / "cat").symlink_to(shutil.which("cat") or "")
    command(
        bare,
        "python",
        f'case "$2" in pip) exit 0;; pip_audit) {{\n{says or ":"}\n}};; *) exec {sys.executable} "$@";; esac',
    )
    return script("audit", str(bare / "python"), path=str(bare))


def test_without_pip_audit_it_is_not_done(bare: Path) -> None:
    command(bare, "python", "exit 1")
    assert script("audit", str(bare / "python"), path=str(bare)) == (
        0,
        "pip-audit: not done (it cannot be installed)\n",
    )


def test_the_run_calls_them_and_bandit_explains_itself() -> None:
    """Each line that bandit is told to pass over says why."""
    run = (CI / "run").read_text()
    assert run.index(".ci/strace") < run.index('step "README: run the tests"')
    assert '"$bin/bandit" -q -r dialer -c pyproject.toml' in run
    assert '.ci/audit "$bin/python"' in run
    for name in ("run", "strace", "audit"):
        assert os.access(CI / name, os.X_OK), name
        assert subprocess.run(["bash", "-n", str(CI / name)]).returncode == 0
    passed = [line for path in (ROOT / "dialer").rglob("*.py") for line in path.read_text().splitlines()]
    passed = [line for line in passed if "nosec" in line]
    assert passed
    assert all(re.search(r" - \w.+  # nosec B\d+$", line) for line in passed), passed
