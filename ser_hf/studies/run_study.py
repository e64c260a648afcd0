"""A study from top to bottom: its runs, those to do, the table of those that are done."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_hf.base.alone import alone
from ser_hf.base.atomic import write_json
from ser_hf.base.errors import RecipeError
from ser_hf.base.steps import steps
from ser_hf.flows.folds import folds_for
from ser_hf.training import Recipe

from .costs import study_costs
from .estimate import Estimate
from .grid import Cell, StudyRun, expand
from .launchers import Finished, Launcher, Started
from .launchers.launcher import Job
from .progress import Progress, told
from .state import State, complete, note, state_of, took
from .study import Study
from .table import Row, study_table
from .writing import write_study_table

_OWNER = "study.json"
_RESUME = ("--resume_from_checkpoint", "last")


@dataclass(frozen=True)
class Plan:
    """The runs of a study and how far each is.

    Attributes:
        study: what is run.
        output: the study's folder.
        cells: its runs, by cell.
        states: of every run.
        estimate: of what they take.
    """

    study: Study
    output: Path
    cells: Sequence[Cell]
    states: Mapping[Path, State]
    estimate: Estimate

    @property
    def runs(self) -> list[StudyRun]:
        """Every run, fold by fold over all cells, so that a first answer to all is there early."""
        runs = [run for cell in self.cells for run in cell.runs]
        place = {run.folder: i for cell in self.cells for i, run in enumerate(cell.runs)}
        return sorted(runs, key=lambda run: place[run.folder])

    @property
    def to_do(self) -> list[StudyRun]:
        """The runs that are not done."""
        return [run for run in self.runs if self.states[run.folder] is not State.DONE]

    def lines(self, jobs: int) -> list[str]:
        """The runs with their states and estimates, and the sum."""
        shown = []
        for run in self.runs:
            state, seconds = self.states[run.folder], self.estimate.seconds(run)
            time = (
                "" if state is State.DONE else f", about {told(seconds)}" if seconds is not None else ", time unknown"
            )
            shown.append(f"{state:<11} {run.label}{time}")
        counts = Counter(self.states.values())
        left = self.estimate.left(self.to_do, jobs)
        about = f"; about {told(left)} with {jobs} at a time" if left is not None else ""
        return [*shown, f"{len(self.runs)} runs: {', '.join(f'{n} {s}' for s, n in sorted(counts.items()))}{about}"]


def plan_study(study: Study, output: Path, words: Sequence[str] = (), imagenet: str | None = None) -> Plan:
    """Lists the runs of a study and how far each is; nothing is run.

    Args:
        study: what is run.
        output: the study's folder.
        words: overrides of every run.
        imagenet: a file of weights, for rows that start from ImageNet's.

    Raises:
        RecipeError: a recipe, key or value is none, or a run is done by other settings.
        SerHfError: the recordings cannot be read, which the number of folds depends on.
    """
    known: dict[tuple[object, ...], tuple[int, ...]] = {}

    def folds(recipe: Recipe) -> tuple[int, ...]:
        data = recipe.data
        key = (
            *data.corpora,
            *data.data_dirs,
            data.data_root,
            data.scheme,
            data.protocol,
            data.folds,
            *data.test_corpora,
        )
        if key not in known:
            known[key] = folds_for(recipe)
        return known[key]

    cells = expand(study, output, folds, words, imagenet)
    estimate, states = Estimate(), {}
    for run in (run for cell in cells for run in cell.runs):
        states[run.folder] = state_of(run)
        if states[run.folder] is State.DONE and (seconds := took(run)) is not None:
            estimate.add(run, seconds)
    return Plan(study, output, cells, states, estimate)


def run_study(
    study: Study,
    output: Path,
    launcher: Launcher,
    *,
    words: Sequence[str] = (),
    imagenet: str | None = None,
    launch: Sequence[str] | None = None,
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Does the runs of a study that are not done, and writes its table.

    A run that is done is not done again, one that was interrupted goes on from its last whole checkpoint, one that
    fails stops no other. Features and embeddings are computed once and found again by every run of the same settings.

    Args:
        study: what is run.
        output: the study's folder, which no other study may have.
        launcher: where runs are done.
        words: overrides of every run.
        imagenet: a file of weights, for rows that start from ImageNet's.
        launch: words for ``accelerate launch``, which then does every run; None: one process does it.

    Returns:
        The lines of the table, and what failed, by run.

    Raises:
        SerHfError: the folder is in use or of another study, or see `plan_study`; nothing was run then.
    """
    with alone(output):
        _own(study, output)
        plan = plan_study(study, output, words, imagenet)
        failed: dict[str, str] = {}
        try:
            failed = _do(plan, launcher, launch)
        finally:
            lines = write_table(plan, failed)
    return lines, failed


