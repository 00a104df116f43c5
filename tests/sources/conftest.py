"""A loopback server for the tests of this folder, to script."""

import pytest


@pytest.fixture(scope="session")
def loopback_server():
    from loopback import Answer, Loopback

    with Loopback(lambda _: Answer()) as server:
        yield server


@pytest.fixture
def loopback(loopback_server):
    """A running server without memory of the test before; give it a `script`."""
    # Stopping a server takes half a second, so that one serves all tests in turn.
    loopback_server.requests.clear()
    return loopback_server
