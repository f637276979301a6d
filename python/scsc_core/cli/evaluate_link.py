# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate link`: pictures over the virtual radio, each accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..evaluation.link_account import LinkAccount
    from ..evaluation.link_run import Settings

_LISTED = 20  # pictures on the terminal; all are in the JSON


def register(app: typer.Typer) -> None:
    """Add the command of this module to `scsc evaluate`."""
    app.command()(link)


def link(
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of a run.")] = 200,
    snr_db: Annotated[float, typer.Option(help="dB, see --snr-def.")] = 10.0,
    snr_def: Annotated[
        str, typer.Option(help="rx_ant (received SNR) or pz_n0, which is 3 dB lower.")
    ] = "rx_ant",
    channel: Annotated[
        str, typer.Option(help="tdl-a .. tdl-e, cdl-a .. cdl-e, rayleigh, exp, awgn ...")
    ] = "tdl-a",
    delay_spread_ns: Annotated[float, typer.Option(help="rms, of tdl, cdl and exp.")] = 30.0,
    doppler_hz: Annotated[
        float, typer.Option(min=0, help="0: another channel for every burst.")
    ] = 5.0,
    precoder: Annotated[str | None, typer.Option(help="Of the link (pcen).")] = None,
    harq: Annotated[
        bool | None, typer.Option("--harq/--no-harq", help="Only the run with it, or without.")
    ] = None,
    both: Annotated[bool, typer.Option("--both", help="Both runs (default).")] = False,
    config: Annotated[
        list[Path] | None, typer.Option(help="YAML files of the link, as for scsc tx.")
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option(help="Picture files or folders, sent in turn.")
    ] = None,
    size: Annotated[str, typer.Option(help="Pictures are resized to it; none: not.")] = "256x192",
    rate_hz: Annotated[float, typer.Option(help="Sample rate.")] = 1e6,
    timeout: Annotated[float, typer.Option(help="s without progress that end a run.")] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Of fading and noise.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Pictures over the virtual radio with and without retransmissions; every loss explained.

    Three processes, as scsc tx --zmq, scsc channel and scsc rx --zmq. Lost pictures are no error.
    """
    from .output import require_folder, show
    from .programs import find_program

    require_folder(output)
    if both and harq is not None:
        raise ValueError("give one of --harq, --no-harq and --both")
    from ..config import load_config
    from ..data import sample_image
    from ..evaluation import link_run, virtual_radio
    from ..waveform.configuration import WaveformConfig

    waveform = load_config(WaveformConfig, config or [], {"precoder": precoder})
    air = link_run.channel_config(
        channel,
        waveform,
        doppler_hz,
        delay_spread_ns=delay_spread_ns,
        snr_db=snr_db,
        snr_def=snr_def,
        sample_rate_hz=rate_hz,
        seed=seed,
    )
    wanted = None if size == "none" else size
    settings = link_run.Settings(
        image or [sample_image()], pictures, waveform, air, wanted, timeout
    )
    programs = {name: find_program(f"scsc_{name}.py") for name in virtual_radio.PROGRAMS}
    runs = _runs(settings, (False, True) if harq is None else (harq,), programs)
    if not json:
        _print(settings, runs)
    show(_content(settings, runs), [], json, output)


def _runs(
    settings: Settings, modes: Sequence[bool], programs: dict[str, Path]
) -> list[LinkAccount]:
    """The runs one after the other, with the pictures received so far on the bar."""
    from ..evaluation import link_run
    from .progress import counted

    found: list[LinkAccount] = []
    total = settings.count * len(modes)
    with counted("pictures") as report:

        def received(values: dict[str, Any]) -> None:
            before = settings.count * len(found)
            report(before + min(values["number"], settings.count), total)

        for harq in modes:
            found.append(link_run.run(settings, harq, programs, received))
    return found


def _content(settings: Settings, runs: Sequence[LinkAccount]) -> dict[str, Any]:
    """What was sent over what, and the account of each run."""
    from ..evaluation.link_account import as_content

    return {
        "pictures": settings.count,
        "size": settings.size,
        "waveform": settings.config.model_dump(mode="json", exclude={"harq"}),
        "channel": settings.channel.model_dump(mode="json"),
        "runs": [as_content(run) for run in runs],
    }


def _print(settings: Settings, runs: Sequence[LinkAccount]) -> None:
    """The table of the runs, and what became of every picture that was not delivered."""
    from rich.table import Table

    from .output import console

    air = settings.channel
    model = f"{air.model}-{air.profile.lower()}" if air.model in ("tdl", "cdl") else air.model
    table = Table(
        title=f"{settings.count} pictures, {model}, {air.delay_spread_ns:g} ns, Doppler "
        f"{air.doppler_hz:g} Hz, {air.snr_db:g} dB ({air.snr_def}), {settings.config.precoder}",
        title_justify="left",
    )
    table.add_column("")
    for run in runs:
        table.add_column("with HARQ" if run.harq else "without HARQ", justify="right")
    columns = [_figures(run) for run in runs]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    out = console()
    out.print(table)
    for run in runs:
        for line in _explained(run, settings.config.harq_transmissions):
            out.print(line, markup=False, soft_wrap=True)


def _figures(run: LinkAccount) -> dict[str, str]:
    """Rows of the table."""
    n = len(run.outcomes)
    low, high = (100 * bound for bound in run.interval)
    heard = [outcome.snr_db for outcome in run.outcomes if outcome.snr_db is not None]
    rows: dict[str, Any] = {"pictures offered": n}
    rows |= {f"  {state}": run.count(state) for state in ("delivered", "wrong", "damaged", "lost")}
    rows |= {
        "delivered, 95 % interval": f"{100 * run.count('delivered') / n:.1f} % [{low:.1f}, {high:.1f}]",
        "data frames sent": run.data_frames,
        "  sent again": run.total("tx", "harq_retransmissions"),
        "  without a channel report": run.total("tx", "frames_open_loop"),
        "data frames heard": run.data_frames_heard,
        "  code blocks with a wrong CRC": run.total("rx", "block_errors"),
        "  heard without their table": run.total("rx", "frames_without_table"),
        "triggers without a training field": run.total("rx", "ofdm_gate"),
        "headers with a failed check": run.total("rx", "ofdm_header_crc")
        + run.total("rx", "ofdm_header_fields"),
        "sounding frames": run.total("tx", "soundings"),
        "pictures given up": run.total("tx", "harq_given_up"),
        "SNR measured, mean": f"{sum(heard) / len(heard):.1f} dB" if heard else "-",
        "time on the air a picture": f"{1e3 * run.air_s / n:.1f} ms",
        "goodput on the air": f"{run.goodput_bits / 1e3:.0f} kbit/s",
        "time of the clock a picture": f"{1e3 * run.wall_s / max(1, n - 1):.0f} ms",
    }
    return {name: str(value) for name, value in rows.items()}


def _explained(run: LinkAccount, transmissions: int) -> list[str]:
    """Why pictures were not delivered: how many of each kind, then one line per picture."""
    title = "with HARQ" if run.harq else "without HARQ"
    if not run.reasons:
        return [f"{title}: every picture was delivered"]
    kinds = "; ".join(f"{n} ({kind})" for kind, n in run.reasons.items())
    lines = [f"{title}, pictures not delivered: {kinds}"]
    if given_up := run.total("tx", "harq_given_up"):
        spent = f"retries were spent: {transmissions} transmissions of a frame"
        lines.append(f"  {given_up} pictures were given up, whose {spent}")
    missing = [outcome for outcome in run.outcomes if outcome.reason]
    for outcome in missing[:_LISTED]:
        good = f", {100 * outcome.trusted:.0f} % of it is right" if outcome.trusted else ""
        snr = "" if outcome.snr_db is None else f", {outcome.snr_db:.1f} dB"
        lines.append(f"  picture {outcome.number} {outcome.state}: {outcome.reason}{good}{snr}")
    if len(missing) > _LISTED:
        lines.append(f"  and {len(missing) - _LISTED} more, see --json")
    return lines
