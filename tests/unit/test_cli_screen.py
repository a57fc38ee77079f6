"""What the screen makes of a run's events: plain lines, the live table, JSON lines, the closing summary."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from agecli import events
from agecli.cli import summary
from agecli.cli.board import Board, duration, size
from agecli.cli.live import JsonLines, LiveTable, PlainLines, line, open_screen
from agecli.cli.session import Session
from agecli.events import STAGES, Event, fold

RUN = "20260930T120000000Z"
REGRESSION = {
    "labelled": 37_512,
    "model": "ab12cd34",
    "metrics": {
        "model": {"mae": 2.91, "rmse": 3.8, "r2": 0.89},
        "baseline": {"mae": 3.9, "rmse": 5.0, "r2": 0.8},
        "mean": {"mae": 9.1, "rmse": 11.2, "r2": 0.0},
    },
    "test_rows": 3_751,
    "interval": {"level": 0.8, "coverage": 0.796, "mean_width": 9.31},
}
RATES = {"accuracy": 0.8, "roc_auc": 0.85, "log_loss": 0.44}
CLASSIFICATION = {"metrics": dict.fromkeys(("model", "baseline", "mean"), RATES), "test_rows": 180, "interval": None}


@pytest.fixture
def clocks_in(monkeypatch):
    """Sets the clocks of this machine to another zone."""

    def turn(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield turn
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def clocks_in_utc(clocks_in):
    clocks_in("UTC")


def event(kind, stage=None, batch=None, **data):
    return Event(kind, RUN, stage, batch, data, at="2026-09-30T12:00:00.000000+00:00")


def error(what="cannot read x", why="it is cut short"):
    return {"what": what, "why": why, "fix": "copy it again", "exit_code": 3, "error": "DataError"}


def whole_run(train=REGRESSION):
    """The events of a run in which all goes well."""
    yield event(events.RUN_STARTED, recipe="profiles", task="regression", period="2026Q3", stages=list(STAGES))
    facts = {
        "stage": {"rows": 100_000, "rows_in": 100_000, "bad": {"bad_skills": 12, "bad_dates": 0}, "labels_outside": 7},
        "features": {"rows": 100_000},
        "train": {"rows": 37_512, **train},
        "batches": {"rows": 100_000, "batches": 20},
        "predict": {"rows": 100_000, "batches": 20, "batches_failed": []},
        "aggregate": {
            "rows": 100_000,
            "rows_in": 100_000,
            "rows_out": 100_000,
            "known": 37_512,
            "predicted": 62_488,
            "defaulted": 0,
            "tiers": {"excellent": 60_000, "good": 30_000, "fair": 9_000, "poor": 1_000},
            "results": "/data/workspace/profiles/2026Q3/results/ab12",
        },
        "cleanup": {"removed": 3, "bytes": 3 << 20},
    }
    for stage in STAGES:
        yield event(events.STAGE_STARTED, stage)
        yield event(events.PROGRESS, stage, done=1, total=2, unit="rows")
        if stage == "predict":
            for batch in range(20):
                yield event(events.BATCH_FINISHED, stage, batch, rows=5_000, seconds=0.1)
        yield event(events.STAGE_FINISHED, stage, seconds=1.5, **facts[stage])
    yield event(events.RUN_FINISHED, state="done", seconds=10.5)


def failed_run():
    """A run whose train stage breaks."""
    yield event(events.RUN_STARTED, recipe="profiles", task="regression", period="2026Q3", stages=list(STAGES))
    yield event(events.STAGE_SKIPPED, "stage", why="fresh", rows=10, rows_in=10)
    yield event(events.STAGE_STARTED, "features")
    yield event(events.STAGE_FAILED, "features", error=error(), seconds=0.2)
    yield event(events.RUN_FAILED, state="failed", error=error(), seconds=0.4)


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self):
        return self.now


def session(*typed):
    made = Session(list(typed))
    made.running = True
    return made


def test_plain_lines_tell_each_happening_once_and_no_tick(capsys):
    with PlainLines() as screen:
        for each in whole_run():
            screen.show(each)
    lines = capsys.readouterr().err.splitlines()
    assert "12:00:00 stage      done: 100,000 rows, 1.5 s" in lines
    assert "12:00:00 batches    done: 100,000 rows, 20 batches, 1.5 s" in lines
    assert [text for text in lines if "of 20 batches" in text] == [
        f"12:00:00 predict    {count} of 20 batches" for count in range(2, 21, 2)
    ]
    assert len(lines) == 1 + 2 * len(STAGES) + 10


@pytest.mark.parametrize(("planned", "lines"), [(1_000, 10), (25, 12), (3, 3), (None, 10)])
def test_many_batches_are_few_lines(capsys, planned, lines):
    """Every tenth part; where their number is not known, the 1st, 2nd, 4th, 8th, ..."""
    screen = PlainLines()
    screen.board.batches_planned = planned
    screen.show(event(events.STAGE_STARTED, "predict"))
    for batch in range(planned or 1_000):
        screen.show(event(events.BATCH_FINISHED, "predict", batch, rows=1))
    assert capsys.readouterr().err.count("batch") == lines


def test_a_message_of_several_lines_is_one(capsys):
    PlainLines().show(event(events.BATCH_FAILED, "predict", 2, error=error("cannot read x", "it is\ncut\n")))
    assert capsys.readouterr().err == "12:00:00 predict    batch 2 failed: cannot read x: it is cut\n"


def test_json_lines_are_the_events_themselves(capsys):
    told = list(whole_run())
    with JsonLines() as screen:
        for each in told:
            screen.show(each)
    captured = capsys.readouterr()
    assert [Event.from_json(text) for text in captured.err.splitlines()] == told
    assert captured.out == ""


def test_without_a_terminal_nothing_is_animated(capsys):
    assert isinstance(open_screen("text"), PlainLines)
    assert isinstance(open_screen("json"), JsonLines)


def drawn(screen, capsys):
    """The live table as text."""
    screen.console.print(screen.table())
    return capsys.readouterr().err


def test_the_live_table_shows_all_stages_before_the_first_begins(capsys):
    screen = LiveTable(Board(Clock()))
    screen.board.take(next(whole_run()))
    text = drawn(screen, capsys)
    assert all(stage in text for stage in STAGES)


def test_the_live_table_shows_rows_a_second_batches_and_the_time_left(capsys):
    clock = Clock()
    screen = LiveTable(Board(clock))
    board = screen.board
    board.take(event(events.RUN_STARTED, recipe="p", stages=["batches", "predict"]))
    board.take(event(events.STAGE_FINISHED, "batches", batches=20, seconds=0.1, rows=100_000))
    board.take(event(events.STAGE_STARTED, "predict"))
    board.take(event(events.PROGRESS, "predict", done=0, total=100_000, unit="rows"))
    clock.now += 10
    for batch in range(5):
        board.take(event(events.BATCH_FINISHED, "predict", batch, rows=5_000))
    board.take(event(events.PROGRESS, "predict", done=25_000, total=100_000, unit="rows"))
    screen.console.width = 120
    text = drawn(screen, capsys)
    assert "25,000" in text and "2,500" in text
    assert "25%" in text and "5 of 20 batches" in text and "30.0 s left" in text


def test_rows_done_by_an_earlier_run_do_not_count_as_speed():
    clock = Clock()
    board = Board(clock)
    view = board.take(event(events.STAGE_STARTED, "predict"))
    board.take(event(events.PROGRESS, "predict", done=90_000, total=100_000, unit="rows"))
    clock.now += 5
    board.take(event(events.PROGRESS, "predict", done=95_000, total=100_000, unit="rows"))
    assert view is not None
    assert view.rate(clock()) == 1_000
    assert view.left(clock()) == 5.0


def test_batches_done_by_an_earlier_run_do_not_count_as_speed_either():
    clock = Clock()
    board = Board(clock)
    view = board.take(event(events.STAGE_STARTED, "predict"))
    clock.now += 10
    board.take(event(events.BATCH_FINISHED, "predict", 9, rows=5_000))
    board.take(event(events.PROGRESS, "predict", done=95_000, total=100_000, unit="rows"))
    assert view is not None
    assert view.rate(clock()) == 500
    assert view.left(clock()) == 10.0
    board.take(event(events.BATCH_FINISHED, "predict", 10, rows=5_000))
    assert view.left(clock()) is None


def test_a_phase_is_not_taken_for_rows():
    clock = Clock()
    board = Board(clock)
    view = board.take(event(events.STAGE_STARTED, "train"))
    board.take(event(events.PROGRESS, "train", done=0.5, total=1, unit="trees"))
    clock.now += 5
    assert view is not None
    assert view.rate(clock()) is None
    assert view.share() == 0.5


def test_the_summary_has_what_a_reader_asks(capsys):
    summary.show(fold(whole_run()), session("-C", "demo", "run", "--all"))
    captured = capsys.readouterr()
    assert captured.out == ""
    text = captured.err
    for wanted in (
        "done in 10.5 s",
        "100,000 in, 100,000 out",
        "37,512 known (37.5%), 62,488 predicted (62.5%), 0 default (0.0%)",
        "60,000 excellent",
        "12 skills (read as missing)",
        "7 out of bounds",
        "3,751 rows that no model saw",
        "80% interval: 79.6% of the true values lie inside, mean width 9.31",
        "/data/workspace/profiles/2026Q3/results/ab12",
        "ab12cd34",
        "3 items, 3.0 MiB",
    ):
        assert wanted in text
    assert "bad_dates" not in text
    assert text.splitlines()[-1].startswith("next: agecli")


def test_errors_of_model_baseline_and_mean_stand_side_by_side():
    text = summary.text(fold(whole_run()), session())
    table = [text_line.split() for text_line in text.splitlines()]
    assert ["MAE", "RMSE", "R2"] in table
    assert ["model", "2.910", "3.800", "0.890"] in table
    assert ["baseline", "3.900", "5.000", "0.800"] in table
    assert ["mean", "9.100", "11.200", "0.000"] in table


def test_a_classification_is_told_in_its_own_words():
    text = summary.text(fold(whole_run(CLASSIFICATION)), session())
    assert "log loss" in text and "ROC AUC" in text and "base rate" in text
    assert "interval" not in text and "MAE" not in text


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"model": {"r2": 0.9991}, "mean": {"r2": 0.0}}, True),
        ({"model": {"r2": 0.97}, "mean": {"r2": 0.0}}, False),
        ({"model": {"accuracy": 1.0}, "mean": {"accuracy": 0.6}}, True),
        ({"model": {"accuracy": 0.996}, "mean": {"accuracy": 0.99}}, False),
    ],
)
def test_a_model_without_errors_makes_one_ask_for_the_reason(metrics, said):
    importance = [{"feature": "tags_has_pro", "mean_abs_shap": 1.4}]
    found = {"metrics": metrics, "test_rows": 1_000, "importance": importance}
    text = " ".join(summary.text(fold(whole_run(found)), session()).split())
    assert ("give the label away" in text and "tags_has_pro is the strongest" in text) is said


def test_a_failure_says_what_failed_what_is_kept_and_what_resumes():
    text = summary.text(fold(failed_run()), session("run", "--all", "--force"))
    assert "features failed: cannot read x: it is cut short" in text
    assert "is kept" in text
    assert "`agecli run --all` goes on" in text


def test_after_a_refusal_nobody_is_told_to_type_the_same_again():
    refused = (replace(each, data={**each.data, "state": "refused"}) if each.kind == events.RUN_FAILED else each
               for each in failed_run())  # fmt: skip
    text = summary.text(fold(refused), session("run", "--all"), closing=True)
    assert "features was refused" in text and "last good results" in text
    assert "goes on" not in text


def test_failed_batches_are_named_with_the_command_that_does_them_again():
    def partial():
        for each in whole_run():
            if each.kind == events.RUN_FINISHED:
                yield event(events.RUN_FINISHED, state="partial", seconds=1.0)
            elif each.kind == events.BATCH_FINISHED and each.batch in (3, 7):
                yield event(events.BATCH_FAILED, "predict", each.batch, error=error(), rows=5)
            else:
                yield each

    text = summary.text(fold(partial()), session())
    assert "batches failed: 3, 7" in text
    assert "agecli predict --failed" in text


@pytest.mark.parametrize("count", range(40))
def test_every_prefix_of_a_run_can_be_shown(count):
    """A run that is looked at, or killed, at any moment."""
    told = list(whole_run())[: count + 1]
    board = Board(Clock())
    for each in told:
        line(each, board.take(each), board)
    LiveTable(board).table()
    assert summary.text(fold(told), session())
    json.dumps(fold(told).to_json())


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, ""), (0.04, "0.0 s"), (59.94, "59.9 s"), (185, "3 min 05 s"), (7_830, "2 h 10 min")]
)
def test_durations_read_well(seconds, told):
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")]
)
def test_sizes_read_well(count, told):
    assert size(count) == told


def test_times_are_those_of_the_clocks_here(capsys, clocks_in):
    clocks_in("Asia/Kolkata")
    PlainLines().show(event(events.WARNING, message="hot"))
    assert capsys.readouterr().err == "17:30:00 run        warning: hot\n"
