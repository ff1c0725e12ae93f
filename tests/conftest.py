"""What holds for all tests: the long ones run only where they are asked for."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `ci` take minutes: they run where `-m` names them, and nowhere else."""
    if "ci" in config.option.markexpr:
        return
    skipped = [item for item in items if item.get_closest_marker("ci")]
    if skipped:
        config.hook.pytest_deselected(items=skipped)
        items[:] = [item for item in items if not item.get_closest_marker("ci")]
