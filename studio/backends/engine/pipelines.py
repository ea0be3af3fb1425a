"""Opens folders in the format of diffusers: each of its weights comes from the files, no code of theirs is run."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import logging
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import torch
import transformers as transformers_library
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.logging import disable_progress_bar, set_verbosity_error
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from studio.backends.engine.device import device, translate_out_of_memory
from studio.backends.engine.loaded import check_keys, check_tokens
from studio.backends.engine.schedulers import CosineSdeScheduler
from studio.errors import StudioError, foreign_reason
from studio.jobs.job import Cancelled, Progress, Report
from studio.models.folders import HINT
from studio.models.pipelines import INDEX, LIBRARIES, PipelineIndex, PipelinePart, check, read_index, variant_of

log = logging.getLogger(__name__)

diffusers: Any = diffusers_library  # neither says what it exports
transformers: Any = transformers_library

NETWORKS: tuple[Any, ...] = (ModelMixin, PreTrainedModel)

RENAMED = {"CLIPFeatureExtractor": "CLIPImageProcessor", "GPT2Model": "GPT2LMHeadModel"}
"""Classes that older files name, and those that read the same files now."""

OWN: dict[str, Any] = {"CosineDPMSolverMultistepScheduler": CosineSdeScheduler}
"""Classes of diffusers that need a package which the studio does without, and what stands for them here."""

PATIENCE = 0.5
"""Seconds without a word, after which whoever waits is asked whether to go on."""

SPARED = ("text_encoder_3", "tokenizer_3")
"""Parts that a pipeline works without though it does not say so."""


def read(
    folder: Path,
    without: Collection[str] = (),
    exact: Collection[str] = (),
    after: Callable[[int, int], object] = lambda done, total: None,
    **options: Any,
) -> Any:
    """The pipeline in `folder`. `options` are those of `from_pretrained` for each part with weights, such as `dtype`;
    the parts named in `exact` are in float32 whatever that is, and optional ones named in `without` are left out.
    `after(done, total)` is called before each part and after the last; what it raises passes through.

    Raises StudioError for what is no pipeline, is damaged, incomplete, quantised, or would run code of its own.
    """
    disable_progress_bar()
    set_verbosity_error()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    check(folder)
    index = read_index(folder)
    usual = torch.get_default_dtype()
    try:
        _check_parts(folder, index)
        with translate_out_of_memory():
            made: dict[str, Any] = {}
            parts = [part for part in index.parts if part.name not in without]
            for done, part in enumerate(parts):
                after(done, len(parts))
                given = {**options, "dtype": torch.float32} if part.name in exact else options
                made[part.name] = _part(folder / part.name, part, given)
            after(len(parts), len(parts))
            for name, tokenizer in made.items():
                encoder = made.get(name.replace("tokenizer", "text_encoder"))
                if name.startswith("tokenizer") and encoder is not None:
                    tokenizer("The")  # fails where its settings make no sense
                    check_tokens(folder / name, tokenizer, len(_words(encoder).get_input_embeddings().weight))
            kind = getattr(diffusers, index.kind)
            asked = inspect.signature(kind.__init__).parameters
            given = {**dict.fromkeys((*index.absent, *without)), **index.values, **made}
            return kind(**{name: value for name, value in given.items() if name in asked})
    except (StudioError, Cancelled):
        raise
    except Exception as error:  # a hostile file may raise anything in there
        log.warning("%s cannot be loaded: %s: %s", folder.name, type(error).__name__, error)
        raise StudioError(
            "The model in {folder} ({kind}) cannot be loaded: {reason}.",
            HINT,
            folder=folder,
            kind=index.kind,
            reason=foreign_reason(error),
        ) from error
    finally:
        torch.set_default_dtype(usual)  # which diffusers leaves as that of the model where a config makes it fail


def sharing(pipe: Any, kind: str) -> Any:
    """A pipeline of the class of diffusers that `kind` names, of the parts and the settings of another."""
    made = getattr(diffusers, kind)
    there = {**pipe.config, **pipe.components}
    shared = made(**{name: there[name] for name in inspect.signature(made.__init__).parameters if name in there})
    shared.set_progress_bar_config(disable=True)
    return shared


def _words(encoder: Any) -> Any:
    """The network that reads texts: of one that reads sounds too, that part."""
    part = getattr(encoder, "text_model", None)
    return part if hasattr(part, "get_input_embeddings") else encoder


def to_device(pipe: Any, size: int) -> None:
    """Onto the device; part by part where a graphics card cannot hold all of its `size` in bytes."""
    if device().type == "cuda" and size > 0.7 * torch.cuda.mem_get_info()[0]:
        pipe.enable_model_cpu_offload()
    else:
        pipe.to(device())


@contextlib.contextmanager
def step_callback(pipe: Any, after: Callable[[int, torch.Tensor | None], None]) -> Iterator[dict[str, Any]]:
    """Arguments or hooks that make the pipeline call `after(step, latents)` once a step.

    What `after` raises ends the run: pipelines that know no callback are stopped from a hook on their denoiser.
    """
    if "callback_on_step_end" in inspect.signature(type(pipe).__call__).parameters:

        def end(_pipe: Any, step: int, _time: Any, kept: dict[str, Any]) -> dict[str, Any]:
            after(step, kept.get("latents"))
            return {}

        yield {"callback_on_step_end": end}
        return
    network = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    if network is None:
        raise StudioError("This pipeline does not report progress and cannot be stopped.", "Choose another model.")
    count = iter(range(10**9))
    hook = network.register_forward_pre_hook(lambda *_: after(next(count) - 1, None))
    try:
        yield {}
    finally:
        hook.remove()


class PatientReport:
    """Reports progress, and says the last again where blocks take long: a cancel is heard in a text encoder, a long
    step or a decoder too, of which no pipeline tells.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told = Progress("loading")
        self._when = 0.0

    def __call__(self, progress: Progress) -> None:
        self._told, self._when = progress, time.monotonic()
        self._report(progress)

    @contextlib.contextmanager
    def asking(self, pipe: Any) -> Iterator[None]:
        """Asks before each block of each network of a pipeline, at most every PATIENCE, whether to go on."""
        lists = [
            each
            for network in pipe.components.values()
            if isinstance(network, torch.nn.Module)
            for each in network.modules()
            if isinstance(each, torch.nn.ModuleList | torch.nn.Sequential)
        ]
        hooks = [block.register_forward_pre_hook(self._ask) for blocks in lists for block in blocks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _ask(self, *_: Any) -> None:
        if time.monotonic() - self._when > PATIENCE:
            self(dataclasses.replace(self._told, preview=None))


def cannot_run(folder: Path, error: Exception) -> StudioError:
    """What is said of a pipeline that was opened and fails at its work."""
    log.warning("%s cannot run: %s: %s", folder.name, type(error).__name__, error)
    return StudioError("The model in {folder} cannot run: {reason}.", HINT, folder=folder, reason=foreign_reason(error))


def _check_parts(folder: Path, index: PipelineIndex) -> None:
    """Raises StudioError for a class that diffusers lacks, and for parts that it needs and the index does not name."""
    kind = getattr(diffusers, index.kind, None)
    if kind is None or not hasattr(kind, "_get_signature_keys"):
        raise _unknown(folder, index.kind, "diffusers")
    for part in index.parts:
        if not hasattr(_class(part), "from_pretrained"):
            raise _unknown(folder, part.kind, part.library if part.library in LIBRARIES else "diffusers")
    there = {part.name for part in index.parts}
    needed, _ = kind._get_signature_keys(kind)
    lacking = sorted(set(needed) - there - {*kind._optional_components, *SPARED})
    lacking += sorted(name for name in ("text_encoder", "tokenizer") if name in needed and name not in there)
    if lacking:
        raise StudioError(
            "The model in {folder} is incomplete: its {index} lacks {names}.",
            HINT,
            folder=folder,
            index=INDEX,
            names=", ".join(dict.fromkeys(lacking)),
        )


def _part(folder: Path, part: PipelinePart, options: dict[str, Any]) -> Any:
    """One part, each of whose weights comes from the files."""
    kind = _class(part)
    safe = {"local_files_only": True}
    if not issubclass(kind, NETWORKS):
        return kind.from_pretrained(folder, **safe)
    variant = variant_of(folder, part.stem)
    more = {"variant": variant} if variant else {}
    network, found = kind.from_pretrained(
        folder,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are found below, with their names
        **safe,
        **more,
        **options,
    )
    check_keys(folder, found)
    return network.eval()


def _unknown(folder: Path, kind: str, library: str) -> StudioError:
    return StudioError(
        "{folder} needs {needed}, which this version of {library} does not have.",
        "Choose another model.",
        folder=folder,
        needed=kind[:80],
        library=library,
    )


def _class(part: PipelinePart) -> Any:
    """None where the library has no such class."""
    if part.kind in OWN:
        return OWN[part.kind]
    name = RENAMED.get(part.kind, part.kind)
    if part.library == "transformers":
        return getattr(transformers, name, None)
    home = diffusers if part.library == "diffusers" else getattr(diffusers.pipelines, part.library, None)
    return getattr(home, name, None)
