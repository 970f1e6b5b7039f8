"""The client of the crowd, against a server that answers, closes and breaks off."""

import asyncio

import pytest

from pawl.errors import SourceError
from pawl.jobs.crowd_client import Answer, open_door

BODY = b'{"id": 7}'
GOOD = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


async def served(answers: list[bytes], n_asked: int) -> tuple[list[Answer], list[bytes], int]:
    """Ask a server that gives these answers, an empty one by closing; what came, what it saw, and how often it was
    connected to.
    """
    seen: list[bytes] = []
    n_connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_connections
        n_connections += 1
        while answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            seen.append(head + await reader.readexactly(length))
            answer = answers.pop(0)
            writer.write(answer)
            if answer != GOOD:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_door(f"http://127.0.0.1:{port}", 1) as door:
        got = [await door.post("/api/x", {"n": n}, "token", f"key-{n}") for n in range(n_asked)]
    return got, seen, n_connections


def test_requests_share_a_connection_and_carry_token_and_key() -> None:
    got, seen, n_connections = asyncio.run(served([GOOD, GOOD, GOOD], 3))
    assert got == [(201, {"id": 7})] * 3
    assert n_connections == 1
    assert b"POST /api/x HTTP/1.1\r\n" in seen[1]
    assert b"Authorization: Bearer token\r\n" in seen[1]
    assert b"Idempotency-Key: key-1\r\n" in seen[1]
    assert seen[1].endswith(b'{"n": 1}')


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    got, seen, n_connections = asyncio.run(served([GOOD, b"", GOOD], 2))
    assert got == [(201, {"id": 7})] * 2
    assert n_connections == 2
    assert [b"key-1" in each for each in seen] == [False, True, True]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\n{", b"nonsense\r\n\r\n"])
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    with pytest.raises(SourceError):
        asyncio.run(served([answer, answer], 1))
