"""The picture of a report in the README: `python -m tests.browser.picture` writes docs/report.png of a small faulty program."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from playwright.sync_api import sync_playwright
from wellarchitected import evaluate

from mlops.policy import judged
from mlops.report.page import html
from mlops.report.preview import document
from tests.browser.conftest import CHROMIUM
from tests.previews import ROOT, preview


def main() -> None:
    record = preview("dev", "tests/unit/engine/programs/buckets")
    verdicts = evaluate(judged(record.resources), stack="dev", today=date.today())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(html(document(record, verdicts.to_dict(), {})), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1060})
        page.goto(file.as_uri())
        page.screenshot(path=ROOT / "docs" / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
