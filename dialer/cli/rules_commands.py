"""The commands of `dialer rules`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import examples

app = typer.Typer(
    name="rules",
    help="The rules of calling that ship, and what they say of a number.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("dialer rules show US-FL", 'dialer rules test "+1 305 555 0123" --at 2026-11-22T20:30'),
)

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("show", epilog=examples("dialer rules show", "dialer rules show us", "dialer rules show US-FL --json"))
def show(
    what: Annotated[
        str | None, typer.Argument(metavar="[PACK|PLACE]", help="A pack (us), or a place (US-FL, GB); none: all packs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the packs that ship, the rules of one, or all rules that reach a place."""
    from dialer.cli import rules

    rules.show(what, as_json)


@app.command(
    "test",
    epilog=examples(
        'dialer rules test "+1 305 555 0123" --at 2026-11-22T20:30',
        "dialer rules test +14155550123 --at 2026-11-22T20:30Z --purpose debt",
        "dialer rules test +442079460123 --pack uk --no-consent --json",
    ),
)
def test(
    number: Annotated[str, typer.Argument(help="The number, with plus.", metavar="NUMBER")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="Without an offset: by the person's own clock. Default: now."),
    ] = None,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="PURPOSE", help="marketing, debt, info or survey.")
    ] = "marketing",
    no_consent: Annotated[bool, typer.Option("--no-consent", help="The person has not consented.")] = False,
    packs: Annotated[
        list[str] | None, typer.Option("--pack", metavar="us", help="By these packs alone. Default: all.")
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="As a timezone column says.")] = "",
    postcode: Annotated[str, typer.Option("--postcode", metavar="CODE", help="As a postcode column says.")] = "",
    region: Annotated[str, typer.Option("--region", metavar="STATE", help="As a region column says.")] = "",
    as_json: Json = False,
) -> None:
    """Say whether a number may be called at an instant: ALLOW, HOLD or BLOCK.

    Then why, by which source, and what each rule says. Nobody is dialled.
    """
    from dialer.cli import rule_case, rules

    cells = {"timezone": timezone, "postcode": postcode, "region": region}
    rules.test(number, at, rule_case.Case(purpose, not no_consent, tuple(packs or ())), cells, as_json)
