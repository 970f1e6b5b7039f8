"""At the desk: those that come together are filed together, and everybody hears what became of his own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import cast

import pytest

from pawl.errors import StorageError
from pawl.ledger.inference_writer import Entry, Filed, InferenceWriter
from pawl.serving.filing_desk import FilingDesk


class Writer:
    """Says of each entry what it is; notes what came together."""

    def __init__(self, *, at_once: bool = True, fails: Exception | None = None) -> None:
        self.at_once, self.fails = at_once, fails
        self.together: list[list[object]] = []
        self.alone: list[object] = []

    def file_now(self, entries: Sequence[object]) -> list[object] | None:
        self.together.append(list(entries))
        if self.fails is not None and self.at_once:
            raise self.fails
        return list(entries) if self.at_once else None

    def submit(self, entry: object) -> "Future[object]":
        self.alone.append(entry)
        future: Future[object] = Future()
        if self.fails is not None:
            future.set_exception(self.fails)
        else:
            future.set_result(entry)
        return future


def desk_of(writer: Writer) -> FilingDesk:
    return FilingDesk(cast(InferenceWriter, writer))


async def all_of(desk: FilingDesk, entries: list[str]) -> list[Filed | BaseException]:
    asked = (desk.file(cast(Entry, one)) for one in entries)
    return await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.parametrize("at_once", [True, False])
def test_those_that_come_together_are_filed_together_and_hear_their_own(at_once: bool) -> None:
    writer = Writer(at_once=at_once)
    desk = desk_of(writer)

    async def twice() -> tuple[list[object], list[object]]:
        return list(await all_of(desk, ["a", "b", "c"])), list(await all_of(desk, ["d"]))

    assert asyncio.run(twice()) == (["a", "b", "c"], ["d"])
    assert writer.together == [["a", "b", "c"], ["d"]]
    assert writer.alone == ([] if at_once else ["a", "b", "c", "d"])


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", [StorageError("full", where="disk", fix="free some"), ValueError("a fault")])
def test_a_failure_reaches_everybody_and_the_desk_goes_on(at_once: bool, error: Exception) -> None:
    writer = Writer(at_once=at_once, fails=error)
    desk = desk_of(writer)

    async def twice() -> tuple[list[object], list[object]]:
        failed = list(await all_of(desk, ["a", "b"]))
        writer.fails = None
        return failed, list(await all_of(desk, ["c"]))

    assert asyncio.run(asyncio.wait_for(twice(), 10)) == ([error, error], ["c"])


@pytest.mark.parametrize("at_once", [True, False])
def test_whoever_gave_up_is_left_out(at_once: bool) -> None:
    writer = Writer(at_once=at_once)
    desk = desk_of(writer)

    async def one_gives_up() -> object:
        gone = asyncio.ensure_future(desk.file(cast(Entry, "gone")))
        stays = asyncio.ensure_future(desk.file(cast(Entry, "stays")))
        asyncio.get_running_loop().call_soon(gone.cancel)
        return (await asyncio.gather(gone, stays, return_exceptions=True))[1]

    assert asyncio.run(one_gives_up()) == "stays"
