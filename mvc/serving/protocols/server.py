"""A server: HTTP and gRPC in one event loop, until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from mvc.serving.inference import Inference
from mvc.serving.protocols.address import Address, bound, taken
from mvc.serving.protocols.grpc_server import GrpcServer
from mvc.serving.protocols.rest import Rest
from mvc.serving.work import Limits, Work


def run(
    address: Address, limits: Limits, make: Callable[[Work], Inference], started: Callable[[Address], None],
) -> bool:
    """Serve until SIGTERM or SIGINT; then answer what runs. `started` is called with the real ports.

    Return whether nothing runs any more: a prediction that takes too long is not waited for, but nothing can stop it.

    Raises:
        UsageError: the port of gRPC is taken.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(address, limits, make, started))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415 - if it is installed

        return uvloop.new_event_loop
    return None


async def _serve(
    address: Address, limits: Limits, make: Callable[[Work], Inference], started: Callable[[Address], None],
) -> bool:
    listener = bound(address)
    work = Work(limits)
    inference = make(work)
    rest = Rest(inference, limits)
    grpc = _grpc(inference, limits, address)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        rest.stop(now=stop.is_set())
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping)
    serving = asyncio.create_task(rest.serve(listener))
    if grpc:
        await grpc.start()
    await rest.listening()
    inference.is_ready = True
    real = Address(address.host, listener.getsockname()[1], grpc.port if grpc else None)
    await asyncio.to_thread(started, real)
    await stop.wait()
    inference.is_ready = False
    await asyncio.gather(serving, *([grpc.stop(limits.drain)] if grpc else []))
    work.close()
    return work.running == 0


def _grpc(inference: Inference, limits: Limits, address: Address) -> GrpcServer | None:
    if address.grpc_port is None:
        return None
    try:
        return GrpcServer(inference, limits, f"{address.host_in_urls}:{address.grpc_port}")
    except RuntimeError:
        raise taken(address.host, address.grpc_port, "Address already in use") from None
