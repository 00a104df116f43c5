"""What the tests of studies share: figures as PNG only, where a test does not look at their other files."""

from functools import partial

import pytest

from volkit.report import save_figure
from volkit.study import artefacts

# These write all formats, and verify them bit for bit.
WHOLE = {"test_portfolio", "test_run"}


@pytest.fixture(scope="module", autouse=True)
def _quick_figures(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rpartition(".")[2] not in WHOLE:
            patch.setattr(artefacts, "save_figure", partial(save_figure, formats=("png",)))
        yield
