"""Task, Family, Medium and Engine: what can be asked for, with which models, and what runs it; imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from studio.errors import BadInput
from studio.jobs.job import Report
from studio.media.payloads import Payload
from studio.models.families import Family, family_named
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.request import Request, TrainRequest


class Engine(Protocol):
    """Runs the requests of a task with one set of models. Made without arguments; only one thread ever touches it."""

    def load(self, resources: Resources, report: Report) -> None:
        """Make the models ready to run. Called once; `resources.works` are those of the first request only."""
        ...

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """Make the work. Calls `report` at least once a step; what it raises (Cancelled) must pass through."""
        ...

    def close(self) -> None:
        """Give back all memory."""
        ...


@dataclass(frozen=True, slots=True)
class StageText:
    """How a stage that an engine reports is shown: `words`, or `counted` where there are steps to count.

    `stage` is the reported text, or the template of a reported Message. `counted` is a template with {done}, {total}
    or {percent}; empty shows no count.
    """

    stage: str
    words: str
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that can be asked for.

    `engine` is the name of a class, "module:Class", imported only where it runs. `result` is what its payloads become:
    a work in the library, a model in the catalog, or nothing ("none"). `lane` is where it runs: the device, beside it
    at low priority ("training"), or threads of the studio itself ("io"). `follow` says that the page of its medium
    shows how far it is and what came out. `stages` are the stages that the window shows in other words than reported.
    `enlarges` are the factors by which it makes a picture larger, the fields `picture` and `factor` of its request;
    exports offer that.
    """

    request: type[Request]
    engine: str
    result: Literal["work", "model", "none"] = "work"
    lane: Literal["device", "training", "io"] = "device"
    follow: bool = True
    stages: tuple[StageText, ...] = ()
    enlarges: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleSheet:
    """How samples lie on the sheet.png of a starter: cells of one size in pixels, with a gap around each."""

    width: int
    height: int
    gap: int = 0


@dataclass(frozen=True, slots=True)
class OnboardingText:
    """What an empty page says: a heading, a sentence, and examples to try in turn, each the fields of a request."""

    heading: str
    words: str
    examples: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Demo:
    """The works of the demo page: their heading there, and their requests as `Request.from_json` reads them."""

    title: str
    requests: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of work with a page of its own: what can be asked for, and the families of models that answer.

    The first task is the one that its page asks for. `starter` is the id of the model that comes with the studio;
    `stage` says how its works are shown, `makes` what its models make, in a few words; `samples` is how samples lie on
    the sheet of its starter, if they can be shown one by one. `candidates` is how many results its page offers to make
    at first. `plugin` names the module of its part of the window where that is not studio.ui.<name>, `cli` that of its
    part of the command line where that is not studio.cli.<name>.
    """

    name: str
    title: str
    icon: str
    tasks: tuple[Task, ...]
    starter: str
    stage: Literal["image", "text", "audio"]
    families: tuple[Family, ...] = ()
    makes: str = ""
    samples: SampleSheet | None = None
    onboarding: OnboardingText = OnboardingText("Create something", "Fill in the form and press Generate.", ({},))
    demo: Demo = Demo("", ())
    candidates: int = 1
    plugin: str = ""
    cli: str = ""

    @property
    def plugin_module(self) -> str:
        """The module whose PLUGIN is this medium's part of the window; it need not exist."""
        return self.plugin or f"studio.ui.{self.name}"

    @property
    def cli_module(self) -> str:
        """The module whose PLUGIN is this medium's part of the command line; it need not exist."""
        return self.cli or f"studio.cli.{self.name}"

    @property
    def default_task(self) -> Task:
        """What its page asks for."""
        return self.tasks[0]

    @property
    def training_task(self) -> Task | None:
        """The task that trains a model of this medium; None where there is none."""
        return next((task for task in self.tasks if issubclass(task.request, TrainRequest)), None)

    @property
    def work_tasks(self) -> tuple[Task, ...]:
        """The tasks whose results are works, the default one first."""
        return tuple(task for task in self.tasks if task.result == "work")

    def task(self, request: Request) -> Task:
        """The task that runs a request. BadInput for a request of another medium."""
        return find_task(self.tasks, request)

    def family(self, name: str) -> Family:
        """The family of that name, else the medium's nameless one, else one that changes nothing."""
        return family_named(self.families, name)

    def usual_request(self, family: str, model: Model | None = None) -> Request:
        """What its page asks for at first with a model of this family: the values that suit it."""
        kind = self.default_task.request
        return kind(**self.family(family).suited(kind, model))

    def with_engines(self, engine_of: Callable[[Task], str]) -> Medium:
        """The same medium with other engines, as measurements and tests use it."""
        return dataclasses.replace(
            self, tasks=tuple(dataclasses.replace(task, engine=engine_of(task)) for task in self.tasks)
        )


def find_task(tasks: Sequence[Task], request: Request) -> Task:
    """The task that runs a request. BadInput where there is none."""
    for task in tasks:
        if task.request is type(request):
            return task
    raise BadInput("Nothing here can run {kind}.", kind=request.kind)
