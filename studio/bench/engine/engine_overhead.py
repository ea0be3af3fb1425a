"""Times an engine beside the plain library call under it; child of the bench `engines`.

The plain calls are what a person would write who knows the library: no progress, no cancel, no checks of their own.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.backends import medium
from studio.backends.poster.scene import SCENE
from studio.errors import StudioError
from studio.jobs.engine_cache import PLATFORM, resolve
from studio.media.payloads import Bundle
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.request import Request

Plain = Callable[[Request], Any]
"""Makes a request's work: uint8 pixels, float32 samples or a text, as the engine's payload holds it."""


def poster(model: Model, engine: Any) -> tuple[Plain, str]:
    """Of a scene model its sampler and the drawing, without previews; of others the pipeline of diffusers."""
    if model.family == SCENE:
        return scenes(model)
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    engine = engine._engine
    dtype = next(engine._pipe.unet.parameters()).dtype
    pipe: Any = DiffusionPipeline.from_pretrained(model.folder, torch_dtype=dtype, use_safetensors=True)
    pipe.to(engine._pipe.device).set_progress_bar_config(disable=True)

    def make(request: Any) -> Any:
        made = pipe(
            request.prompt,
            width=request.width,
            height=request.height,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            generator=torch.Generator().manual_seed(request.seed),
        )
        return np.asarray(made.images[0])

    return make, f"diffusers {type(pipe).__name__}"


def scenes(model: Model) -> tuple[Plain, str]:
    from studio.backends.poster.engine.scene_network import SceneModel, sample
    from studio.backends.poster.engine.scenes import AMONG
    from studio.backends.poster.scene import prompt, raster, render

    network = SceneModel.load(model.folder)

    def make(request: Any) -> Any:
        asked = prompt.read(request.prompt, network.index.keys())
        seeds, size = random.Random(request.seed), (request.width, request.height)
        numbers = [seeds.getrandbits(48) for _ in range(AMONG)]
        told, form = [" ".join(asked.told)] * AMONG, [render.format_for(*size)] * AMONG
        made = sample(network, told, form, numbers, request.steps, request.guidance)
        dressed = [asked.dressed(scene) for scene in made]
        return raster.pixels(render.svg(min(dressed, key=lambda scene: prompt.misses(scene, asked)), *size))

    return make, "the network's own sampler"


def story(model: Model, engine: Any) -> tuple[Plain, str]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = next(engine.model.network.parameters()).dtype
    network: Any = (
        AutoModelForCausalLM.from_pretrained(model.folder, dtype=dtype).to(engine.model.network.device).eval()
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(model.folder)

    def make(request: Any) -> str:
        words = tokenizer(request.prompt, return_tensors="pt", add_special_tokens=False).input_ids
        first = tokenizer.bos_token_id
        if first is not None:
            words = torch.cat([torch.tensor([[first]]), words], 1)
        words = words.to(network.device)
        ids = network.generate(
            words,
            attention_mask=torch.ones_like(words),
            max_new_tokens=request.tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
        return tokenizer.decode(ids[0], skip_special_tokens=True)

    return make, "transformers generate, greedy"


def avatar(model: Model, engine: Any) -> tuple[Plain, str]:
    from safetensors.torch import load_file

    from studio.backends.avatar.engine.files import read_config
    from studio.backends.avatar.engine.latents import Latents
    from studio.backends.avatar.engine.network import Generator
    from studio.backends.avatar.engine.synthesis import single_thread
    from studio.backends.engine.device import device

    config = read_config(model.folder)
    network: Any = Generator(config.shape)
    tensors = load_file(model.folder / "model.safetensors")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    network = network.to(device()).eval()
    latents = Latents(network, config, engine._latents.traits)

    def make(request: Any) -> Any:
        latents.clear_cache()
        with torch.inference_mode(), single_thread(config.shape.size):
            origin = latents.origin(request)
            w = network.mapping(origin.z, origin.c)
            w = origin.centre + request.psi * (w - origin.centre)
            x = (network.synthesis(network.broadcast(w), "const", None)[0].permute(1, 2, 0).cpu().numpy() + 1) / 2
        alpha = ((x[..., 3:].clip(0, 1) - 0.02) / 0.96).clip(0, 1)
        colour = (x[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 1) * (alpha > 0)
        return (np.concatenate([colour, alpha], 2) * 255).round().astype(np.uint8)

    return make, "the generator's forward"


def music(model: Model, engine: Any) -> tuple[Plain, str]:
    from transformers import EncodecModel

    from studio.backends.music.engine.engine import PlanModel
    from studio.backends.music.engine.files import load_starter

    player: Any = PlanModel(load_starter(model.folder))
    codec: Any = EncodecModel.from_pretrained(model.folder / "codec", dtype=torch.float32)
    codec = codec.to(player.codec.device).eval()
    decoder, choosing = player.decoder, player.choosing
    books, rate = decoder.config.num_codebooks, codec.config.sampling_rate

    def make(request: Any) -> Any:
        frames = round(request.seconds * rate / codec.config.hop_length)
        torch.manual_seed(request.seed)
        column = torch.full((books, 1), decoder.config.pad_token_id, device=decoder.device)
        columns: list[torch.Tensor] = []
        cache = None
        with torch.inference_mode():
            attended = player.conditions(request, frames)(0, frames + books)
            for _ in range(frames + books - 1):
                out = decoder(
                    input_ids=column, encoder_hidden_states=attended, past_key_values=cache, use_cache=True
                )  # fmt: skip
                cache = out.past_key_values
                likely, codes = torch.topk(out.logits[:, -1, : codec.config.codebook_size], choosing.top_k)
                drawn = torch.multinomial(torch.softmax(likely / choosing.temperature, -1), 1)
                column = codes.gather(1, drawn)
                columns.append(column)
            delayed = torch.cat(columns, 1)
            codes = torch.stack([delayed[book, book : book + frames] for book in range(books)])
            return codec.decode(codes[None, None], [None])[0][0].float().cpu().numpy()

    return make, "MusicgenForCausalLM step by step with its cache, then EncodecModel.decode; drawn by another generator"


PLAIN = {"avatar": avatar, "poster": poster, "story": story, "music": music}


def request(name: str, model: Model, toy: bool) -> Request:
    """What both make: at the model's own size, so that nothing is resized, and without chance where a text is drawn."""
    fields: dict[str, Any] = {"seed": 7, "model": model.id}
    if name == "avatar":
        fields |= {"size": "native"}
    elif name == "poster":
        width, height = native_size(model)
        fields |= {"width": width, "height": height, "steps": 2 if toy else 24}
    elif name == "story":
        fields |= {"prompt": "Once upon a time", "temperature": 0.0, "tokens": 16 if toy else 200}
    elif name == "music":
        fields |= {"seconds": 1.0 if toy else 8.0}
    return medium(name).default_task.request(**fields)


