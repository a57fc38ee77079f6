"""The report of a run: one file that opens anywhere and shows what the card says."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from .conftest import agecli, ok

MOST_BYTES = 2_000_000
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)


class Page(HTMLParser):
    """What a page holds: elements, the addresses it names, its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action", "data")]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def numbers(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("numbers") / "project"
    source = place.parent / "profiles"
    ok("synth", "--rows", 4000, "--seed", 3, "--out", source)
    ok("init", place, "--recipe", "profiles", "--source", source)
    ok("-C", place, "run", "--all")
    return place


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    """A project of three classes, one with a name that would break a page that does not escape, one that looks like
    a formula."""
    place = tmp_path_factory.mktemp("classes")
    draw = random.Random(5)
    lines = ["row,width,height,kind"]
    for row in range(900):
        kind = draw.choice(["$0_$", "<b>&flat", "long"])
        base = {"$0_$": 1.0, "<b>&flat": 2.0, "long": 3.5}[kind]
        told = kind if row % 3 else ""
        lines.append(f"r{row},{base + draw.gauss(0, 0.6):.4f},{draw.gauss(base, 2):.4f},{told}")
    source = place / "things.csv"
    source.write_text("\n".join(lines) + "\n")
    ok("init", place / "project", "--from", source, "--id", "row", "--label", "kind")
    ok("-C", place / "project", "run", "--all")
    return place / "project"


@pytest.fixture(params=["numbers", "classes"])
def project(request) -> Path:
    return request.getfixturevalue(request.param)


def report_of(project: Path) -> Path:
    path = Path(ok("-C", project, "report").out.strip())
    assert path.is_file()
    return path


def card_of(project: Path) -> dict:
    status = ok("-C", project, "status", "--output", "json").json
    recipe = project / "workspace" / status["recipe"]
    return json.loads((recipe / "models" / status["model"] / "card.json").read_text())


def test_it_is_one_small_file_that_asks_for_nothing(project):
    path = report_of(project)
    page = Page(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < MOST_BYTES
    assert not {"script", "link", "iframe", "object", "form", "b&flat"} & set(page.tags)
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"url\((?!['\"]?#)|@import", path.read_text(encoding="utf-8"))


def test_it_says_what_the_card_says(project):
    page, card = Page(report_of(project).read_text(encoding="utf-8")), card_of(project)
    evaluation = card["evaluation"]
    told = evaluation["figures"]["model"][evaluation["primary"]]["value"]
    assert (f"{told:.3f}" in page.text) or (f"{told:.1%}" in page.text)
    assert f"{card['test_rows']:,} rows that the model never saw" in page.text
    assert card["digest"] in page.text
    for entry in card["importance"][:3]:
        assert entry["feature"] in page.text


def test_every_part_is_drawn(project):
    page = Page(report_of(project).read_text(encoding="utf-8"))
    for title in ("What ran", "How good it is", "How sure it is", "Where it is better and worse", "What it looks at",
                  "Are the unlabelled like the labelled?", "What made it"):  # fmt: skip
        assert title in page.text
    assert page.tags.count("svg") >= 5


def test_the_same_run_gives_the_same_page(numbers, tmp_path):
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    ok("-C", numbers, "report", "--out", one)
    ok("-C", numbers, "report", "--out", other)
    assert one.read_bytes() == other.read_bytes()


def test_names_of_the_data_are_text_and_never_markup(classes):
    text = report_of(classes).read_text(encoding="utf-8")
    assert "<b>&flat" not in text and "&lt;b&gt;&amp;flat" in text
    assert "$0_$" in text


def test_a_run_without_a_model_says_so(tmp_path, numbers):
    place = tmp_path / "young"
    ok("init", place, "--recipe", "profiles", "--source", numbers.parent / "profiles")
    ok("-C", place, "stage")
    assert "This run has no model" in Page(report_of(place).read_text(encoding="utf-8")).text


def test_a_run_that_is_not_there_is_an_error(numbers):
    answer = agecli("-C", numbers, "report", "1999")
    assert answer.code == 2 and "no run '1999'" in answer.err


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
def test_a_browser_shows_it(project, tmp_path):
    """The pictures take the room that they should, and have colours: a blank page has one or two."""
    import matplotlib.image

    target = tmp_path / "page.png"
    subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'browser'}", "--window-size=1100,4200", f"--screenshot={target}",
            report_of(project).as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    seen = (matplotlib.image.imread(target)[:, :, :3] * 255).astype(int)
    blue = (abs(seen - [0, 114, 178]).sum(axis=2) < 60).sum()
    assert seen.shape[:2] == (4200, 1100)
    assert blue > 5_000, "bars and dots are drawn in blue"
    assert len({tuple(colour) for colour in seen[::7, ::7].reshape(-1, 3).tolist()}) > 100
