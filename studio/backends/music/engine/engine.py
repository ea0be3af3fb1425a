"""The music engine: our own models from a plan, and MusicGen models and pipelines of diffusers from text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    EncodecModel,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    MusicgenMelodyForConditionalGeneration,
)

from studio.backends.engine.device import device, free_memory, generator, translate_out_of_memory
from studio.backends.engine.loaded import errors_of_networks, read_tokenizer, read_weights
from studio.backends.medium import Resources
from studio.backends.music.check import check
from studio.backends.music.engine.codec import decode, to_device
from studio.backends.music.engine.diffusion import SoundPipeline
from studio.backends.music.engine.files import FAMILY, LoadedStarter, load_starter, read_config
from studio.backends.music.engine.mastering import master
from studio.backends.music.engine.prior import Condition, NoteGrammar, SamplingOptions, sample, undelay
from studio.backends.music.parse_description import as_text, fill_from_text
from studio.backends.music.plan import UNKNOWN, make_plan
from studio.backends.music.requests import GENRES, MOODS, MusicRequest
from studio.errors import BadInput, Message, StudioError
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Audio, Payload
from studio.models.pipelines import INDEX
from studio.schema.request import Request

PREVIEW_SECONDS = 2.0
WARMUP_SECONDS = 1.0
"""How far back a preview is decoded again, for the codec to know what came before."""
LONGEST_TEXT = 256
MUSICGENS = {"musicgen": MusicgenForConditionalGeneration, "musicgen_melody": MusicgenMelodyForConditionalGeneration}


class MusicModel(Protocol):
    """A loaded model: what it draws codes with, what turns them into sound, and what a request means to it."""

    decoder: MusicgenForCausalLM
    codec: EncodecModel
    choosing: SamplingOptions
    context: int
    room: float
    grammar: NoteGrammar | None

    def conditions(self, request: MusicRequest, frames: int) -> Condition: ...


class PlanModel:
    """A model of this studio's: the request becomes a plan, the plan conditions every frame."""

    choosing = SamplingOptions(temperature=0.8, top_k=12)
    room = 0.22

    def __init__(self, model: LoadedStarter) -> None:
        if model.prior is None:
            raise StudioError("This music model has a codec only.", "Train its prior with `studio train music`.")
        self._prior, self._labelled = to_device(model.prior), model.labelled
        self.decoder, self.codec = model.prior.decoder, to_device(model.codec)
        self.grammar = model.prior.grammar
        self.context = int(self.decoder.config.max_position_embeddings)

    def conditions(self, request: MusicRequest, frames: int) -> Condition:
        rate = frame_rate(self.codec)
        asked = fill_from_text(request)
        _check_known(Message("genre"), asked.genre, GENRES)
        _check_known(Message("mood"), asked.mood, MOODS)
        plan = make_plan(asked.genre, asked.mood, asked.tempo, asked.key, frames / rate, random.Random(request.seed))
        labels, timeline = torch.from_numpy(plan.labels())[None], torch.from_numpy(plan.timeline(frames, rate))[None]
        if not self._labelled:
            labels, timeline = torch.full_like(labels, UNKNOWN), torch.full_like(timeline, UNKNOWN)
        return self._prior.condition(labels.to(device()), timeline.to(device()), self.choosing.guidance > 1)


def _check_known(what: Message, word: str, known: Sequence[tuple[str, str]]) -> None:
    """Raise BadInput for a word that the plan would have to replace by chance."""
    words = [value for value, _ in known]
    if word not in words:
        raise BadInput(
            "This model has no {what} {word!r}.",
            "Choose one of: {names}.",
            what=what,
            word=word[:60],
            names=", ".join(words),
        )


class TextModel:
    """A MusicGen model of transformers: the request becomes a line of text. `options` are those of `from_pretrained`.

    It draws as transformers' own `generate` does where the file of the model asks for drawing.
    """

    room = 0.0
    grammar: NoteGrammar | None = None

    def __init__(self, folder: Path, kind: str, **options: Any) -> None:
        check(folder)
        self._model: Any = read_weights(MUSICGENS[kind], folder, **options).eval()
        self._tokenizer = read_tokenizer(folder, int(self._model.text_encoder.get_input_embeddings().weight.shape[0]))
        self.decoder, self.codec = self._model.decoder, self._model.audio_encoder
        settings = self._model.generation_config
        drawn = {name: value for name in ("temperature", "top_k") if (value := getattr(settings, name)) is not None}
        self.choosing = SamplingOptions(**{"top_k": 50, **drawn}, guidance=float(settings.guidance_scale or 1))
        self.context = min(int(self.decoder.config.max_position_embeddings), round(30 * frame_rate(self.codec)))

    def conditions(self, request: MusicRequest, frames: int) -> Condition:
        words = self._tokenizer(
            as_text(request) or "music", return_tensors="pt", truncation=True, max_length=LONGEST_TEXT
        )
        with torch.no_grad():
            read = self._model.text_encoder(input_ids=words.input_ids.to(self._model.device)).last_hidden_state
            if hasattr(self._model, "enc_to_dec_proj"):
                read = self._model.enc_to_dec_proj(read)
            attended = torch.cat([read, torch.zeros_like(read)]) if self.choosing.guidance > 1 else read
            if isinstance(self._model, MusicgenMelodyForConditionalGeneration):
                attended = torch.cat([self._no_melody(len(attended)), attended], 1)
        return lambda first, count: attended

    def _no_melody(self, rows: int) -> Tensor:
        """What stands before the text where no melody is given: `[rows, frames, width]`."""
        config: Any = self._model.config
        chroma = torch.zeros(rows, 1, config.num_chroma, device=self._model.device, dtype=self._model.dtype)
        chroma[..., 0] = 1
        if hasattr(self._model, "audio_enc_to_dec_proj"):
            chroma = self._model.audio_enc_to_dec_proj(chroma)
        return chroma.expand(-1, config.chroma_length, -1)


