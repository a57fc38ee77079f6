"""A report as one HTML file: no script, no network, nothing but itself.

For a manager the first screen says what ran, how good it is in a sentence, and what to be careful about; for an
engineer the rest has every figure with its uncertainty, and where it came from.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from agecli.models.metrics import TIERS
from agecli.reporting import charts
from agecli.reporting.gather import Findings

Entry = Mapping[str, Any]

_FIGURES = {
    "mae": ("mean absolute error", ".3f"),
    "rmse": ("root mean squared error", ".3f"),
    "r2": ("R²", ".3f"),
    "accuracy": ("accuracy", ".1%"),
    "log_loss": ("log loss", ".4f"),
    "brier": ("Brier score over all classes", ".4f"),
    "roc_auc": ("ROC AUC", ".3f"),
    "precision_macro": ("precision (mean over classes)", ".1%"),
    "recall_macro": ("recall (mean over classes)", ".1%"),
    "f1_macro": ("F1 (mean over classes)", ".3f"),
    "bias": ("bias (prediction minus truth)", "+.3f"),
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # the colour bar is an image
_ROLES = {"model": "model", "baseline": "linear baseline", "mean": "same for all"}


def render(found: Findings) -> str:
    """The page. Parts without data say so in a sentence, with the command that makes them."""
    parts = [
        _head(found),
        _warnings(found),
        _ran(found),
        _good(found),
        _sure(found),
        _segments(found),
        _why(found),
        _alike(found),
        _made(found),
    ]
    style = (files("agecli.reporting") / "report.css").read_text(encoding="utf-8")
    title = f"{found.manifest.recipe} {found.manifest.period}: run {found.manifest.run_id}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{style}</style></head><body><main>{''.join(part for part in parts if part)}</main></body></html>\n"
    )


def _head(found: Findings) -> str:
    told, facts = found.manifest, found.facts
    about = _text(found.recipe.description) if found.recipe and found.recipe.description else ""
    cards = [
        ("rows", _count(facts.get("rows_out") or facts.get("rows_in"))),
        ("known", _count(facts.get("known"), facts.get("rows_out"))),
        ("predicted", _count(facts.get("predicted"), facts.get("rows_out"))),
        ("default", _count(facts.get("defaulted"), facts.get("rows_out"))),
        ("took", _duration(told.seconds)),
    ]
    tiles = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in cards)
    when = told.started_at[:16].replace("T", " ")
    return (
        f"<header><h1>{_text(told.recipe)} <small>{_text(told.period)}</small></h1>"
        f"<p>{about}</p><p class=quiet>run {_text(told.run_id)}, {_text(told.state)}, started {_text(when)} UTC</p>"
        f"<div class=tiles>{tiles}</div>{_verdict(found)}</header>"
    )


def _verdict(found: Findings) -> str:
    """The sentence that a manager reads: how wrong, compared with what, and how far to trust it."""
    evaluation = _part(found, "evaluation")
    if evaluation is None:
        return "<p>This run has no model whose figures could be told: <code>agecli run --all</code> trains one.</p>"
    primary = evaluation["primary"]
    name, form = _figure(primary)
    ours = evaluation["figures"]["model"][primary]
    rows = evaluation["intervals"]["rows"]
    sentences = [f"On {rows:,} rows that the model never saw, its {name} is <b>{_bounded(ours, form)}</b>"
                 f"{_of_unit(found, primary)}."]  # fmt: skip
    for role, other in (("baseline", "the linear baseline"), ("mean", "saying the same for everyone")):
        gap = evaluation["differences"].get(role, {}).get(primary)
        if gap is not None:
            sentences.append(_compared(gap, form, other))
    interval = evaluation.get("interval")
    if interval:
        sentences.append(
            f"{_bounded(interval['coverage'], '.1%')} of the true values lie inside the"
            f" {interval['level']:.0%} interval."
        )
    reliability = evaluation["reliability"]
    sentences.append(
        "What is said with a confidence comes true about as often: off by"
        f" {_sized(reliability['ece'], '.1%')} on average."
    )
    return f"<p class=verdict>{' '.join(sentences)}</p>"


def _compared(gap: Entry, form: str, other: str) -> str:
    if not gap["shown"]:
        return f"No difference from {other} is shown."
    word = "better" if gap["value"] > 0 else "<b>worse</b>"
    size = {key: abs(gap[key]) for key in ("value", "low", "high")}
    size["low"], size["high"] = sorted((size["low"], size["high"]))
    return f"That is {word} than {other} by {_sized(size, form)}."


def _warnings(found: Findings) -> str:
    listed = [*found.manifest.warnings]
    listed += [str(word) for word in (found.card or {}).get("warnings", ()) if str(word) not in listed]
    if found.manifest.error:
        listed.insert(0, f"{found.manifest.error.get('what')}: {found.manifest.error.get('why')}")
    if not listed:
        return ""
    return f"<section class=warn><h2>Be careful</h2>{_list(map(_text, listed))}</section>"


def _ran(found: Findings) -> str:
    stages = [record for record in found.manifest.stages if record.state != "pending"]
    rows = [
        (
            record.name,
            "fresh" if record.skipped else record.state,
            "" if record.skipped or record.seconds is None else f"{record.seconds:.1f}",
            "" if record.rows is None else f"{record.rows:,}",
        )
        for record in stages
    ]
    timed = sorted((r for r in stages if not r.skipped and r.seconds), key=lambda r: -(r.seconds or 0))
    drawn = charts.seconds([r.name for r in timed], [r.seconds or 0.0 for r in timed]) if timed else ""
    bad = {name.removeprefix("bad_").replace("_", " "): n for name, n in (found.facts.get("bad") or {}).items() if n}
    dirt = ", ".join(f"{count:,} {_text(name)}" for name, count in sorted(bad.items()))
    notes = f"<p>Malformed values, read as missing: {dirt}.</p>" if dirt else ""
    if found.facts.get("labels_outside"):
        notes += f"<p>{found.facts['labels_outside']:,} labels were out of bounds and taken as unknown.</p>"
    return _section(
        "What ran", _pair(_table(("stage", "state", "seconds", "rows"), rows, "lrrr") + notes + _cost(found), drawn)
    )


def _cost(found: Findings) -> str:
    """What the run used. On this machine that costs nothing; elsewhere it is what is paid for."""
    told = [
        r.facts["used"] for r in found.manifest.stages if not r.skipped and isinstance(r.facts.get("used"), Mapping)
    ]
    if not told:
        return ""
    busy = sum(used["cpu_seconds"] for used in told)
    read = sum(used["bytes_read"] or 0 for used in told) / 1e6
    return (
        f"<p>Cost: $0.00, on this machine. It used {busy:,.1f} CPU seconds and read {read:,.1f} MB;"
        " <code>agecli cost --actual</code> prices that as if on AWS.</p>"
    )


def _good(found: Findings) -> str:
    evaluation = _part(found, "evaluation")
    if evaluation is None:
        return ""
    figures, differences = evaluation["figures"], evaluation["differences"]
    names = _ordered(name for name in figures["model"] if "[" not in name)
    rows = []
    for name in names:
        told, form = _figure(name)
        cells = [_bounded(figures[role][name], form) if name in figures[role] else "" for role in _ROLES]
        rows.append((told, *cells, _against(differences, "baseline", name), _against(differences, "mean", name)))
    promised = evaluation["intervals"]
    table = _table(("figure", *_ROLES.values(), "against baseline", "against same for all"), rows, "lrrrll")
    note = (
        f"<p class=quiet>In brackets: {promised['level']:.0%} intervals by {_text(str(promised['by']))} over"
        f" {promised['rows']:,} held-out rows. “Better” is said only where the interval of the difference excludes"
        " zero.</p>"
    )
    return _section("How good it is", table + note + _crossed(found) + _pictures(found))


def _crossed(found: Findings) -> str:
    """The cross-validation, where one was asked for."""
    told = _part(found, "cross_validation")
    if told is None:
        return ""
    primary, rows = told["primary"], told["intervals"]["rows"]
    name, form = _figure(primary)
    again = "" if len(told["repeats"]) == 1 else f", {len(told['repeats'])} times"
    gap = told["differences"].get("baseline", {}).get(primary)
    against = "" if gap is None else " " + _compared(gap, form, "the linear baseline")
    return (
        f"<p>Cross-validation of {told['folds']} folds{again} over {rows:,} rows: {name}"
        f" {_bounded(told['figures']['model'][primary], form)}.{against}</p>"
    )


def _against(differences: Mapping[str, Entry], role: str, name: str) -> str:
    """Is the model better than another? Said where it is shown."""
    gap = differences.get(role, {}).get(name)
    if gap is None or gap["value"] is None:
        return ""
    return "not shown" if not gap["shown"] else "better" if gap["value"] > 0 else "worse"


def _pictures(found: Findings) -> str:
    rows = found.held_out
    if rows is None or rows.num_rows == 0:
        return "<p class=quiet>The held-out rows of this model are gone; train again to see them drawn.</p>"
    truth, told = rows.column("truth"), rows.column("prediction")
    if "lower" in rows.column_names:
        actual, said = (np.asarray(column.to_numpy(), np.float64) for column in (truth, told))
        return _pair(
            charts.predicted_against_actual(actual, said, found.label), charts.residuals(actual, said, found.label)
        )
    classes = [str(word) for word in (found.card or {}).get("decides", {}).get("classes", ())]
    drawn = charts.confusion(truth.to_pylist(), told.to_pylist(), classes)
    return f"<div class=narrow>{drawn}</div>{_by_class(found)}"


def _by_class(found: Findings) -> str:
    figures = (_part(found, "evaluation") or {"figures": {"model": {}}})["figures"]["model"]
    words = [name[len("f1[") : -1] for name in figures if name.startswith("f1[")]
    rows = [
        (word, *(_bounded(figures[f"{kind}[{word}]"], ".1%") for kind in ("precision", "recall", "f1")))
        for word in words
    ]
    return _table(("class", "precision", "recall", "F1"), rows, "lrrr") if rows else ""


def _sure(found: Findings) -> str:
    evaluation = _part(found, "evaluation")
    left = right = ""
    if evaluation is not None:
        told = evaluation["reliability"]
        left = charts.reliability(told["bins"])
        gain = "beats" if told["brier_gain"]["shown"] else "is not shown to beat"
        left += (
            f"<p>Expected calibration error {_bounded(told['ece'], '.3f')}. The confidence's Brier score"
            f" {_bounded(told['brier'], '.4f')} {gain} the best constant's ({told['brier_constant']['value']:.4f}).</p>"
        )
    if found.confidence and any(found.confidence):
        right = charts.confidences(found.confidence, TIERS)
        tiers = found.facts.get("tiers") or {}
        words = ", ".join(f"{tiers[word]:,} {word}" for word in TIERS if word in tiers)
        right += f"<p>Predicted rows of the results by tier: {words} (excellent from 80 %, good 60 %, fair 40 %).</p>"
    if not left and not right:
        return ""
    meaning = (
        f"<p>Confidence is the probability that the {_text(found.label)} lies within"
        f" {found.recipe.tolerance:g} {_text(found.unit)} of the prediction, as held-out rows confirm.</p>"
        if found.recipe is not None and found.recipe.tolerance
        else "<p>Confidence is the probability that the predicted class is the true one, as held-out rows confirm.</p>"
    )
    return _section("How sure it is", meaning + _pair(left, right))


def _segments(found: Findings) -> str:
    evaluation = _part(found, "evaluation")
    if evaluation is None or not evaluation["segments"]:
        return ""
    listed: Sequence[Entry] = evaluation["segments"]
    primary, number = evaluation["primary"], "interval" in evaluation
    drawn = charts.coverage([e for e in listed if e["promised"]], evaluation["interval"]["level"]) if number else ""
    truth = "Bands of the true value" if number else "The true classes"
    note = (
        f"{truth} are shown but never promised: what a row is like is known before its truth is. A band ends before"
        f" its second number, except bands of whole numbers. {_left_out(evaluation)}"
    )
    stars = "a star where it is shown to be better than the baseline's"
    summary = f"<summary>All other figures by segment, {stars}</summary>"
    more = f"<details>{summary}{_table(*_further(listed, primary))}</details>"
    return _section(
        "Where it is better and worse",
        (f"<div class=narrow>{drawn}</div>" if drawn else "")
        + _table(*_by_segment(listed, primary, number))
        + f"<p class=quiet>{note}</p>{more}",
    )


def _by_segment(listed: Sequence[Entry], primary: str, number: bool) -> tuple[list[str], list[list[str]], str]:
    """Heads, rows and sides of the table of segments."""
    what, form = _figure(primary)
    heads = ["segment", "value", "rows", what, "baseline", "against baseline"]
    heads += ["coverage", "width", "confidence", "was right"] if number else ["confidence"]
    rows = []
    for entry in listed:
        figures, sure = entry["figures"], entry["reliability"]
        ours, other = figures["model"][primary], figures["baseline"][primary]
        row = [*_named(entry), f"{entry['rows']:,}", _bounded(ours, form), _bounded({"value": other["value"]}, form)]
        row.append(_against(entry["differences"], "baseline", primary))
        if number:
            row += [_bounded(entry["interval"]["coverage"], ".1%"), format(entry["interval"]["width"]["value"], ".1f")]
        row.append(_bounded({"value": sure["confidence"]["value"]}, ".1%"))
        rows.append([*row, _bounded(sure["right"], ".1%")] if number else row)
    return heads, rows, "llrrrlrrrr"


def _further(listed: Sequence[Entry], primary: str) -> tuple[list[str], list[list[str]], str]:
    """The same for the figures that the first table leaves out; stars mark where the model is shown to be better."""
    names = _ordered(name for name in listed[0]["figures"]["model"] if name != primary)
    heads = ["segment", "value", *(_figure(name)[0] for name in names), "calibration error", "gain in Brier score"]
    rows = []
    for entry in listed:
        told = [_bounded(entry["figures"]["model"][name], _figure(name)[1]) for name in names]
        better = [_against(entry["differences"], "baseline", name) == "better" for name in names]
        cells = [f"{cell} *" if star else cell for cell, star in zip(told, better, strict=True)]
        sure = entry["reliability"]
        rows.append([*_named(entry), *cells, _bounded(sure["ece"], ".3f"), _bounded(sure["brier_gain"], ".4f")])
    return heads, rows, "ll" + "r" * (len(heads) - 2)


def _named(entry: Entry) -> tuple[str, str]:
    return f"{entry['name']}{'' if entry['promised'] else ' (true)'}", str(entry["value"])


def _left_out(evaluation: Entry) -> str:
    """What has too few rows, or is not among the most frequent."""
    listed = [f"{e['segments']:,} of {_text(e['name'])} ({e['rows']:,} rows, {_text(e['why'])})"
              for e in evaluation.get("left_out", ())]  # fmt: skip
    return f"Left out: {'; '.join(listed)}." if listed else ""


def _why(found: Findings) -> str:
    listed = _part(found, "importance")
    if not listed:
        return ""
    drawn = charts.importance(listed, found.unit)
    return _section(
        "What it looks at",
        f"<div class=narrow>{drawn}</div><p class=quiet>How much a feature moves a prediction, on average over held-out"
        " rows. <code>agecli explain --id ID</code> gives the reasons for one row.</p>",
    )


def _alike(found: Findings) -> str:
    shift = _part(found, "shift")
    if shift is None:
        return ""
    if shift.get("auc") is None:
        why = _text(str(shift.get("reason") or "there are too few rows without a label"))
        return _section("Are the unlabelled like the labelled?", f"<p>Not measured: {why}.</p>")
    verdict = (
        "They differ: <b>the figures above come from labelled rows and may not carry over to the others.</b>"
        if shift["differs"]
        else "No difference that matters is shown: the figures above should carry over."
    )
    text = (
        f"<p>A classifier that tries to tell labelled from unlabelled rows by their features has a ROC AUC of"
        f" {_bounded({**shift, 'value': shift['auc']}, '.3f')}; 0.5 is chance. {verdict}</p>"
    )
    listed = [entry for entry in shift.get("features") or () if isinstance(entry, Mapping)][:8]
    columns = [key for key in (listed[0] if listed else {}) if not isinstance(listed[0][key], Mapping | list)]
    rows = [tuple(_cell(entry.get(key)) for key in columns) for entry in listed]
    return _section("Are the unlabelled like the labelled?", text + (_table(columns, rows) if rows else ""))


def _made(found: Findings) -> str:
    card = found.card
    if card is None:
        return ""
    version = found.facts.get("model_version")
    rows: list[tuple[str, str]] = [
        ("model", f"{version}, {card.get('digest', '')}" if version else str(card["digest"]))
    ]
    for name in (
        "about",
        "data",
        "labelled",
        "split",
        "parts",
        "rounds",
        "parameters",
        "methods",
        "versions",
        "baseline",
    ):
        if card.get(name) is not None:
            rows.append((name, _plain(card[name])))
    rows += [("results", str(found.facts["results"]))] if found.facts.get("results") else []
    told = card.get("limits") or ()
    limits = f"<p>What its figures do not say:</p>{_list(_text(str(word)) for word in told)}" if told else ""
    return _section(
        "What made it",
        _table(("", ""), rows) + limits + "<p class=quiet>All of it is in the model's <code>card.json</code>.</p>",
    )


def _part(found: Findings, name: str) -> Any:
    return (found.card or {}).get(name)


def _figure(name: str) -> tuple[str, str]:
    """What a figure is called, and the format of its values."""
    if name.startswith("within_"):
        return f"within {name.removeprefix('within_')}", ".1%"
    return _FIGURES.get(name, (name.replace("_", " "), ".4g"))


def _ordered(names: Iterable[str]) -> list[str]:
    """Figures in the order of `_FIGURES`, those within a tolerance by its size, and the bias last."""
    known = list(_FIGURES)

    def place(name: str) -> tuple[int, float, str]:
        if name.startswith("within_"):
            return known.index("bias"), float(name.removeprefix("within_")), name
        return known.index(name) + (name == "bias") if name in known else len(known), 0.0, name

    return sorted(names, key=place)


def _of_unit(found: Findings, figure: str) -> str:
    return f" {_text(found.unit)}" if figure in ("mae", "rmse") and found.unit else ""


def _bounded(told: Entry, form: str) -> str:
    if told.get("value") is None:
        return ""
    value = format(told["value"], form)
    if told.get("low") is None or told.get("high") is None:
        return value
    return f"{value} ({format(told['low'], form)} to {format(told['high'], form)})"


def _sized(told: Entry, form: str) -> str:
    """A difference: of shares in points."""
    if not form.endswith("%"):
        return _bounded(told, form)
    points = {key: None if told[key] is None else 100 * told[key] for key in ("value", "low", "high")}
    return f"{_bounded(points, '.1f')} points"


def _count(count: Any, whole: Any = None) -> str:
    if not isinstance(count, int):
        return "–"
    return f"{count:,}" + (f" <small>{count / whole:.1%}</small>" if whole else "")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if inner is not None)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _cell(value)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{body}</section>"


def _pair(left: str, right: str) -> str:
    return f"<div class=pair><div>{left}</div><div>{right}</div></div>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """A table of plain text; `align` has l or r per column."""
    sides = [" class=r" if align[at : at + 1] == "r" else "" for at in range(len(heads))]
    head = "".join(f"<th{side}>{_text(name)}</th>" for name, side in zip(heads, sides, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{_text(cell)}</td>" for cell, side in zip(row, sides, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _text(value: str) -> str:
    return html.escape(str(value))
