"""Runs stages on this machine: one worker process for stage after stage, several for batches.

This process holds the workspace's lock, decides what must run, keeps the events, and imports nothing heavy; the
work and its memory are in the workers, and end with them. A worker starts in half a second of CPU time, which is
why one is kept from a stage to the next; training, with libraries of its own, has a process to itself.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agecli import events
from agecli.config import Settings, memory_bytes, worker_count
from agecli.errors import AgecliError, BatchesFailed, ConfigError, GateRefused, Interrupted, from_json
from agecli.events import STAGES, Event
from agecli.executors.base import PlannedStage, RunRequest
from agecli.executors.pool import Pool
from agecli.executors.processes import Worker
from agecli.executors.tasks import Aggregate, FeaturesPart, FeaturesWhole, Generate, Stage, Task
from agecli.executors.usage import added
from agecli.pipeline import cleanup, graph, source
from agecli.pipeline.frozen import FrozenRun, freeze
from agecli.pipeline.parts import NotInParts, Part, likely_parts, parts_of
from agecli.pipeline.registration import Chosen, check_not_rejected, choose, version_of
from agecli.pipeline.space import check_space, check_space_to_generate
from agecli.pipeline.tables import generated, open_workspace, source_path
from agecli.recipe import Recipe
from agecli.workspace import MARKER, EventLog, Lock, Workspace, new_folder, write_json

Facts = dict[str, Any]
_ENDS = (events.STAGE_FAILED, events.RUN_FAILED)


class LocalExecutor:
    """The executor of the place `local`."""

    def run(self, request: RunRequest) -> Iterator[Event]:
        workspace, recipe = _open(request.settings)
        run_id = new_run_id()
        lock = Lock(workspace.root)
        lock.acquire(run_id)
        try:
            yield from _Run(request, workspace, recipe, run_id, lock).events()
        finally:
            lock.release()

    def preview(self, request: RunRequest) -> tuple[PlannedStage, ...]:
        workspace, recipe = _open(request.settings)
        path = source_path(request.settings, workspace, recipe)
        if path is not None and request.settings["source"] is None and not generated(path):
            return tuple(PlannedStage(stage, False, "the rows are not generated yet") for stage in request.stages)
        chosen = _chosen(request, workspace, recipe)
        run = _unwritten(request, workspace, recipe, _find(request, workspace, recipe), chosen)
        reasons = _reasons(run, request)
        _check_reach(request, reasons)
        reasons.setdefault("cleanup", "removes what older runs left")
        return tuple(PlannedStage(stage, stage not in reasons, reasons.get(stage, "fresh")) for stage in request.stages)


def _open(settings: Settings) -> tuple[Workspace, Recipe]:
    """The workspace and the recipe. Raises ConfigError for settings that ask for what this recipe cannot give."""
    workspace, recipe = open_workspace(settings)
    if settings["reasons"] > len(recipe.inputs):
        raise ConfigError(
            f"reasons = {settings['reasons']} ({settings.origin['reasons']})",
            f"the model of {recipe.name} goes by {len(recipe.inputs)} features, each of which is one reason",
            f"--reasons {len(recipe.inputs)} at most",
        )
    if settings["repeats"] > 1 and not settings["folds"]:
        raise ConfigError(
            f"repeats = {settings['repeats']} ({settings.origin['repeats']})",
            "a cross-validation is what is repeated, and folds = 0 asks for none",
            f"--folds 5 --repeats {settings['repeats']}, or leave repeats out",
        )
    return workspace, recipe


def new_run_id() -> str:
    """A run's name: it sorts by the moment it began."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")[:-4] + "Z"


def _find(request: RunRequest, workspace: Workspace, recipe: Recipe) -> source.Source:
    path = source_path(request.settings, workspace, recipe)
    if path is None:
        raise ConfigError(
            "no source", "neither agecli.toml nor a flag names one", "--source PATH, or source in agecli.toml"
        )
    return source.find(recipe, path)


def _chosen(request: RunRequest, workspace: Workspace, recipe: Recipe) -> Chosen | None:
    """The registered model that the setting `model` names; none where nothing is to be predicted."""
    wanted = request.settings["model"]
    predicts = {"predict", "aggregate"} & set(request.stages)
    return choose(workspace, recipe, wanted) if wanted and predicts else None


