"""Waiting for what another process says in no other way than by a file or a state."""
import time

PATIENCE_SECONDS = 30


def await_that(is_so, what):
    """Looks until it is so, and returns what says so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := is_so()):
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.005)
    return value