def native_size(model: Model) -> tuple[int, int]:
    """The size that a pipeline paints at; the studio's own say so in config.json, and are enlarged to what is asked."""
    config = model.folder / "config.json"
    said = json.loads(config.read_text("utf-8")).get("native") if config.exists() else None
    width, height = said or (model.native if all(model.native) else (256, 256))
    return width, height


def main(told: dict[str, Any]) -> None:
    facts = resolve(PLATFORM)("auto", 0)
    catalog = Catalog(Path(told["bundled"]))
    found = {name: {**compare(name, catalog, times, told["toy"]), **facts} for name, times in told["times"].items()}
    sys.stdout.write(json.dumps(found) + "\n")


def compare(name: str, catalog: Catalog, times: int, toy: bool) -> dict[str, Any]:
    """Seconds of the engine and of the plain call, turn by turn, after a first that warms both up; toys start cold."""
    model = catalog.default(name)
    engine = resolve(medium(name).default_task.engine)()
    engine.load(Resources(model), _quiet)
    plain, plain_is = PLAIN[name](model, engine)
    asked = request(name, model, toy)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    made: Any = None
    expected: Any = None
    for turn in range(times if toy else times + 1):
        (made,), taken = time_call(lambda: engine.run(asked, _quiet))
        expected, plainly = time_call(lambda: plain(asked))
        if turn or toy:
            ours.append(taken)
            theirs.append(plainly)
    made = made.main if isinstance(made, Bundle) else made
    engine.close()
    return {
        "ours": ours,
        "plain": theirs,
        "plain_is": plain_is,
        "differs": difference(made, expected),
        "threads": torch.get_num_threads(),
        "work": {field: value for field, value in asked.to_json().items() if value not in ("", "any")},
    }


def time_call(call: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What a call returns, its seconds, and the seconds that processors worked for it, which others do not disturb."""
    start, busy = time.perf_counter(), time.process_time()
    made = call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return made, (time.perf_counter() - start, time.process_time() - busy)


def difference(made: Any, expected: Any) -> float | None:
    """How far apart two works are that should be the same: pictures, the mean absolute difference, of 255; texts, 0 or
    1; sounds, None: they are drawn by chance. Raises StudioError for works of another size or length."""
    if isinstance(expected, str):
        return float(not expected.startswith(made.text.strip()))
    if hasattr(made, "samples"):
        ours, plain, differs = made.samples.shape[1:], expected.shape[1:], None
    else:
        ours, plain = made.pixels.shape, expected.shape
        differs = float(np.abs(made.pixels.astype(np.float64) - expected).mean()) if ours == plain else None
    if ours != plain:
        raise StudioError("Compared works differ in size: {ours} and {plain}.", ours=ours, plain=plain)
    return differs


def _quiet(_progress: object) -> None:
    """Where a person would see progress."""


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
