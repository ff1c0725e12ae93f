"""The command `dialer simulator`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dialer.cli.arguments import examples

_EXAMPLES = examples(
    "dialer simulator --port 8099 --concurrent-calls 20",
    "dialer simulator --time-scale 60 --rings rings.jsonl",
    "dialer simulator --webhook-id custom --webhook-repeats 0.1",
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(simulator)


def simulator(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 8099,
    rings: Annotated[Path, typer.Option(help="Its list of rings; the calls of an earlier start go on.")] = Path(
        "simulator.rings.jsonl"
    ),
    seed: Annotated[int, typer.Option(help="Its people are drawn from this number.")] = 1,
    time_scale: Annotated[float, typer.Option(help="Seconds of its own in one real second.", min=0.001)] = 1.0,
    concurrent_calls: Annotated[int, typer.Option(help="What the account may have at once.", min=1)] = 20,
    calls_per_second: Annotated[float, typer.Option(help="What it takes before it says 429.", min=0.001)] = 50.0,
    call_seconds: Annotated[float, typer.Option(help="The mean length of a conversation.", min=0.001)] = 60.0,
    api_key: Annotated[str | None, typer.Option(help="The only key it takes; else it takes any.")] = None,
    webhook_id: Annotated[str, typer.Option(help="Which id its events carry.", metavar="custom|platform")] = "platform",
    webhook_calls: Annotated[str, typer.Option(help="Which calls have events.", metavar="all|connected")] = "all",
    webhook_encoding: Annotated[str, typer.Option(help="How signatures are written.", metavar="hex|base64")] = "hex",
    webhook_repeats: Annotated[float, typer.Option(help="The share of events sent twice.", min=0, max=1)] = 0.0,
    webhook_disorder: Annotated[float, typer.Option(help="The share of events overtaken.", min=0, max=1)] = 0.0,
) -> None:
    """The simulated Verbex as a server of its own."""
    from dialer.cli import simulating
    from dialer.model import Secret, SimulatorRules

    rules = SimulatorRules(
        seed=seed,
        time_scale=time_scale,
        concurrent_calls=concurrent_calls,
        calls_per_second=calls_per_second,
        call_seconds=call_seconds,
        api_key=Secret(api_key) if api_key else None,
        webhook_id=simulating.word("--webhook-id", webhook_id, "custom", "platform"),
        webhook_calls=simulating.word("--webhook-calls", webhook_calls, "all", "connected"),
        webhook_encoding=simulating.word("--webhook-encoding", webhook_encoding, "hex", "base64"),
        webhook_repeats=webhook_repeats,
        webhook_disorder=webhook_disorder,
    )
    simulating.serve(rules, rings, host, port)
