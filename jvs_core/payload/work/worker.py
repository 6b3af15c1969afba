"""A worker process of ``pool``: it reads jobs and their batches from stdin and answers on stdout."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import struct
import sys
from typing import IO, Any

from jvs_core import anchored
from jvs_core.errors import EngineFailed, JvsError

_LENGTH = struct.Struct("<Q")
_PR_SET_PDEATHSIG = 1


def frame(value: Any) -> bytes:
    """Return ``value`` as it is sent."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def send(stream: IO[bytes], value: Any) -> None:
    """Send ``value``."""
    stream.write(frame(value))
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Return what the other end sent; EOFError when it is gone. It comes from the process that started this one."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("no answer")
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("half an answer")
    return pickle.loads(data)


def main(parent: int) -> None:
    """Serve the process ``parent`` until stdin ends. Ctrl-C is the parent's to handle: it kills its workers.

    When the thread that started this process ends, however it does, so does this: nothing is written for the dead.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    os.umask(0)
    gc.disable()  # the work makes no cycles
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        while True:
            roots, job = receive(source)
            anchored.take_over(roots)
            with job.open() as work:
                while (batch := receive(source)) is not None:
                    send(answers, (False, work(batch)))
    except (EOFError, BrokenPipeError):
        pass
    except JvsError as error:
        send(answers, (True, error))
    except BaseException as error:  # noqa: BLE001  # the parent raises it
        send(answers, (True, EngineFailed(f"{type(error).__name__}: {error}")))
    os._exit(0)  # the folders' descriptors need no closing one by one
