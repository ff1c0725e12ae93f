"""The receiver cannot be held up: not by those who are slow, nor by those who are many."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from dialer.receiver import BODY_SECONDS, MOST_CONNECTIONS
from dialer.serving import KEEP_ALIVE, REQUEST_SECONDS
from tests.receiver_kit import receiving, virtually
from tests.virtual_time import START, moment
from tests.webhook_kit import connect, delivery, post, told


@virtually
async def test_a_request_whose_head_does_not_come_is_given_up() -> None:
    async with receiving() as (address, _):
        silent, slow = await connect(address), await connect(address)
        began = asyncio.get_running_loop().time()
        dripping = asyncio.create_task(_drip(slow.send))
        assert await silent.is_closed()
        assert await slow.is_closed()
        assert asyncio.get_running_loop().time() - began < REQUEST_SECONDS + 1
        assert (await post(address, delivery()))[0] == 200
        await _over(dripping)
        await silent.close()
        await slow.close()


async def _drip(send: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
    """One header a second, without an end."""
    await send(b"POST /verbex HTTP/1.1\r\nHost: dialer\r\n")
    while True:
        await moment(1)
        await send(b"X-A: b\r\n")


async def _over(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await task


@virtually
async def test_a_body_that_does_not_come_is_given_up_and_its_connection_too() -> None:
    async with receiving() as (address, desk):
        line = await connect(address)
        await line.send(delivery().raw()[:-5])
        began = asyncio.get_running_loop().time()
        assert await line.answer() == (408, "too slow\n")
        assert await line.is_closed()
        assert asyncio.get_running_loop().time() - began < BODY_SECONDS + REQUEST_SECONDS + 1
        assert (await post(address, delivery()))[0] == 200
        assert desk.heard == ["trace-1"]
        await line.close()


@virtually
async def test_a_body_that_goes_on_for_ever_is_not_read_for_ever() -> None:
    async with receiving() as (address, _):
        line = await connect(address)
        await line.send(b"POST /verbex HTTP/1.1\r\nHost: dialer\r\nTransfer-Encoding: chunked\r\n\r\n")
        pouring = asyncio.create_task(_pour(line.send))
        assert (await line.answer())[0] == 413
        assert await line.is_closed()
        await _over(pouring)
        await line.close()


async def _pour(send: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while True:
        await send(piece)
        await moment(0.2)


@virtually
async def test_somebody_who_leaves_in_the_middle_is_no_matter() -> None:
    async with receiving() as (address, desk):
        line = await connect(address)
        await line.send(delivery().raw()[:-5])
        await line.close()
        await moment(1)
        assert (await post(address, delivery()))[0] == 200
    assert desk.amiss == []


@virtually
async def test_connections_beyond_the_most_are_closed_and_the_others_served() -> None:
    async with receiving() as (address, _):
        kept = [await connect(address) for _ in range(MOST_CONNECTIONS)]
        await moment(1)
        beyond = await connect(address)
        assert await beyond.is_closed()
        await kept[0].send(delivery().raw())
        assert (await kept[0].answer())[0] == 200
        await kept[1].close()
        await moment(1)
        assert (await post(address, delivery()))[0] == 200
        for line in (*kept, beyond):
            await line.close()


@virtually
async def test_a_connection_is_kept_for_as_long_as_is_said() -> None:
    async with receiving() as (address, _):
        line = await connect(address)
        for number in range(3):
            await line.send(delivery(told(trace=f"t{number}"), at=START + timedelta(seconds=70 * number)).raw())
            assert (await line.answer())[0] == 200
            await moment(70)
        began = asyncio.get_running_loop().time()
        assert await line.is_closed()
        assert asyncio.get_running_loop().time() - began < KEEP_ALIVE
        await line.close()


@virtually
async def test_a_kept_connection_cannot_be_held_by_half_a_request() -> None:
    async with receiving() as (address, _):
        line = await connect(address)
        await line.send(delivery().raw())
        assert (await line.answer())[0] == 200
        await line.send(b"POST ")
        began = asyncio.get_running_loop().time()
        assert await line.is_closed()
        assert asyncio.get_running_loop().time() - began < KEEP_ALIVE + REQUEST_SECONDS + 1
        await line.close()


@virtually
async def test_what_is_no_http_is_turned_away() -> None:
    async with receiving() as (address, desk):
        line = await connect(address)
        await line.send(b"\x16\x03\x01\x00hello\r\n\r\n")
        assert (await line.answer())[0] == 400
        assert await line.is_closed()
        await line.close()
    assert desk.kept == {}
