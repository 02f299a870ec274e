"""What several rooms' tests share: one Chromium for the whole run."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; a skip where there is none, unless it is demanded."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        if os.environ.get("SYMBACKPROP_REQUIRE_BROWSER") == "1":
            pytest.fail("SYMBACKPROP_REQUIRE_BROWSER=1, but no Chromium is on the PATH")
        pytest.skip("no Chromium on the PATH")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()
