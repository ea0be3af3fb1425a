"""Plays pipelines of diffusers that denoise a whole piece at once."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from studio.backends.engine import pipelines
from studio.backends.engine.device import device, dtype_for, generator, translate_out_of_memory
from studio.backends.music.check import check_pipeline
from studio.backends.music.engine.mastering import master
from studio.backends.music.parse_description import as_text, language_of
from studio.backends.music.requests import MusicRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Audio
from studio.models.pipelines import read_index

EXACT = ("vae", "vocoder")
"""The parts that make sound of latents: in float32, since fewer digits are heard as noise."""
WITHOUT = ("audio_tokenizer", "audio_token_detokenizer")
"""Parts of ACE-Step that only covers of a recording need."""
WIDE = ("AceStepPipeline",)
"""Pipelines that their makers run in bfloat16; the others are made for float16."""
LENGTHS = ("audio_end_in_s", "audio_length_in_s", "audio_duration", "duration")
"""What pipelines call the seconds to make; each knows one of them."""
SILENCE = 1e-5


class SoundPipeline:
    """A pipeline that is ready to play."""

    def __init__(self, folder: Path, pipe: Any) -> None:
        self._folder, self.pipe = folder, pipe
        self._calls = inspect.signature(type(pipe).__call__).parameters
        pipe.set_progress_bar_config(disable=True)
        for part in (getattr(pipe, name, None) for name in EXACT):
            if part is not None:
                _take_floats(part)
        # Its tiles overlap by more than the decoder looks at: the same sound with less memory.
        if hasattr(pipe.vae, "tile_latent_overlap"):
            pipe.vae.enable_tiling()

    @classmethod
    def load(cls, folder: Path, size: int = 0, **options: Any) -> Self:
        """The pipeline in `folder`, of `size` bytes, on the device. `options` are those of `from_pretrained`, of a
        pipeline that is not to be moved there.

        Raises StudioError for what is no pipeline, is damaged or would run code of its own.
        """
        check_pipeline(folder)
        given = options or {"dtype": _dtype(folder, size)}
        player = cls(folder, pipelines.read(folder, without=WITHOUT, exact=EXACT, **given))
        if not options:
            with translate_out_of_memory():
                pipelines.to_device(player.pipe, size)
        return player

    @property
    def rate(self) -> int:
        """Samples a second."""
        return int(getattr(self.pipe, "vocoder", self.pipe.vae).config.sampling_rate)

    def compose(self, request: MusicRequest, report: Report) -> Audio:
        """The finished piece. What `report` raises is passed on: of latents there is nothing to hear yet."""
        longest = self._longest()
        if request.seconds > longest:
            raise BadInput(
                "This model plays {seconds:.1f} seconds at most.", "Ask for a shorter piece.", seconds=longest
            )
        total = request.steps
        tell = pipelines.PatientReport(report)
        tell(Progress("composing", 0, total))

        def after(step: int, _latents: torch.Tensor | None) -> None:
            tell(Progress("composing", min(step + 1, total), total))

        try:
            with (
                translate_out_of_memory(),
                torch.inference_mode(),
                pipelines.step_callback(self.pipe, after) as watching,
                tell.asking(self.pipe),
            ):
                made = self.pipe(**self._arguments(request), **watching).audios[0]
            sound: NDArray[np.float32] = np.asarray(torch.as_tensor(made).float().cpu())
        except (StudioError, Cancelled):
            raise
        except Exception as error:  # a hostile config may raise anything in there
            raise pipelines.cannot_run(self._folder, error) from error
        finally:
            self.pipe.maybe_free_model_hooks()
        report(Progress("finishing", total, total))
        sound = np.atleast_2d(sound)[:, : round(request.seconds * self.rate)]
        if not np.isfinite(sound).all() or np.abs(sound).max(initial=0.0) < SILENCE:
            raise StudioError("The model made no sound.", "Try another description, seed or a lower guidance.")
        return Audio(master(sound, self.rate), self.rate)

    def _arguments(self, request: MusicRequest) -> dict[str, Any]:
        """What this pipeline's call understands of the request."""
        told = request
        if "bpm" in self._calls:  # it is told tempo and key apart
            told = request.replace(tempo=0, key="any")
        wanted: dict[str, Any] = {
            "prompt": as_text(told) or "music",
            "lyrics": request.lyrics,
            "vocal_language": language_of(request.lyrics) if request.language == "auto" else request.language,
            "bpm": request.tempo or None,
            "keyscale": None if request.key == "any" else request.key,
            **dict.fromkeys(LENGTHS, request.seconds),
            "num_inference_steps": request.steps,
            "guidance_scale": request.guidance,
            "generator": generator(request.seed),
            "output_type": "pt",
        }
        if request.negative:
            wanted["negative_prompt"] = request.negative
        return {name: value for name, value in wanted.items() if name in self._calls}

    def _longest(self) -> float:
        """Seconds that its window holds; endless for one that has none."""
        window = getattr(getattr(self.pipe, "transformer", None), "config", {}).get("sample_size")
        timed = getattr(self.pipe, "projection_model", None)
        if not window or timed is None:
            return float("inf")
        return min(window * self.pipe.vae.hop_length / self.rate, timed.config.max_value)


def _dtype(folder: Path, size: int) -> torch.dtype:
    """The type of numbers of all parts but EXACT: that of the makers' own examples on a graphics card."""
    if read_index(folder).kind in WIDE:
        return dtype_for(size)
    return torch.float16 if device().type == "cuda" else torch.float32


def _take_floats(part: Any) -> None:
    """Has a network in float32 take what others have made in fewer digits."""
    if hasattr(part, "decode"):
        inner = part.decode
        part.decode = lambda latents, *args, **options: inner(latents.float(), *args, **options)
    else:
        part.register_forward_pre_hook(lambda _part, given: tuple(one.float() for one in given))