class MusicEngine:
    """The engine of music."""

    def __init__(self) -> None:
        self.player: MusicModel | SoundPipeline | None = None
        self._folder = Path()

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        if model is None:
            raise BadInput("No music model was named.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        self._folder = model.folder
        if (model.folder / INDEX).is_file():
            self.player = SoundPipeline.load(model.folder, model.size)
            return
        kind = read_config(model.folder).get("model_type")
        with translate_out_of_memory():
            if kind == FAMILY:
                self.player = PlanModel(load_starter(model.folder))
            elif kind in MUSICGENS:
                self.player = TextModel(model.folder, kind, dtype=torch.float32, device_map={"": device()})
            else:
                raise BadInput(
                    "{title} is no kind of music model that the studio can run: {kind}.", title=model.title, kind=kind
                )

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        if not isinstance(request, MusicRequest):
            raise BadInput("{kind} is not a request for music.", kind=request.kind)
        if self.player is None:
            raise StudioError("The music model is not loaded.")
        if isinstance(self.player, SoundPipeline):
            return [self.player.compose(request, report)]
        with errors_of_networks(self._folder), translate_out_of_memory(), torch.inference_mode():
            return [compose(self.player, request, report)]

    def close(self) -> None:
        self.player = None
        free_memory()


def compose(player: MusicModel, request: MusicRequest, report: Report) -> Audio:
    """The finished piece. A report that raises Cancelled is passed on with the sound so far, once there is a second."""
    rate = int(player.codec.config.sampling_rate)
    frames = max(1, round(request.seconds * frame_rate(player.codec)))
    listener = CodeProgress(player, frames, report)
    try:
        codes = sample(
            player.decoder,
            player.conditions(request, frames),
            frames,
            player.context,
            player.choosing,
            generator(request.seed),
            listener.update,
            player.grammar,
        )
        report(Progress("finishing", frames, frames))
    except Cancelled as error:
        made = listener.so_far
        if made is None or made.shape[1] < rate:
            raise
        raise Cancelled([Audio(master(made, rate, player.room), rate)]) from error
    sound = decode_audio(player.codec, codes)[:, : round(request.seconds * rate)]
    return Audio(master(sound, rate, player.room), rate)


class CodeProgress:
    """Follows the drawing of codes: reports every frame, and every few seconds what can be heard so far."""

    def __init__(self, player: MusicModel, frames: int, report: Report) -> None:
        self._player, self._frames, self._report = player, frames, report
        self._rate = frame_rate(player.codec)
        self._channels = int(player.decoder.config.audio_channels)
        self._late = (int(player.decoder.config.num_codebooks) - 1) // self._channels
        self._columns: Tensor | None = None
        self._done = self._shown = 0
        self._sound: NDArray[np.float32] | None = None

    @property
    def so_far(self) -> NDArray[np.float32] | None:
        """`[channels, samples]` of all frames that are whole; None before the first."""
        self._decode_up_to(self._done)
        return self._sound

    def update(self, columns: Tensor, done: int) -> None:
        self._columns, self._done = columns, max(0, done - self._late)
        preview = None
        if self._done - self._shown >= PREVIEW_SECONDS * self._rate:
            self._shown = self._done
            sound = self.so_far
            if sound is not None:
                preview = Audio(np.clip(sound, -1, 1), int(self._player.codec.config.sampling_rate))
        self._report(Progress("composing", self._done, self._frames, preview))

    def _decode_up_to(self, frame: int) -> None:
        """Decode what is new, from a little before it on, and append it."""
        hop = int(self._player.codec.config.hop_length)
        known = 0 if self._sound is None else self._sound.shape[1] // hop
        if self._columns is None or frame <= known:
            return
        first = max(0, known - round(WARMUP_SECONDS * self._rate))
        codes = undelay(self._columns[..., first:], frame - first, self._channels)
        new = decode_audio(self._player.codec, codes)[:, (known - first) * hop :]
        self._sound = new if self._sound is None else np.concatenate([self._sound, new], 1)


def decode_audio(codec: EncodecModel, codes: Tensor) -> NDArray[np.float32]:
    """Codes `[1, codebooks, frames]` to `[channels, samples]`; stereo models keep their channels' codebooks in turn."""
    books = len(codec.quantizer.layers)
    sides = codes.shape[1] // books if codes.shape[1] > books else 1
    channels = [decode(codec, codes[:, side::sides])[0] for side in range(sides)]
    return torch.cat(channels).float().cpu().numpy()


def frame_rate(codec: EncodecModel) -> float:
    return codec.config.sampling_rate / codec.config.hop_length
