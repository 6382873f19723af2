"""`mvc serve`: models behind the Open Inference Protocol."""

from __future__ import annotations

import json
import math
import shlex
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mvc import config
from mvc.cli.app import PRODUCTION, app, around, opened
from mvc.cli.commands.quality.predicting import Loader, Trust
from mvc.cli.output import Output, visible
from mvc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mvc.ops.lifecycle.serving.run import Prepared
    from mvc.serving.protocols.address import Address
    from mvc.serving.tensor_model import Spec

Models = Annotated[list[str], typer.Argument(metavar="REF[=NAME]...", show_default=False)]
Host = Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen at.")]
Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port of HTTP; 0 is any.")]
GrpcPort = Annotated[str, typer.Option("--grpc-port", metavar="N|off", help="The port of gRPC; 0 is any.")]
Follow = Annotated[
    float | None,
    typer.Option("--follow", metavar="SECONDS", help="Ask the registry so often what to serve, and swap models."),
]
Signed = Annotated[
    bool, typer.Option("--require-signature", help="Serve only versions whose tags have signatures that count."),
]
MaxBody = Annotated[str, typer.Option("--max-body", metavar="SIZE", help="The largest request.")]
MaxQueue = Annotated[int, typer.Option("--max-queue", metavar="N", min=0, help="The most requests that wait.")]
MaxTime = Annotated[float, typer.Option("--max-time", metavar="SECONDS", help="The longest time for an answer.")]
Log = Annotated[str, typer.Option("--log", metavar="DIR", help="Keep requests and predictions, as Parquet files.")]
LogSample = Annotated[float, typer.Option("--log-sample", metavar="RATE", help="The share of requests that is kept.")]
LogDrop = Annotated[str, typer.Option("--log-drop", metavar="COL[,COL...]", help="Columns that are not kept.")]
LogHash = Annotated[
    str, typer.Option("--log-hash", metavar="COL[,COL...]", help="Columns that are kept only as a keyed digest."),
]
LogLimit = Annotated[str, typer.Option("--log-limit", metavar="SIZE", help="The most that DIR holds; the oldest go.")]

_LONGEST_LINE = 200
"""Characters of the line to type."""
_LEAST, _LONGEST = 0.1, 7 * 24 * 3600
"""Seconds between two looks at the registry."""


@app.command(rich_help_panel=PRODUCTION)
def serve(
    ctx: typer.Context,
    models: Models,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    grpc_port: GrpcPort = "8081",
    follow: Follow = None,
    signed: Signed = False,
    loader: Loader = "",
    trust: Trust = False,
    max_body: MaxBody = "64MiB",
    max_queue: MaxQueue = 100,
    max_time: MaxTime = 30,
    log: Log = "",
    log_sample: LogSample = 1,
    log_drop: LogDrop = "",
    log_hash: LogHash = "",
    log_limit: LogLimit = "1GiB",
) -> None:
    """Serve models over HTTP and gRPC: the Open Inference Protocol, health, metrics."""
    from mvc.serving.extra import require  # noqa: PLC0415

    require(log=bool(log))
    output: Output = ctx.obj
    from mvc.ops.lifecycle.serving.run import Setup, prepare_all, run  # noqa: PLC0415
    from mvc.ops.lifecycle.serving.serve import Options  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415
    from mvc.serving.prediction_log.log import LogOptions  # noqa: PLC0415
    from mvc.serving.protocols.address import Address  # noqa: PLC0415
    from mvc.serving.work import Limits  # noqa: PLC0415

    limits = Limits(_size("--max-body", max_body), max_queue, _seconds("--max-time", max_time))
    address = Address(host, port, _grpc_port(grpc_port))
    interval = None if follow is None else _seconds("--follow", follow, _LEAST)
    logged = LogOptions(log, log_sample, _names(log_drop), _names(log_hash), _size("--log-limit", log_limit))
    if not log and logged != LogOptions(""):
        raise UsageError("options of the log are given, but no folder", "mvc serve REF --log DIR")
    setup = Setup(Options(proven, signed, trust, loader), limits, address, interval, logged if log else None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # process 1 of a container would not get it
    with opened(output) as project:
        prepared = prepare_all(project, models, setup)
    run(around(output), prepared, setup, lambda real: _show(output, prepared, real), _say)


def _say(text: str) -> None:
    with suppress(OSError):  # who read it may be gone, and the server goes on
        print(visible(text), file=sys.stderr, flush=True)


def _show(output: Output, prepared: Sequence[Prepared], address: Address) -> None:
    top = f"http://{address.host_in_urls}:{address.port}"
    for item in prepared:
        name, version, blake3 = item.loaded.identity
        what = f"{output.paint('serving', 'green')} {visible(name)} {visible(version)} (blake3 {blake3[:12]})"
        output.line(f"{what} at {top}/v2/models/{item.loaded.address}")
    grpc = "" if address.grpc_port is None else f", gRPC at {address.host_in_urls}:{address.grpc_port}"
    output.line(f"metrics at {top}/metrics{grpc}")
    output.line(f"  try: {_curl(top, prepared[0])}")
    sys.stdout.flush()


def _curl(top: str, item: Prepared) -> str:
    """Return a line that asks a model for the prediction of one row."""
    url = f"{top}/v2/models/{item.loaded.address}"
    inputs = [*map(_zeros, item.loaded.model.inputs)]
    line = f"curl -s {url}/infer -d {shlex.quote(json.dumps({'inputs': inputs}))}"
    has_text = any(spec.datatype == "BYTES" for spec in item.loaded.model.inputs)  # which text it takes is not known
    if not inputs or has_text or len(line) > _LONGEST_LINE:
        return f"curl -s {url}  # lists inputs and outputs"
    return line


def _zeros(spec: Spec) -> dict[str, Any]:
    count = min(math.prod(spec.shape_of_row), _LONGEST_LINE)  # more is too long anyway
    data = [False if spec.datatype == "BOOL" else 0] * count
    return {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape_of_row, "data": data}


def _size(option: str, text: str) -> int:
    found = config.parse_size(text)
    if not found:
        raise UsageError(f"{option} {text}: expected a size such as 64MiB", f"{option} 64MiB")
    return found


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))


def _seconds(option: str, value: float, least: float = 0.001) -> float:
    if not least <= value <= _LONGEST:
        raise UsageError(f"{option} {value:g}: expected a number of seconds, such as 30", f"{option} 30")
    return value


def _grpc_port(text: str) -> int | None:
    if text == "off":
        return None
    if not (text.isascii() and text.isdigit() and int(text[:20]) < 1 << 16):
        raise UsageError(f"--grpc-port {text}: expected a port, or off", "--grpc-port 8081")
    return int(text)
