"""Whether a request fits this machine: the formulas, what history corrects, the verdicts and their words."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import tomli_w
from safetensors.numpy import save_file

from studio.backends import MEDIA, PAGELESS, families
from studio.backends.avatar.memory import resolutions
from studio.backends.poster.memory import decode, painted_size
from studio.backends.poster.requests import PosterRequest
from studio.backends.story.memory import Shape, kv_cache
from studio.backends.story.requests import StoryRequest
from studio.backends.upscale.requests import UpscaleRequest
from studio.cli.models.fit import of_offer, said
from studio.models.families import Family
from studio.models.fit import history as history_module
from studio.models.fit.demand import PACKED, Demand, Machine, ModelFacts, Part, Speed, read_facts
from studio.models.fit.estimate import Correction, Fit, FitCheck, estimate, facts_of_offer, other_offer, smaller_request
from studio.models.fit.history import KEPT, MeasuredRun, RunHistory
from studio.models.model import Model, read_model
from studio.models.sources.offers import Offer, offers
from studio.schema.fields import WorkKey
from studio.schema.request import Request
from studio.support import hardware, speed
from studio.support.speed import measure as measure_speed
from studio.system.paths import RESOURCES
from tests.disk import disk_reads

GB = 10**9
LLAMA_2_7B = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "max_position_embeddings": 4096,
    "vocab_size": 32000,
}
SD_VAE = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 4}
SD_UNET = {
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
}
SD = ModelFacts({"unet": Part(SD_UNET, 860_000_000, 1720 * 10**6), "vae": Part(SD_VAE, 84_000_000, 168 * 10**6)})
LLAMA = ModelFacts({"": Part(LLAMA_2_7B, 6_740_000_000, 13_480_000_000)})
MACHINE = Machine("cpu", 16 * GB, 12 * GB)


def family(medium: str, name: str) -> Family:
    return next(one for one in (*MEDIA, *PAGELESS) if one.name == medium).family(name)


def poster(side: int, **values: float) -> PosterRequest:
    return PosterRequest(**{"width": side, "height": side, "steps": 20, "guidance": 7.5, **values})  # type: ignore[arg-type]


def diffusion_model(tmp_path: Path) -> Model:
    """A pipeline in a folder as it is installed: a UNet and its decoder as they are in Stable Diffusion, with few
    values, of 16 bits."""
    folder = tmp_path / "painter"
    for name, config in {"unet": SD_UNET, "vae": SD_VAE, "text_encoder": {}}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(config))
        save_file({"weight": np.zeros((4096, 64), np.float16)}, folder / name / "model.safetensors")
    files = folder.rglob("*.safetensors")
    about = {"medium": "poster", "family": "sd", "size": sum(path.stat().st_size for path in files)}
    (folder / "model.toml").write_text(tomli_w.dumps(about))
    return read_model(folder, bundled=False)


def test_the_cache_of_a_llama_is_as_reckoned_by_hand() -> None:
    # 2 (keys, values) x 32 layers x 32 heads x 128 values x 4,096 tokens x 2 bytes: 2 GiB, as Meta's paper has it.
    assert kv_cache(Shape(LLAMA.part(""), LLAMA), 4096, 2) == 2 * 2**30


def test_grouped_heads_need_less() -> None:
    grouped = ModelFacts({"": Part({**LLAMA_2_7B, "num_key_value_heads": 8}, 8 * GB, 16 * GB)})
    assert kv_cache(Shape(grouped.part(""), grouped), 4096, 2) == 2**29


def test_decoding_of_stable_diffusion_is_as_reckoned_by_hand() -> None:
    # 256 channels of 512 x 512 pixels, enlarged, copied and convolved, and 256 and 512 of 256 x 256 before that.
    held, _ = decode(Part(SD_VAE), 512 * 512)
    assert int(held * 4) == 4 * (3 * 256 * 512 * 512 + (256 + 512) * 256 * 256) == 1_006_632_960


def test_what_a_pipeline_paints_at_one_area_only_counts_as_that() -> None:
    network = Part({"_class_name": "PixArtTransformer2DModel", "sample_size": 64})
    facts = ModelFacts({"transformer": network, "vae": Part(SD_VAE)})
    assert painted_size(facts, 256, 256) == (512, 512)
    assert painted_size(facts, 512, 128) == (1024, 256)
    assert painted_size(SD, 256, 256) == (256, 256)


def test_llama_cpp_makes_the_logits_of_one_token(tmp_path: Path) -> None:
    facts = ModelFacts({"": Part(LLAMA_2_7B, 6_740_000_000, 4 * GB)}, gguf=True)
    demand = family("story", "llama").demand
    short, long = (demand(facts, StoryRequest(prompt="word " * count), MACHINE) for count in (1, 2000))
    cache = kv_cache(Shape(facts.part(""), facts), 4096, 2)
    assert 0 < short.working - cache < 10 * 10**6
    assert short.working < long.working < cache + 300 * 10**6


def test_a_context_of_the_settings_takes_its_memory() -> None:
    facts = ModelFacts({"": Part({**LLAMA_2_7B, "max_position_embeddings": 8192}, 6_740_000_000, 4 * GB)}, gguf=True)
    demand = family("story", "llama").demand
    usual, half, all_ = (demand(facts, StoryRequest(), replace(MACHINE, context=n)).working for n in (0, 2048, 10**6))
    shape = Shape(facts.part(""), facts)
    assert usual - half == kv_cache(shape, 2048, 2)
    assert all_ - usual == kv_cache(shape, 4096, 2)


CARD = Machine(
    "cuda", 8 * GB, 7 * GB, half=True, ram_total=32 * GB, ram_free=20 * GB, llama_card=True,
    speeds={4: Speed(), PACKED: Speed(40e9, 40e9, 4e9)},
)  # fmt: skip
PACKED_7B = ModelFacts({"": Part({**LLAMA_2_7B, "block_count": 32}, 6_740_000_000, 4 * GB)}, gguf=True)


def test_layers_on_the_card_take_their_share_of_both_memories() -> None:
    demand = family("story", "llama").demand
    cache = kv_cache(Shape(PACKED_7B.part(""), PACKED_7B), 4096, 2)
    none, half, all_ = (demand(PACKED_7B, StoryRequest(), replace(CARD, gpu_layers=n)) for n in (1, 16, 99))
    assert none.weights < half.weights < all_.weights
    assert half.weights == pytest.approx(16 * none.weights)
    assert half.weights == pytest.approx(all_.weights / 2)
    for each in (none, half, all_):
        assert each.weights + each.ram == pytest.approx(4 * GB + cache, rel=1e-6), "nothing is lost or counted twice"
    shorter = demand(PACKED_7B, StoryRequest(), replace(CARD, gpu_layers=16, context=2048))
    assert half.weights - shorter.weights == pytest.approx(cache / 4, abs=100), "half of the layers, half of the tokens"


def test_as_many_layers_as_fit_leave_the_rest_beside_the_card(tmp_path: Path) -> None:
    llama = family("story", "llama")
    fits = estimate(PACKED_7B, llama, StoryRequest(), CARD)
    assert fits.verdict == "well"
    assert fits.memory <= CARD.free
    small = replace(CARD, free=4 * GB)
    parted = estimate(PACKED_7B, llama, StoryRequest(), small)
    assert parted.verdict == "well"
    assert 3 * GB < parted.memory <= 4 * GB
    assert parted.ram > 2 * GB
    assert "on the graphics card and" in str(parted.words)
    neither = estimate(PACKED_7B, llama, StoryRequest(tokens=2048), replace(small, ram_free=GB))
    assert neither.verdict == "no"
    assert "1.0 GB are free" in str(neither.words)
    assert neither.smaller is None, "fewer tokens would need as much"


def test_too_many_layers_do_not_fit_the_card() -> None:
    fit = estimate(PACKED_7B, family("story", "llama"), StoryRequest(), replace(CARD, free=4 * GB, gpu_layers=32))
    assert fit.verdict == "no"
    assert "4.0 GB are free" in str(fit.words)


@pytest.mark.parametrize("change", [{"llama_card": False}, {"gpu_layers": 0}])
def test_what_llama_cpp_does_not_put_on_the_card_lies_beside_it(change: dict[str, int]) -> None:
    machine = replace(CARD, **change)
    seen = machine.for_model(PACKED_7B)
    assert (seen.device, seen.total, seen.free) == ("cpu", 32 * GB, 20 * GB)
    assert machine.for_model(LLAMA) is machine
    assert CARD.for_model(PACKED_7B) is CARD


def test_a_packed_model_is_as_fast_as_llama_cpp() -> None:
    machine = replace(MACHINE, speeds={4: Speed(), PACKED: Speed(40e9, 40e9, 4e9)})
    demand = family("story", "llama").demand
    short, long = (demand(PACKED_7B, StoryRequest(prompt=text, tokens=100), machine) for text in ("a", "word " * 800))
    assert short.seconds(machine) == pytest.approx(100 * 4 * GB / 4e9, rel=0.02), "the weights are read for each token"
    each = (long.seconds(machine) - short.seconds(machine)) / 1000
    assert 2 * 6.6e9 / 40e9 < each < 1.3 * 2 * 6.74e9 / 40e9, "and each token that is read goes through all layers"
    told = ModelFacts(
        {"": replace(PACKED_7B.part(""), config={**LLAMA_2_7B, "tokenizer.chat_template": "{{x}}"})}, True
    )
    assert demand(told, StoryRequest(prompt="a"), machine).flops > 20 * short.flops


@pytest.mark.parametrize(("name", "share"), [("sdxl", 0.5), ("flux", 0.5), ("flux2", 1.0), ("pixart", 1.0)])
def test_a_start_picture_spares_steps_where_its_strength_counts(name: str, share: float) -> None:
    family = families()["poster"]
    chosen = next(each for each in family if each.name == name)
    network = Part({"num_layers": 4, "num_attention_heads": 8, "attention_head_dim": 8}, 10_000_000, 20_000_000)
    facts = ModelFacts({"transformer": network, "vae": Part({}, 1_000_000, 2_000_000)})
    plain = PosterRequest(steps=40, width=512, height=512, guidance=1.0)
    one, from_words = (chosen.demand(facts, plain.replace(steps=steps), MACHINE).calls for steps in (1, 40))
    started = chosen.demand(facts, plain.replace(picture=WorkKey(path="here.png"), strength=0.5), MACHINE).calls
    assert (started - one) / (from_words - one) == pytest.approx(share, abs=0.03)


def test_an_enlarged_picture_counts_as_large_as_it_is(tmp_path: Path) -> None:
    facts = ModelFacts({"": Part({"model_type": "srvgg", "features": 64, "scale": 4}, 620_000, 2_480_000)})
    demand = family("upscale", "srvgg").demand
    small, large = (
        demand(replace(facts, picture=size), UpscaleRequest(), MACHINE) for size in ((64, 48), (4000, 3000))
    )
    assert small.working < large.working / 3
    # A small picture is seen once with 28 pixels around it; of a large one each tile sees some of the others.
    assert small.convolutions == 2 * 620_000 * (64 + 56) * (48 + 56)
    assert large.convolutions == 2 * 620_000 * (4000 + 16 * 56) * (3000 + 12 * 56)
    asked: list[Request] = []

    def picture(request: Request) -> tuple[int, int]:
        asked.append(request)
        return (64, 48)

    model = upscaler(tmp_path)
    fit = FitCheck(RunHistory(tmp_path / "runs.sqlite"), families(), lambda: MACHINE, picture)
    request = UpscaleRequest(model=model.id, picture=WorkKey(path="here.png"))
    assert fit.of(request, model).seconds == pytest.approx(small.seconds(MACHINE), rel=0.1)
    fit.record(request, model, 3.0, 0, 1.0, 2.0)
    asked.clear()
    assert fit.seconds(request, model) == pytest.approx(2.0)
    assert fit.seconds(request.replace(picture=WorkKey(path="other.png")), model) == 3.0, "its size is not known"
    assert asked == []


def upscaler(folder: Path) -> Model:
    """An upscaler of the compact kind, as its header says it: no weights are read here."""
    place = folder / "small"
    place.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [620_000], "data_offsets": [0, 2_480_000]}}).encode()
    (place / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(2_480_000))
    (place / "config.json").write_text('{"model_type": "srvgg", "features": 64, "scale": 4}', encoding="utf-8")
    return Model("small", "upscale", "srvgg", "Small", "MIT", place)


def test_seconds_are_those_of_the_speeds_in_the_dtype() -> None:
    slow, fast = Speed(1e9, 2e9, 4e9, 1e-3), Speed(10e9, 20e9, 40e9, 1e-4)
    machine = replace(MACHINE, speeds={4: slow, 2: fast})
    demand = Demand(0, 0, flops=1e9, convolutions=2e9, traffic=4e9, calls=1000)
    assert demand.seconds(machine) == pytest.approx(4.0)
    assert replace(demand, value=2).seconds(machine) == pytest.approx(0.4)
    assert replace(demand, value=2).seconds(replace(machine, speeds={4: slow})) == pytest.approx(4.0)


SPEEDS = {
    "4": {"matrices": 100e9, "convolutions": 90e9, "bandwidth": 10e9, "call": 4e-6},
    "2": {"matrices": 800e9, "convolutions": 300e9, "bandwidth": 10e9, "call": 4e-6},
    "1": {"matrices": 40e9, "convolutions": 40e9, "bandwidth": 4e9, "call": 1e-6},
}


def test_a_machine_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def measure(device: str, threads: int) -> object:
        asked.append((device, threads))
        return {"speeds": SPEEDS, "llama_card": True}

    monkeypatch.setattr(speed, "measure", measure)
    monkeypatch.setattr(hardware, "power", lambda: "mains")
    file = tmp_path / "state" / "speed.json"
    for _ in range(2):
        one = speed.MeasuredSpeed(file, 2)
        for _ in range(2):
            found = one.of(MACHINE)
            assert found.measured
            assert found.half, "16 bits are clearly faster here"
            assert (found.speed(4).convolutions, found.speed(2).matrices) == (90e9, 800e9)
            assert found.speed(PACKED).bandwidth == 4e9
            assert found.llama_card
    assert asked == [("cpu", 2)]


@pytest.mark.parametrize("what", ["processor", "cores", "torch", "power", "weeks", "clock", "asked"])
def test_a_machine_is_measured_again_when_it_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    asked: list[str] = []
    now = 1.8e9
    monkeypatch.setattr(speed, "measure", lambda device, threads: asked.append(device) or {"speeds": SPEEDS})
    monkeypatch.setattr(hardware, "power", lambda: "mains")
    monkeypatch.setattr(speed.time, "time", lambda: now)
    file = tmp_path / "speed.json"
    used = speed.MeasuredSpeed(file, 2)
    used.of(MACHINE)
    if what == "processor":
        monkeypatch.setattr(hardware, "processor", lambda: "another")
    elif what == "cores":
        monkeypatch.setattr(speed.os, "cpu_count", lambda: 77)
    elif what == "torch":
        monkeypatch.setattr(speed.importlib.metadata, "version", lambda name: "9.9")
    elif what == "power":
        monkeypatch.setattr(hardware, "power", lambda: "battery")
    elif what == "weeks":
        now += speed.KEPT + 1
    elif what == "clock":
        now -= 1000.0
    if what == "asked":
        assert used.measurement("cpu", anew=True) is not None
    elif what in ("power", "weeks", "clock"):  # also while the studio is open
        used.of(MACHINE)
    else:
        speed.MeasuredSpeed(file, 2).of(MACHINE)
    assert asked == ["cpu", "cpu"]
    speed.MeasuredSpeed(file, 2).of(MACHINE)
    assert asked == ["cpu", "cpu"]


def test_what_was_measured_stays_where_it_cannot_be_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(speed, "measure", lambda device, threads: {"speeds": SPEEDS})
    used = speed.MeasuredSpeed(tmp_path / "speed.json", 2)
    known = used.of(MACHINE)
    monkeypatch.setattr(speed, "measure", lambda device, threads: asked.append(device) or {})
    monkeypatch.setattr(speed, "KEPT", 0.0)
    assert [used.of(MACHINE), used.of(MACHINE)] == [known, known]
    assert asked == ["cpu"], "once is enough"


def test_threads_of_llama_cpp_compute_together_and_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "studio.backends.engine.speed": {"4": SPEEDS["4"]},
        "studio.backends.engine.packed_speed": {"speed": SPEEDS["1"], "card": False},
    }

    def output(command: list[str], _seconds: float) -> str:
        return "a warning\n" + json.dumps(said[command[2]]) + "\n"

    monkeypatch.setattr(hardware, "output", output)
    four = measure_speed("cpu", 4)
    assert four is not None
    assert four["speeds"]["1"] == {"matrices": 160e9, "convolutions": 160e9, "bandwidth": 10e9, "call": 1e-6}
    assert four["llama_card"] is False
    said["studio.backends.engine.packed_speed"]["card"] = True
    assert measure_speed("cuda", 4) == {"speeds": {"4": SPEEDS["4"], "1": SPEEDS["1"]}, "llama_card": True}
    said["studio.backends.engine.packed_speed"] = {}
    assert measure_speed("cpu", 4) == {"speeds": {"4": SPEEDS["4"]}}


def test_a_machine_without_llama_cpp_is_measured_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def output(command: list[str], _seconds: float) -> str | None:
        return json.dumps({"4": SPEEDS["4"]}) if command[2].endswith(".speed") else None

    monkeypatch.setattr(hardware, "output", output)
    monkeypatch.setattr(speed, "measure", measure_speed)
    usual = replace(MACHINE, speeds={4: Speed(), PACKED: Speed(1e9)})
    found = speed.MeasuredSpeed(tmp_path / "speed.json", 2).of(usual)
    assert found.measured
    assert (found.speed(4).matrices, found.speed(PACKED).matrices) == (100e9, 1e9)


def test_the_power_of_a_machine_is_that_of_its_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan").write_text("low-power\n", encoding="utf-8")
    monkeypatch.setattr(hardware, "POWER_PLANS", (tmp_path / "plan", tmp_path / "none"))
    monkeypatch.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=False), raising=False)
    assert hardware.power() == "battery, low-power"
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert hardware.power() == "mains, low-power"


def test_a_damaged_measurement_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "measure", lambda device, threads: {"speeds": SPEEDS})
    file = tmp_path / "speed.json"
    speed.MeasuredSpeed(file, 0).of(MACHINE)
    (name,) = json.loads(file.read_bytes())
    for damaged in ({"4": {}}, SPEEDS, {"speeds": SPEEDS}, {"speeds": SPEEDS, "at": "now"}, {"speeds": 1, "at": 1e9}):
        file.write_text(json.dumps({name: damaged}), encoding="utf-8")
        assert speed.MeasuredSpeed(file, 0).of(MACHINE).measured
        assert json.loads(file.read_bytes())[name]["speeds"] == SPEEDS


@pytest.mark.parametrize("said", [None, [], {}, {"4": {}}, {"4": {**SPEEDS["4"], "call": 0.0}}, {"2": SPEEDS["2"]}])
def test_what_is_no_measurement_leaves_the_machine_as_its_kind_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    monkeypatch.setattr(speed, "measure", lambda device, threads: {"speeds": said})
    assert speed.MeasuredSpeed(tmp_path / "speed.json", 0).of(MACHINE) == MACHINE
    assert not (tmp_path / "speed.json").exists()


def test_a_config_that_says_nothing_is_taken_for_a_usual_one() -> None:
    # Llama 2 of 7 billion: 32 layers of 4,096.
    guess = Shape(Part(), ModelFacts({"": Part({}, 6_740_000_000, 1)}))
    assert (guess.layers, guess.width) == (32, 4096)
    assert resolutions(Part())[-1] == (1024, 32)


@pytest.mark.parametrize(
    ("facts", "name", "small", "large"),
    [
        (SD, ("poster", "sd"), poster(256), poster(512)),
        (SD, ("poster", "sd"), poster(512, guidance=1.0, width=64, height=64), poster(512, guidance=7.5)),
        (LLAMA, ("story", "llama"), StoryRequest(tokens=64), StoryRequest(tokens=2048)),
        (LLAMA, ("story", "llama"), StoryRequest(prompt="a"), StoryRequest(prompt="word " * 2000)),
        (ModelFacts({}), ("upscale", "srvgg"), UpscaleRequest(factor="2"), UpscaleRequest(factor="4")),
    ],
)
def test_larger_requests_need_more(facts: ModelFacts, name: tuple[str, str], small: Request, large: Request) -> None:
    demand = family(*name).demand
    low, high = (demand(facts, each, MACHINE) for each in (small, large))
    assert low.working < high.working
    assert low.seconds(MACHINE) < high.seconds(MACHINE) or isinstance(small, UpscaleRequest)
    assert low.weights == high.weights


@pytest.mark.parametrize("medium", [one.name for one in (*MEDIA, *PAGELESS)])
def test_every_family_has_a_formula_for_every_request(medium: str) -> None:
    found = next(one for one in (*MEDIA, *PAGELESS) if one.name == medium)
    facts = ModelFacts({"": Part({}, 10**9, 2 * 10**9)}, offered=True)
    for each in found.families:
        for task in found.tasks:
            if task.lane == "device":
                demand = each.demand(facts, task.request(), MACHINE)
                assert demand.weights > 0
                assert 0 < demand.working < 100 * GB
                assert 0 < demand.seconds(MACHINE) < 10**7


def test_half_precision_halves_large_models_only() -> None:
    half = replace(MACHINE, half=True)
    assert half.bytes_per_value(LLAMA) == 2
    assert half.bytes_per_value(ModelFacts({"": Part({}, 1000, 2000)})) == 4
    assert replace(half, device="cuda").bytes_per_value(ModelFacts({"": Part({}, 1000, 2000)})) == 2


def test_the_words_of_what_fits_and_what_does_not() -> None:
    sd = family("poster", "sd")
    well = estimate(SD, sd, poster(512), MACHINE, Correction(None, 0.01))
    assert well.verdict == "well"
    assert str(well.words).startswith("About ")
    assert str(well.words).endswith(" GB of memory.")
    slow = estimate(SD, sd, poster(512), MACHINE, Correction(None, 100.0))
    assert slow.verdict == "slowly"
    assert str(slow.words).startswith("Runs slowly here: about ")
    tight = replace(MACHINE, free=6 * GB)
    no = estimate(SD, sd, poster(1024), tight)
    assert no.verdict == "no"
    assert "6.0 GB are free." in str(no.words)
    assert list(map(str, no.instead)) == [f"{no.choice} would fit."]
    assert isinstance(no.smaller, PosterRequest)
    assert no.smaller.width == no.smaller.height
    assert no.smaller.width % 64 == 0
    assert estimate(SD, sd, no.smaller, tight).verdict != "no"
    larger = no.smaller.replace(width=no.smaller.width + 64, height=no.smaller.height + 64)
    assert estimate(SD, sd, larger, tight).verdict == "no"


def test_shapes_are_kept_and_nothing_is_promised_that_does_not_fit() -> None:
    sd = family("poster", "sd")
    wide = PosterRequest(width=1536, height=768)
    found = smaller_request(SD, sd, wide, replace(MACHINE, free=6 * GB))
    assert isinstance(found, PosterRequest)
    assert found.width == pytest.approx(2 * found.height, abs=64)
    assert smaller_request(SD, sd, wide, replace(MACHINE, free=GB)) is None
    assert estimate(SD, sd, wide, replace(MACHINE, free=GB)).instead == ()


def test_a_card_on_which_nothing_ran_promises_no_time() -> None:
    card = Machine("cuda", 24 * GB, 24 * GB, half=True)
    sd = family("poster", "sd")
    assert estimate(SD, sd, poster(512), card).seconds is None
    assert estimate(SD, sd, poster(512), card, Correction(None, 1.0)).seconds is not None
    assert estimate(SD, sd, poster(512), replace(card, measured=True)).seconds is not None


def test_the_smallest_form_of_an_offer_counts() -> None:
    facts = facts_of_offer({"bfloat16": 16 * GB, "q4_k_m": 5 * GB}, 8 * GB)
    assert (facts.gguf, facts.size) == (True, 5 * GB)
    fit = estimate(facts, family("story", ""), StoryRequest(), MACHINE)
    assert fit.verdict != "no"
    assert 5 * GB < fit.memory < 8 * GB


def test_facts_are_those_of_the_files(tmp_path: Path) -> None:
    model = diffusion_model(tmp_path)
    facts = read_facts(model)
    assert facts.size == model.size
    assert {"unet", "vae", "text_encoder"} <= facts.parts.keys()
    assert facts.part("vae").counts("block_out_channels")
    assert facts.values * 2 == pytest.approx(facts.size, rel=0.02)  # of 16 bits


def run(memory: int = 300, seconds: float = 2.0) -> MeasuredRun:
    return MeasuredRun("poster", "cpu", "sd", "m", seconds, memory, 200, seconds, 1.0)


def test_history_corrects_by_the_median_of_a_model_else_of_its_family(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "runs.sqlite")
    assert history.memory_ratio("poster", "cpu", "sd", "m") is None
    for memory, seconds in ((300, 2.0), (400, 9.0), (320, 3.0)):
        history.record(run(memory=memory, seconds=seconds))
    again = RunHistory(tmp_path / "runs.sqlite")
    for each in (history, again):
        assert each.memory_ratio("poster", "cpu", "sd", "m") == 1.6
        assert each.time_ratio("poster", "cpu", "sd", "m") == 3.0
        assert each.memory_ratio("poster", "cpu", "sd", "another") == 1.6
        assert each.memory_ratio("poster", "cpu", "flux", "another") is None
        assert each.memory_ratio("poster", "cuda", "sd", "m") is None
        assert each.time_ratio("story", "cpu", "llama", "x") is None
        assert each.machine_ratio("cpu") == 3.0
        assert each.machine_ratio("cuda") is None
        assert each.typical_seconds("poster", "m") == 3.0
        assert each.typical_seconds("poster", "x") is None


def test_only_the_latest_runs_count(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "runs.sqlite")
    for seconds in (*[100.0] * 5, *[2.0] * KEPT):
        history.record(run(seconds=seconds))
    for each in (history, RunHistory(tmp_path / "runs.sqlite")):
        assert each.typical_seconds("poster", "m") == 2.0
    with sqlite3.connect(tmp_path / "runs.sqlite") as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (KEPT,)
    database.close()


def test_runs_of_other_formulas_say_nothing(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "runs.sqlite")
    history.record(replace(run(), formulas=-1))
    assert history.memory_ratio("poster", "cpu", "sd", "m") is None
    assert history.typical_seconds("poster", "m") == 2.0


@pytest.mark.parametrize(
    "bytes", [b"no database at all, but long enough to be read" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_damaged_history_begins_anew(tmp_path: Path, bytes: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "runs.sqlite"
    file.write_bytes(bytes)
    history = RunHistory(file)
    with caplog.at_level(logging.WARNING):
        assert history.typical_seconds("poster", "m") is None
    assert "begun anew" in caplog.text
    history.record(run())
    assert RunHistory(file).typical_seconds("poster", "m") == 2.0
    assert (tmp_path / "runs.broken.sqlite").read_bytes() == bytes


def test_a_history_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be", encoding="utf-8")
    history = RunHistory(tmp_path / "state" / "runs.sqlite")
    history.record(run())
    assert history.typical_seconds("poster", "m") == 2.0


def check(tmp_path: Path, machine: Machine = MACHINE) -> FitCheck:
    return FitCheck(RunHistory(tmp_path / "runs.sqlite"), families(), lambda: machine)


def test_what_a_job_took_corrects_the_next_answer(tmp_path: Path) -> None:
    model = diffusion_model(tmp_path)
    fit, request = check(tmp_path), PosterRequest(model=model.id)
    before = fit.of(request, model)
    assert not before.learned
    assert fit.seconds(request, model) is None, "nothing of the kind has run"
    fit.record(request, model, 9.0, 2 * before.memory, 1.0, 8.0)
    after = fit.of(request, model)
    assert after.learned
    assert after.memory == pytest.approx(2 * before.memory, rel=1e-6)
    assert after.seconds == pytest.approx(8.0)
    assert fit.seconds(request, model) == pytest.approx(8.0)
    more = fit.seconds(request.replace(steps=2 * request.steps), model)
    assert more is not None
    assert 10 < more <= 16.0, "twice the steps take longer"


def test_who_asks_how_long_does_not_read_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunHistory(tmp_path / "runs.sqlite").record(run())
    fit, request = check(tmp_path), PosterRequest(model="m")
    with disk_reads(monkeypatch) as reads:
        assert fit.seconds(request, None) is None
    assert reads == []
    fit.history.read()
    with disk_reads(monkeypatch) as reads:
        assert fit.seconds(request, None) == 2.0
    assert reads == []


def test_a_text_that_ended_early_says_how_long_a_whole_one_takes(tmp_path: Path) -> None:
    model = read_model(RESOURCES / "models" / "story-starter", bundled=True)
    fit, request = check(tmp_path), StoryRequest(model=model.id, tokens=400)
    fit.of(request, model)
    fit.record(request, model, 2.0, 0, 0.0, 1.0, share=0.05)
    assert fit.seconds(request, model) == pytest.approx(20.0)


def test_nothing_of_a_record_can_fail_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[MeasuredRun] = []

    def broken(run: MeasuredRun) -> None:
        asked.append(run)
        raise OSError("no disk")

    fit = check(tmp_path)
    monkeypatch.setattr(fit.history, "record", broken)
    model = diffusion_model(tmp_path)
    fit.record(PosterRequest(model=model.id), model, 1.0, 1, 1.0, 1.0)
    assert len(asked) == 1


def test_a_record_does_not_ask_the_machine(tmp_path: Path) -> None:
    def measured() -> Machine:
        asked.append(1)
        return MACHINE

    asked: list[int] = []
    fit = FitCheck(RunHistory(tmp_path / "runs.sqlite"), families(), measured)
    model = diffusion_model(tmp_path)
    request = PosterRequest(model=model.id)
    fit.record(request, model, 3.0, 10**9, 1.0, 2.0)
    assert asked == []
    assert fit.history.typical_seconds(request.kind, model.id) == 3.0
    assert fit.history.memory_ratio(request.kind, "cpu", model.family, model.id) is None


def test_facts_are_read_once_until_the_files_change(tmp_path: Path) -> None:
    fit = check(tmp_path)
    model = read_model(RESOURCES / "models" / "story-starter", bundled=True)
    assert fit.facts(model) is fit.facts(model)
    assert fit.facts(replace(model, sha256="another")) is not fit.facts(model)


def test_before_a_download_all_of_the_memory_counts(tmp_path: Path) -> None:
    offer = Offer(
        "big", "poster", "flux", "Big", "Paints.", "mit", 0, (), memory={"float16": 10 * GB}, parameters=5 * GB
    )
    busy, small = replace(MACHINE, total=64 * GB, free=GB), replace(MACHINE, total=16 * GB, free=15 * GB)
    for machine, fits in ((busy, True), (small, False)):
        fit = check(tmp_path, machine).offered(offer, PosterRequest())
        assert fit is not None
        assert (fit.verdict != "no") is fits
    assert check(tmp_path).offered(replace(offer, memory={}), PosterRequest()) is None


def test_the_largest_offer_that_fits_is_named_in_place_of_one_that_does_not(tmp_path: Path) -> None:
    def offer(id: str, size: int, unsupported: str = "") -> Offer:
        values = {"memory": {"float16": size}, "parameters": size // 2, "unsupported": unsupported}
        return Offer(id, "poster", "sd", id.title(), "Paints.", "mit", size, (), **values)  # type: ignore[arg-type]

    offers = [offer("small", GB), offer("middle", 2 * GB), offer("huge", 90 * GB), offer("later", 3 * GB, "Not yet.")]
    fit = of_offer(check(tmp_path, MACHINE), offers[2], offers)
    assert fit is not None
    assert fit.other is not None
    assert (fit.verdict, fit.other.offer.id) == ("no", "middle")
    assert "Middle (middle) would fit." in said(fit)
    for among in (offers[2:], []):
        alone = of_offer(check(tmp_path, MACHINE), offers[2], among)
        assert alone is not None
        assert (alone.instead, alone.other) == ((), None)


def test_what_is_named_instead_is_the_same_model_in_a_smaller_form_else_one_that_runs_well() -> None:
    def offer(id: str, memory: dict[str, int], parameters: int, size: int, form_of: str = "") -> Offer:
        return Offer(
            id, "story", "llama", id.title(), "Writes.", "mit", size, (),
            memory=memory, parameters=parameters, form_of=form_of,
        )  # fmt: skip

    huge = offer("huge", {"bfloat16": 60 * GB}, 30 * GB, 60 * GB)
    small = offer("huge-small", {"q4_k_m": 9 * GB, "q8_0": 20 * GB}, 30 * GB, 9 * GB, "huge")
    slow, quick = offer("slow", {"q4_k_m": 8 * GB}, 14 * GB, 8 * GB), offer("quick", {"q4_k_m": GB}, 2 * GB, GB)
    no, slowly, well = Fit(60 * GB, 12 * GB, 900.0), Fit(8 * GB, 12 * GB, 900.0), Fit(GB, 12 * GB, 9.0)
    fits = {"huge": no, "huge-small": slowly, "slow": slowly, "quick": well}

    def named(fit: Fit, id: str, *offers: Offer) -> str:
        found = other_offer(fit, id, offers, lambda each: fits.get(each.id))
        return "" if found is None else str(found.words)

    assert named(no, "huge", huge, small, slow, quick) == "Huge-Small in q4_k_m would fit."
    assert named(no, "huge", huge, slow, quick) == "Quick would run well."
    assert named(no, "huge", huge, slow) == "Slow would fit."
    assert named(no, "installed", slow, quick) == "Quick would run well."
    assert named(slowly, "slow", huge, small, slow, quick) == "Quick would run well."
    assert named(slowly, "slow", huge, small, slow) == ""
    assert named(well, "quick", huge, small, slow, quick) == ""


FORMS = [each for each in offers() if each.form_of]


def test_six_models_come_in_two_quantisations() -> None:
    assert len({each.form_of for each in FORMS}) >= 6


@pytest.mark.parametrize("large", FORMS, ids=lambda each: each.id)
def test_where_a_form_is_too_large_the_other_one_of_the_same_model_is_named(tmp_path: Path, large: Offer) -> None:
    small = next(each for each in offers() if each.id == large.form_of)
    usual = replace(MACHINE, speeds={4: Speed(), PACKED: Speed(1e12, 1e12, 1e12)})
    needs = [of_offer(check(tmp_path, usual), each) for each in (small, large)]
    free = sum(fit.memory for fit in needs if fit is not None) // 2
    tight = check(tmp_path, replace(usual, total=free, free=free))
    fit = of_offer(tight, large, offers())
    assert fit is not None
    assert fit.verdict == "no"
    assert fit.other is not None
    assert fit.other.offer is small
    assert said(fit).endswith(f"{small.title} ({small.id}) in q4_k_m would run well.")
    enough = of_offer(check(tmp_path, usual), large, offers())
    assert enough is not None
    assert enough.other is None


def said_by(monkeypatch: pytest.MonkeyPatch, words: dict[str, str]) -> None:
    """Have nvidia-smi say these words, by the beginning of its first argument."""

    def output(command: list[str], _seconds: float) -> str | None:
        return next((said for start, said in words.items() if command[1].startswith(start)), None)

    monkeypatch.setattr(hardware.shutil, "which", lambda _: "nvidia-smi")
    monkeypatch.setattr(hardware, "output", output)
    monkeypatch.setattr(hardware, "_torch_for_processors", lambda: False)
    monkeypatch.delenv("STUDIO_DEVICE", raising=False)


def test_the_memory_of_a_card_is_what_its_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    said_by(monkeypatch, {"--query-gpu": "24576, 20480\n8192, 8000\n", "--query-compute": "77, 1024\n78, 5\n"})
    found = hardware.machine()
    assert (found.device, found.total, found.free, found.half) == ("cuda", 24576 * 2**20, 20480 * 2**20, True)
    assert hardware.machine("cuda:1").total == 8192 * 2**20
    assert hardware.held(77, "cuda") == 1024 * 2**20
    assert hardware.held(1, "cuda") == 0
    assert hardware.machine("cpu").device == "cpu"


def test_a_card_that_torch_cannot_use_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    said_by(monkeypatch, {"--query-gpu": "24576, 20480\n"})
    monkeypatch.setattr(hardware, "_torch_for_processors", lambda: True)
    assert hardware.machine().device in ("cpu", "mps")


@pytest.mark.parametrize("words", ["", "[N/A], [N/A]\n", "an error\n"])
def test_a_driver_that_says_nothing_useful_is_no_card(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    said_by(monkeypatch, {"--query-gpu": words})
    assert hardware.machine().device != "cuda"


def group(folder: Path, limit: str, used: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n", encoding="ascii")
    (folder / "memory.current").write_text(f"{used}\n", encoding="ascii")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n", encoding="ascii")


def test_the_limits_of_a_container_count(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "fs"
    own.write_text("0::/a/b\n", encoding="ascii")
    group(root / "a" / "b", "max", 3, 0)
    group(root / "a", str(4 * GB), 3 * GB, GB)
    assert list(hardware._container_limits(root, own)) == [(4 * GB, 2 * GB)]
    own.write_text("0::/nowhere\n", encoding="ascii")
    group(root, str(2 * GB), GB, 0)
    assert list(hardware._container_limits(root, own)) == [(2 * GB, GB)]
    assert list(hardware._container_limits(root, tmp_path / "none")) == []


def test_the_memory_of_this_machine_is_known() -> None:
    total, free = hardware.memory()
    assert 0 < free <= total


def test_demand_is_the_peak_of_loading_and_working() -> None:
    demand = Demand(weights=100, working=10, loading=50)
    assert demand.memory() - demand.memory(loaded=True) == 40


def test_config_values_of_the_wrong_kind_are_passed_over(tmp_path: Path) -> None:
    part = Part(json.loads('{"num_hidden_layers": "many", "n_layer": 3, "text_config": {"hidden_size": 7}}'))
    assert part.count("num_hidden_layers", "n_layer") == 3
    assert part.count("hidden_size") == 7
    assert part.counts("num_hidden_layers") == ()
    assert part.inside("n_layer").config == {}


def test_who_asks_does_not_wait_for_another_studio_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = MeasuredRun("story", "cpu", "llama", "fox", 4.0)
    kept = RunHistory(tmp_path / "runs.sqlite")
    kept.record(first)
    monkeypatch.setattr(history_module, "PATIENCE", 30.0)
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = threading.Thread(target=kept.record, args=(replace(first, seconds=6.0),))
        writing.start()
        while kept.typical_seconds("story", "fox") != 5.0:
            assert writing.is_alive()
            writing.join(0.01)
        assert writing.is_alive()
        other.execute("ROLLBACK")
        writing.join()
    assert RunHistory(tmp_path / "runs.sqlite").typical_seconds("story", "fox") == 5.0
