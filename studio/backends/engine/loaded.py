"""Loads models and tokenizers of transformers from folders: safetensors only, each weight used, no code run."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from studio.backends.engine.device import translate_out_of_memory
from studio.errors import OutOfMemory, StudioError, foreign_reason
from studio.jobs.job import Cancelled
from studio.models.folders import HINT, named

log = logging.getLogger(__name__)

CONSTANTS = re.compile(
    r"(^|\.)(attn|attention)\.(bias|masked_bias)$|\.rotary_emb\.inv_freq$|\.embed_positions\.weights$"
    r"|(^|\.)position_ids$"
)
"""What older versions of transformers saved among the weights, and newer ones compute."""


def read_weights(kind: Any, folder: Path, **options: Any) -> Any:
    """The model of the class `kind` in `folder`, each of whose weights comes from the files. Raises StudioError."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        with translate_out_of_memory():
            # Shapes that differ are found below, with their names.
            model, found = kind.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **options,
            )
    except OutOfMemory:
        raise
    except Exception as error:  # a hostile file may raise anything in there
        raise unreadable(folder, error) from error
    check_keys(folder, found)
    return model


def check_keys(folder: Path, found: dict[str, Any]) -> None:
    """Raises StudioError for weights that are missing, of another shape, or of no use to the network.

    `found` is what `from_pretrained` of transformers and diffusers tells with `output_loading_info`.
    """
    if found["missing_keys"]:
        raise StudioError(
            "The model in {folder} is incomplete: its weights lack {names}.",
            HINT,
            folder=folder,
            names=named(found["missing_keys"]),
        )
    if found["mismatched_keys"]:
        name, has, needs = min((str(name), list(has), list(needs)) for name, has, needs in found["mismatched_keys"])
        raise StudioError(
            "The model in {folder} is damaged: {name} has the shape {has}, and config.json asks for {needs}.",
            HINT,
            folder=folder,
            name=name,
            has=str(has),
            needs=str(needs),
        )
    unused = [name for name in found["unexpected_keys"] if not CONSTANTS.search(name)]
    if unused:
        raise StudioError(
            "The model in {folder} has weights that its network does not use: {names}.",
            "It would not work as it was trained to. Choose another one.",
            folder=folder,
            names=named(unused),
        )


def read_tokenizer(folder: Path, rows: int) -> Any:
    """The tokenizer in `folder`. Raises StudioError where it cannot be read, or has more tokens than the `rows` of the
    embedding that reads them.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer("The")  # fails where its settings make no sense
    except Exception as error:  # a hostile file may raise anything in there
        raise unreadable(folder, error) from error
    check_tokens(folder, tokenizer, rows)
    return tokenizer


def check_tokens(folder: Path, tokenizer: Any, rows: int) -> None:
    """Raises StudioError for a tokenizer with more tokens than the `rows` of the embedding that reads them."""
    count = max(tokenizer.get_vocab().values(), default=-1) + 1
    if count > rows:
        raise StudioError(
            "The tokenizer in {folder} has {count} tokens, and the weights know {rows}.",
            HINT,
            folder=folder,
            count=count,
            rows=rows,
        )


@contextlib.contextmanager
def errors_of_networks(folder: Path) -> Generator[None]:
    """Turns what a network raises that its config.json has made impossible into a StudioError; errors of the studio and
    of the system pass, and a cancel.
    """
    try:
        yield
    except (StudioError, Cancelled, OSError):
        raise
    except Exception as error:  # a hostile config may raise anything in there
        log.warning("%s cannot run", folder.name, exc_info=True)
        raise StudioError(
            "The model in {folder} cannot run: its weights and its config.json do not fit each other.",
            HINT,
            folder=folder,
        ) from error


def unreadable(folder: Path, error: BaseException) -> StudioError:
    """The error to raise for what a library raised at a folder."""
    log.warning("%s cannot be read: %s: %s", folder.name, type(error).__name__, error)
    return StudioError(
        "The model in {folder} cannot be read: {reason}.", HINT, folder=folder, reason=foreign_reason(error)
    )