def _unwritten(
    request: RunRequest, workspace: Workspace, recipe: Recipe, found: source.Source, chosen: Chosen | None
) -> FrozenRun:
    settings = request.settings
    return FrozenRun(
        "preview", workspace, recipe, settings.deciding(), found, worker_count(settings), memory_bytes(settings),
        settings.recipe_values(), chosen.digest if chosen else None, settings["materialise"],
    )  # fmt: skip


def _reasons(run: FrozenRun, request: RunRequest) -> dict[str, str]:
    """The stages that must run; batches that are asked for by number are predicted again although they are fresh."""
    reasons = graph.stale(run, request.stages, request.force)
    if request.batches:
        reasons.setdefault("predict", "batches asked for")
    return reasons


def _check_reach(request: RunRequest, reasons: dict[str, str]) -> None:
    """A stage that must run but was not asked for ends the command before it starts."""
    for stage in STAGES:
        if stage in reasons and stage not in request.stages:
            last = ([name for name in request.stages if name != "cleanup"] or request.stages)[-1]
            raise ConfigError(
                f"cannot run {request.stages[0]}",
                f"{stage} must come first: {reasons[stage]}",
                f"agecli run --to {last}",
            )


@dataclass
class _Run:
    """One run from its first event to its last."""

    request: RunRequest
    workspace: Workspace
    recipe: Recipe
    run_id: str
    lock: Lock
    started: float = field(default_factory=time.monotonic)
    messages: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = field(default_factory=queue.SimpleQueue)
    workers: dict[int, Worker] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    log: EventLog | None = None
    model: str | None = None
    failed: tuple[int, ...] = ()
    workers_started: int = 0
    stages: set[str] = field(default_factory=set)

    def events(self) -> Iterator[Event]:
        yield from self._generate()
        found = _find(self.request, self.workspace, self.recipe)
        chosen = _chosen(self.request, self.workspace, self.recipe)
        reasons = _reasons(_unwritten(self.request, self.workspace, self.recipe, found, chosen), self.request)
        _check_reach(self.request, reasons)
        digest = chosen.digest if chosen else None
        run = freeze(self.run_id, self.workspace, self.request.settings, self.recipe, found, digest)
        self.log = EventLog(run.folder)
        try:
            yield self.event(events.RUN_STARTED, data=self._about(run))
            for warning in chosen.warnings if chosen else ():
                yield self.event(events.WARNING, data={"message": warning})
            yield from self._prepare(run, reasons)
            for stage in self.request.stages:
                yield from self._stage(run, stage, reasons)
            yield self.event(events.RUN_FINISHED, data=self._ending("partial" if self.failed else "done"))
        except BaseException as error:
            yield from self._fail(error)
            raise
        finally:
            self._stop_workers()
        if self.failed:
            raise BatchesFailed(
                f"{len(self.failed)} batches failed",
                "their rows have the default value: " + ", ".join(map(str, self.failed[:20])),
                "agecli predict --failed, then agecli aggregate",
            )

    def _fail(self, error: BaseException) -> Iterator[Event]:
        self._stop_workers()
        interrupted = isinstance(error, Interrupted | KeyboardInterrupt | GeneratorExit)
        told = (
            error
            if isinstance(error, AgecliError)
            else Interrupted("the run was interrupted", "by the user", "agecli run")
            if interrupted
            else AgecliError(f"unexpected {type(error).__name__}", str(error) or "no message", "agecli doctor")
        )
        state = "interrupted" if interrupted else "refused" if isinstance(error, GateRefused) else "failed"
        event = self.event(events.RUN_FAILED, data={**self._ending(state), "error": told.to_json()})
        if not isinstance(error, GeneratorExit):
            yield event

    def event(
        self, kind: str, stage: str | None = None, batch: int | None = None, data: dict[str, Any] | None = None
    ) -> Event:
        event = Event(kind, self.run_id, stage, batch, data or {})
        if self.log is not None:
            # a full disk must not hide the error that is being told
            with contextlib.suppress(AgecliError) if kind in _ENDS else contextlib.nullcontext():
                self.log.append(event)
        return event

    def _about(self, run: FrozenRun) -> dict[str, Any]:
        return {
            "recipe": self.recipe.name,
            "task": self.recipe.task,
            "period": self.workspace.period,
            "stages": list(self.request.stages),
            "command": self.request.command,
            "workers": run.workers,
            "memory": run.memory,
            "source_bytes": run.source.bytes,
        }

    def _ending(self, state: str) -> dict[str, Any]:
        return {"state": state, "seconds": round(time.monotonic() - self.started, 3)}

    # ---- before the first stage

    def _generate(self) -> Iterator[Event]:
        """Makes the rows of a recipe that comes with a generator and was given no source."""
        settings = self.request.settings
        path = source_path(settings, self.workspace, self.recipe)
        if settings["source"] is not None or path is None or generated(path):
            return
        _check_reach(self.request, {"stage": "the rows are not generated yet"})
        check_space_to_generate(self.workspace.root, settings["synth_rows"])
        yield self.event(events.LOG, "stage", data={"message": f"generating {settings['synth_rows']:,} rows in {path}"})
        rows, seed = settings["synth_rows"], settings["synth_seed"]
        task = Generate("generate", str(self.workspace.root), rows, seed, str(path))
        try:
            facts = yield from self.work("stage", task, self.workspace.root / "_generate.log")
            write_json(path / MARKER, facts)
        finally:
            self._stop_workers()

    def _prepare(self, run: FrozenRun, reasons: dict[str, str]) -> Iterator[Event]:
        prints = graph.fingerprints(run)
        # only what is half-done: older versions go when this run has ended well
        old = cleanup.left_behind(self.workspace)
        if old:
            freed = cleanup.remove(old)
            message = f"cleared what older runs left half-done: {freed['removed']} ({freed['bytes'] / 2**20:,.1f} MiB)"
            yield self.event(events.LOG, data={"message": message})
        self.stages = set(reasons)
        for table, version in (("staging", prints.staging), ("features", prints.features)):
            if self.workspace.facts(table, version) is not None:  # perhaps made before another that is live now
                self.workspace.set_current(table, version)
        staged = self.workspace.facts("staging", prints.staging)
        if staged is not None and "stage" not in reasons:
            yield self.event(events.LOG, data={"message": check_space(run, staged["rows_in"], self.stages)})

    # ---- one stage

    def _stage(self, run: FrozenRun, stage: str, reasons: dict[str, str]) -> Iterator[Event]:
        self.model = graph.model_of(run)
        if stage in ("predict", "aggregate") and self.model is not None:
            check_not_rejected(self.workspace, self.model)
        if stage != "cleanup" and stage not in reasons:
            why = f"{self.request.settings['model']} of the registry" if stage == "train" and run.model else "fresh"
            yield self.event(events.STAGE_SKIPPED, stage, data={"why": why, **self._kept_facts(run, stage)})
            return
        if stage == "aggregate" and not self.failed and not self.request.force and self._results_are_current(run):
            yield self.event(events.STAGE_SKIPPED, stage, data={"why": "fresh", **self._kept_facts(run, stage)})
            return
        yield self.event(events.STAGE_STARTED, stage, data=self._start(run, stage, reasons))
        began = time.monotonic()
        try:
            if stage == "predict":
                facts = yield from self._predict(run)
            elif stage == "cleanup":
                facts = self._clean(run)
            elif stage == "stage":
                facts = yield from self._staging(run)
            elif stage == "features":
                facts = yield from self._features(run)
            else:
                facts = yield from self._one_task(run, stage)
        except AgecliError as error:
            seconds = round(time.monotonic() - began, 3)
            yield self.event(events.STAGE_FAILED, stage, data={"error": error.to_json(), "seconds": seconds})
            raise
        # training loads libraries that nothing else needs, and after the batches there is work for one
        self._stop_workers(but={"train": 0, "predict": 1}.get(stage, len(self.workers)))
        for warning in facts.get("warnings", ()):
            yield self.event(events.WARNING, stage, data={"message": warning})
        seconds = round(time.monotonic() - began, 3)
        yield self.event(events.STAGE_FINISHED, stage, data={**facts, "seconds": seconds})

    def _one_task(self, run: FrozenRun, stage: str) -> Generator[Event, None, Facts]:
        """A stage that is one task, for the worker that is there; training is for one of its own."""
        if stage == "train":
            self._stop_workers()
        threads = worker_count(self.request.settings) if stage == "train" else 1
        return (yield from self.work(stage, self._task(run, stage), run.folder / "logs" / f"{stage}.log", threads))

    def _staging(self, run: FrozenRun) -> Generator[Event, None, Facts]:
        """The stage `stage`; workers that the features will want as well get ready meanwhile."""
        others = likely_parts(run) - 1 if "features" in self.stages else 0
        tasks = [self._task(run, "stage"), *[Task("load", str(run.folder))] * others]
        return (yield from self.work_together("stage", tasks, run.folder / "logs" / "stage.log"))[0]

    def _features(self, run: FrozenRun) -> Generator[Event, None, Facts]:
        """The features, made in parts by several workers where that gives the same files, else in one piece."""
        cut = parts_of(run)
        if len(cut) > 1:
            with contextlib.suppress(NotInParts):
                return (yield from self._in_parts(run, cut))
        return (yield from self._one_task(run, "features"))

    def _in_parts(self, run: FrozenRun, cut: tuple[Part, ...]) -> Generator[Event, None, Facts]:
        fingerprint, log, rows = graph.fingerprints(run).features, run.folder / "logs" / "features.log", cut[-1].last
        with new_folder(run.workspace.table("features", fingerprint)) as folder:
            places = str(run.folder), str(folder)
            todo = [FeaturesPart("features part", *places, rows, part.first, part.last, part.file) for part in cut]
            try:
                made = yield from self.work_together("features", todo, log)
                facts = yield from self.work("features", FeaturesWhole("features whole", *places, tuple(made)), log)
            except BaseException:
                for number in self.busy:  # nobody writes into a folder that is to go
                    self.workers.pop(number).stop()
                self.busy.clear()
                raise
        run.workspace.set_current("features", fingerprint)
        used = added([part["used"] for part in (*made, facts)])
        return {**facts, "staging": "ephemeral", "parts": len(cut), "used": used}

    def _start(self, run: FrozenRun, stage: str, reasons: dict[str, str]) -> dict[str, Any]:
        plan = graph.read_plan(self.workspace, graph.fingerprints(run).plan) if stage == "predict" else None
        return {"why": reasons.get(stage, "")} | ({} if plan is None else {"total": len(plan)})

    def _task(self, run: FrozenRun, stage: str) -> Task:
        if stage == "stage":
            return Stage(stage, str(run.folder), tuple(sorted(self.stages)))
        if stage == "aggregate":
            plan = graph.read_plan(self.workspace, graph.fingerprints(run).plan) or []
            assert self.model is not None
            return Aggregate(
                stage, str(run.folder), self.model, len(plan), self.failed, self.request.publish_anyway,
                self.request.force,
            )  # fmt: skip
        return Task(stage, str(run.folder))

    def _results_are_current(self, run: FrozenRun) -> bool:
        if self.model is None:
            return False
        fingerprint = graph.fingerprints(run).results(run, self.model, ())
        whole = self.workspace.facts("results", fingerprint) is not None
        return whole and self.workspace.current("results") == fingerprint

    def _kept_facts(self, run: FrozenRun, stage: str) -> dict[str, Any]:
        """What an earlier run said of a stage that need not run again."""
        prints = graph.fingerprints(run)
        if stage == "stage":
            return self.workspace.facts("staging", prints.staging) or {}
        if stage == "features":
            return self.workspace.facts("features", prints.features) or {}
        if stage == "train":
            return graph.model_facts(self.workspace, self.model, prints.training) if self.model else {}
        if stage == "batches":
            plan = graph.read_plan(self.workspace, prints.plan) or []
            return {"batches": len(plan), "rows": sum(item["rows"] for item in plan)}
        if stage == "predict":
            fresh = graph.fresh_batches(run, self.model) if self.model else {}
            return {"rows": sum(f["rows"] for f in fresh.values()), "scored": sum(f["scored"] for f in fresh.values()),
                    "batches": len(fresh), "batches_failed": []}  # fmt: skip
        fingerprint = prints.results(run, self.model or "", ())
        facts = self.workspace.facts("results", fingerprint) or {}
        told = {
            "results": str(self.workspace.table("results", fingerprint)),
            **version_of(self.workspace, self.model or ""),
        }
        return {**facts, **told} if facts else {}

    def _clean(self, run: FrozenRun) -> dict[str, Any]:
        prints = graph.fingerprints(run)
        keep = {"staging": prints.staging, "features": prints.features, "plan": prints.plan}
        return dict(cleanup.remove(cleanup.superseded(self.workspace, keep)))

    # ---- workers

    def hire(self, log: Path, threads: int) -> int:
        """A worker with nothing to do: one that is there from the stage before, else a new one."""
        for number, worker in self.workers.items():
            if number not in self.busy and worker.alive():
                worker.log = log
                self.busy.add(number)
                return number
        number = self.workers_started
        self.workers_started += 1
        assert self.lock.descriptor is not None
        report = lambda message: self.messages.put((number, message))  # noqa: E731
        self.workers[number] = Worker(log, report, self.lock.descriptor, threads)
        self.busy.add(number)
        return number

    def _stop_workers(self, but: int = 0) -> None:
        """Ends the workers, all `but` so many, which have nothing to do now."""
        self.busy.clear()
        for number in list(self.workers)[but:]:
            self.workers.pop(number).stop()

    def work(self, stage: str, task: Task, log: Path, threads: int = 1) -> Generator[Event, None, Facts]:
        """Has one worker do one task; passes its progress on and returns its facts."""
        (facts,) = yield from self.work_together(stage, [task], log, threads)
        return facts

    def work_together(
        self, stage: str, tasks: Sequence[Task], log: Path, threads: int = 1
    ) -> Generator[Event, None, list[Facts]]:
        """Has each task done by a worker of its own; passes on how far they are together, returns the facts of each.

        The first error ends it: those who are still at work are then among the busy ones.
        """
        numbers = [self.hire(log, threads) for _ in tasks]
        for number, task in zip(numbers, tasks, strict=True):
            self.workers[number].send(task)
        done: dict[int, Any] = {}
        found: dict[int, Facts] = {}
        while len(found) < len(tasks):
            sender, message = self.messages.get()
            if sender not in numbers or sender in found:
                continue
            if message is None:
                raise self.workers[sender].death()
            kind = message.pop("kind")
            if kind in ("error", "done"):
                self.busy.discard(sender)
            if kind == "error":
                raise from_json(message)
            if kind == "done":
                found[sender] = dict(message["facts"])
                continue
            if kind == events.PROGRESS:
                done[sender] = message["done"]
                message["done"] = sum(done.values())
            yield self.event(kind, stage, data=message)
        return [found[number] for number in numbers]

    def _predict(self, run: FrozenRun) -> Generator[Event, None, Facts]:
        prints = graph.fingerprints(run)
        assert self.model is not None
        plan = graph.read_plan(self.workspace, prints.plan) or []
        again = self.request.force and not self.request.batches and not self.request.failed
        fresh = {} if again else graph.fresh_batches(run, self.model)
        for number in self.request.batches:
            if number >= len(plan):
                raise ConfigError(
                    f"no batch {number}", f"the plan has batches 0 to {len(plan) - 1}", "agecli predict --batch N"
                )
            fresh.pop(number, None)
        todo = [item for item in plan if item["batch"] not in fresh]
        if self.request.batches:
            todo = [item for item in todo if item["batch"] in self.request.batches]
        done = dict(fresh)
        errors = yield from Pool(
            self, run, todo, sum(f["rows"] for f in done.values()), sum(i["rows"] for i in plan)
        ).events(done)
        self.failed = tuple(sorted(errors))
        if errors and len(errors) == len(plan):
            raise errors[self.failed[0]]
        return {
            "rows": sum(facts["rows"] for facts in done.values()),
            "scored": sum(facts["scored"] for facts in done.values()),
            "batches": len(plan),
            "batches_skipped": len(fresh),
            "batches_failed": list(self.failed),
        }
