"""Messages over a socket: eight bytes that say how long, then the bytes."""

import socket


def transmit(pipe: socket.socket, message: bytes) -> None:
    """Send a message.

    Raises:
        OSError: the other end is closed, or takes nothing for too long.
    """
    pipe.sendall(len(message).to_bytes(8, "little"))
    pipe.sendall(message)


def receive(pipe: socket.socket) -> bytes:
    """Wait for a message, and return it.

    Raises:
        EOFError: the other end was closed before it was whole.
        OSError: nothing came for too long.
    """
    return _read(pipe, int.from_bytes(_read(pipe, 8), "little"))


def _read(pipe: socket.socket, size: int) -> bytes:
    found = bytearray(size)
    view, place = memoryview(found), 0
    while place < size:
        count = pipe.recv_into(view[place:])
        if not count:
            raise EOFError
        place += count
    return bytes(found)
