"""F12: a connection that never comes about. Nothing has left, so the same call id is sent later, and costs nobody."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, invariants, stage
from tests.certificates import SELF_SIGNED

PEOPLE = 24
TROUBLES = ("name not resolved", "connection refused", "TLS error", "connect timeout")


def _tls(folder: Path) -> tuple[Path, ssl.SSLContext]:
    pem = folder / "platform.pem"
    pem.write_text(SELF_SIGNED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return pem, context


@contextlib.contextmanager
def _trouble(there: Stage, kind: str) -> Iterator[None]:
    """For as long as this lasts, no connection to the platform comes about."""
    no_names, proxy = there.folder / "no-names", there.proxy
    if kind == "connection refused":
        with proxy.gone():
            yield
    elif kind == "connect timeout":
        with proxy.deaf():
            yield
    elif kind == "TLS error":
        context, proxy.tls = proxy.tls, None
        yield
        proxy.tls = context
    else:
        no_names.touch()
        yield
        no_names.unlink()


def _environ(there: Stage, kind: str, pem: Path) -> dict[str, str]:
    """Names are looked up anew for each connection, and connecting is given up soon (10 s as it is shipped)."""
    quick = there.defaults(client={"dial_timeout": 1.0, "read_timeout": 1.0}, resolver={"use_dns_cache": False})
    if kind == "name not resolved":
        there.proxy.url = there.proxy.url.replace("127.0.0.1", "localhost")
        return quick | there.seams(NO_NAMES=str(there.folder / "no-names"))
    return quick | (there.seams(TRUSTED=str(pem)) if kind == "TLS error" else {})


@pytest.mark.slow
@pytest.mark.parametrize("kind", TROUBLES)
def test_f12_never_connected(tmp_path: Path, kind: str) -> None:
    """It begins in the middle; after a few in a row nobody is dialled, and it goes on by itself when it is over."""
    pem, context = _tls(tmp_path)
    with stage(tmp_path, PEOPLE, tls=context if kind == "TLS error" else None) as there:
        there.proxy.keeps_alive = False  # each request needs a connection of its own
        environ = _environ(there, kind, pem)
        with there.running("run", there.plan(pace={"calls_per_second": 15}), **environ) as run:
            run.until(lambda: len(there.proxy.dials) >= 4)
            with _trouble(there, kind):
                run.until(lambda: "nobody new is dialled until it does" in run.err)
            ended = run.ended(40)
        assert "dialling goes on" in ended.err
        invariants(there, ended, people=PEOPLE)
        unsent = [row for row in there.ask("SELECT * FROM events WHERE event = 'refused'") if "unsent" in row["detail"]]
        assert unsent, "no dial met the trouble"
        assert {row["serial"] for row in there.attempts()} == {1}
