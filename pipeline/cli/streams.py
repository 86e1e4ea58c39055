"""The standard streams as a caller may leave them: closed (`>&-`), or on a disk that is full."""

import io
import os
import sys
from collections.abc import Callable
from typing import IO, Any, cast

from pipeline.errors import DONE, NO_READER, StepError

STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))


class _Told(io.FileIO):
    """A descriptor of a stream whose first error is told in one line that names the stream: the error itself
    names no file, and would be taken for OUT's. What is printed after that goes nowhere.
    """

    def write(self, data: Any) -> int:  # as in worker.py
        """Write bytes. StepError when standard output does not take them; standard error's own has no one to
        be told to.
        """
        try:
            return super().write(data)
        except BrokenPipeError:  # `inv status | head`: no fault
            raise
        except OSError as error:
            # else the rest of the buffer would fail once more when Python ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if self.fileno() == 1:
                raise StepError(
                    f"standard output: {error.strerror}: what was printed is lost, what is complete is kept."
                    " Send it to a place with room"
                ) from None
            return len(data)


def open_closed() -> None:
    """Open /dev/null for each standard stream that the caller closed. Call it before anything else: the next
    file opened would get the number, and what is printed, here or by a worker, would be written into it.
    """
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, mode)
            os.set_inheritable(null, True)  # it has the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if mode == os.O_RDONLY else "w", closefd=False))


def tell_errors() -> None:
    """From now on a standard stream that cannot be written is told as such, and letters that it does not have
    are question marks: an ASCII terminal gets no traceback at the end of a build.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        if isinstance(before, io.TextIOWrapper):
            before.flush()
            raw = _Told(number, "w", closefd=False)
            after = io.TextIOWrapper(
                # as Python itself: under PYTHONUNBUFFERED, which images set, nothing waits in a buffer
                cast(IO[bytes], raw) if before.write_through else io.BufferedWriter(raw),
                encoding=before.encoding,
                errors="replace",
                line_buffering=before.line_buffering or number == 2,
                write_through=before.write_through,
            )
            setattr(sys, name, after)


def exit_code(program: Callable[[], None]) -> int | str | None:
    """Run the program to its end, all that it printed written out; its exit code, or that of a standard
    output which does not take it.
    """
    code: int | str | None = DONE
    try:
        try:
            program()
        except SystemExit as done:
            code = done.code
        sys.stdout.flush()
    except StepError as error:
        print(f"inv: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # inv status | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return NO_READER
    return code