def _own(study: Study, output: Path) -> None:
    """Makes the folder that of the study.

    Raises:
        RecipeError: it is of another.
    """
    path = output / _OWNER
    try:
        owner = json.loads(path.read_text(encoding="utf-8")).get("study")
    except FileNotFoundError:
        owner = study.name
    except (ValueError, AttributeError) as error:
        raise RecipeError(f"{path} is damaged: {error}; remove it if {output} is the folder of {study.name}") from error
    if owner != study.name:
        raise RecipeError(f"{output} is the folder of the study {owner}, not of {study.name}; choose another --output")
    write_json(path, {"study": study.name, "title": study.title})


def _do(plan: Plan, launcher: Launcher, launch: Sequence[str] | None) -> dict[str, str]:
    runs = plan.to_do
    done = len(plan.runs) - len(runs)
    for run in plan.runs:
        if plan.states[run.folder] is State.DONE:
            complete(run)
    if done:
        steps.info("%d of %d runs are done", done, len(plan.runs))
    failed: dict[str, str] = {}
    if not runs:
        return failed
    with Progress(runs, done, launcher.jobs, plan.estimate) as progress:
        events = launcher.run([_job(run, plan.states[run.folder], plan.study.name, launch) for run in runs])
        try:
            for event in events:
                match event:
                    case Started(number):
                        progress.begin(number)
                    case Finished(number, seconds, error):
                        note(runs[number], seconds, error)
                        progress.end(number, seconds, error)
                        if error is not None:
                            failed[runs[number].label] = error
        finally:
            events.close()
    return failed


def _job(run: StudyRun, state: State, study: str, launch: Sequence[str] | None) -> Job:
    resume = _RESUME if state is State.INTERRUPTED else ()
    return {
        "folder": str(run.folder.resolve()),
        "source": run.source,
        "words": [*run.words, "--output_dir", str(run.folder), *resume],
        "launch": None if launch is None else [*launch],
        "cwd": os.getcwd(),
        "study": study,
    }


def write_table(plan: Plan, failed: Mapping[str, str]) -> list[dict[str, str]]:
    """Writes the table of what is done, and gives its lines; cells of which nothing is done are remarked on."""
    rows, empty = [], []
    for cell in plan.cells:
        done = [(run.seed, run.folder) for run in cell.runs if (run.folder / "results.json").is_file()]
        if done:
            rows.append(Row(cell.names, done, len(cell.runs), plan.study.figures_of(cell.names)))
        else:
            empty.append(", ".join(cell.names.values()))
    if not rows:
        return []
    study = plan.study
    remarks = [*study.caveats, *(f"not run: {text}" for text in (*study.not_run, *empty))]
    remarks += [f"failed: {label}: {error}" for label, error in failed.items()]
    lines = study_table(rows, study.baseline)
    write_study_table(
        plan.output,
        lines,
        study_costs(rows),
        title=study.title,
        about=study.about,
        source=study.source,
        remarks=remarks,
        runs=[[folder for _, folder in row.runs] for row in rows],
    )
    return lines
