"""Trains a small language model: a tokenizer first, then next-token prediction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, LlamaForCausalLM

from studio.backends.engine.device import device, generator, translate_out_of_memory
from studio.backends.engine.optimisers import Muon
from studio.backends.engine.training import TrainingLoop
from studio.backends.medium import Resources
from studio.backends.story.engine import induction_init
from studio.backends.story.engine.generation import encode, generate
from studio.backends.story.engine.loading import load
from studio.backends.story.engine.texts import TokenDataset, read_texts, train_tokenizer, wrap_tokenizer
from studio.backends.story.engine.writing import SamplingSettings
from studio.backends.story.requests import StoryTrainRequest
from studio.errors import BadInput
from studio.jobs.job import Progress, Report
from studio.media.payloads import Payload, Text
from studio.schema.request import Request

SIZES = {"toy": (64, 2, 2), "small": (192, 4, 3), "medium": (384, 8, 6)}  # width, layers, heads
RATE = {"toy": 1e-2, "small": 5e-3, "medium": 3e-3}
FINE_RATE = 2e-3
ADAM_SHARE = 0.5  # of the rate, for words and vectors
TOKENIZER_CHARS = 4_000_000
EVALUATE_EVERY = 200  # steps between two looks at the held-out texts
EVALUATION_BATCHES = 12  # batches of them


class StoryTrainer:
    """Engine of `story.train`. Starts from the model it has loaded, or from nothing."""

    def __init__(self) -> None:
        self.model: Any = None
        self.tokenizer: Any = None
        self.optimizers: list[torch.optim.Optimizer] = []
        self.generator = generator(0)
        self.rate = 0.0

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        if model is not None:
            report(Progress("loading"))
            self.model, self.tokenizer = load(model.folder, torch.float32)
            self.rate = FINE_RATE

    def close(self) -> None:
        self.model = self.tokenizer = None
        self.optimizers = []

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        if not isinstance(request, StoryTrainRequest):
            raise BadInput("A story training cannot run {kind}.", kind=request.kind)
        report(Progress("reading texts"))
        writings = read_texts(Path(request.data).expanduser())
        learned = [writing.text for writing in writings if not writing.held_out]
        checked = list(dict.fromkeys(writing.text for writing in writings if writing.held_out))
        if not learned:
            learned, checked = checked, []

        training = TrainingLoop(
            request,
            report,
            state=self._state,
            restore=self._restore,
            preview=lambda: self._sample(request.seed),
            export=self._export,
        )
        with translate_out_of_memory():
            if not self.optimizers:
                self._initialise(request, learned, report)
            context = int(self.model.config.max_position_embeddings)
            pieces = TokenDataset(learned, self.tokenizer, context)
            held_out = self._held_out_batches(checked, context)
            batches = pieces.batches(self.generator, request.batch)
            training.log(tokens=pieces.tokens)
            for step in training:
                rate = self.rate * training.anneal()
                training.log(loss=self._train_step(next(batches), rate), rate=rate)
                if held_out and (step + 1) % EVALUATE_EVERY == 0:
                    training.log(held_out=self._held_out_loss(held_out))
            return training.finish()

    def _initialise(self, request: StoryTrainRequest, texts: list[str], report: Report) -> None:
        torch.manual_seed(request.seed)
        self.generator = generator(request.seed)
        if self.model is None:
            report(Progress("learning words"))
            # Every n-th text, so that all collections have a say in what a word is.
            some = texts[:: max(1, sum(map(len, texts)) // TOKENIZER_CHARS)]
            self.tokenizer = train_tokenizer(some, request.vocabulary, request.context)
            width, layers, heads = SIZES[request.size]
            shape = induction_init.make_config(self.tokenizer, request.context, width, layers, heads)
            self.model = LlamaForCausalLM(shape)
            induction_init.initialise(self.model, self.generator)
            self.model.to(device())
            self.rate = RATE[request.size]
        self._make_optimizers()

    def _make_optimizers(self) -> None:
        self.model.train()
        words = {id(self.model.get_input_embeddings().weight), id(self.model.get_output_embeddings().weight)}
        inner = [p for p in self.model.parameters() if p.ndim == 2 and id(p) not in words]
        chosen = set(map(id, inner))
        rest = [p for p in self.model.parameters() if id(p) not in chosen]
        self.optimizers = [
            Muon(inner, self.rate),
            torch.optim.AdamW(rest, self.rate * ADAM_SHARE, betas=(0.9, 0.95), weight_decay=0.0),
        ]

    def _train_step(self, batch: torch.Tensor, rate: float) -> float:
        """One step on `batch` `[N, T]`; the loss in nats per token."""
        loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, share in zip(self.optimizers, (1.0, ADAM_SHARE), strict=True):
            optimizer.param_groups[0]["lr"] = rate * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _loss(self, batch: torch.Tensor) -> torch.Tensor:
        batch = batch.to(self.model.device)
        # Attention looks back only, so what fills up behind a piece is never seen and needs no mask.
        return self.model(input_ids=batch.clamp(min=0), labels=batch).loss

    def _held_out_batches(self, texts: list[str], context: int) -> list[torch.Tensor]:
        pieces = TokenDataset(texts, self.tokenizer, context)
        if pieces.tokens < 2 * context:
            return []
        batches = pieces.batches(generator(0), 2)
        return [next(batches) for _ in range(min(EVALUATION_BATCHES, pieces.tokens // (2 * context)))]

    @torch.no_grad()
    def _held_out_loss(self, batches: list[torch.Tensor]) -> float:
        self.model.eval()
        losses = [float(self._loss(batch)) for batch in batches]
        self.model.train()
        return sum(losses) / len(losses)

    def _sample(self, seed: int) -> Text:
        self.model.eval()
        start = encode(self.tokenizer, "#")
        context = int(self.model.config.max_position_embeddings)
        sampling = SamplingSettings(seed, temperature=0.7, top_p=0.95, top_k=60)
        text, _ = generate(
            self.model, self.tokenizer, start, min(200, context), context, sampling, lambda text, count: None
        )
        self.model.train()
        return Text("#" + text)

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "config": self.model.config.to_json_string(use_diff=False),
            "tokenizer": self.tokenizer.backend_tokenizer.to_str(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "dice": self.generator.get_state(),
            "rate": self.rate,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        if self.model is None:
            facts = json.loads(state["config"])
            config = AutoConfig.for_model(**facts)
            self.tokenizer = wrap_tokenizer(Tokenizer.from_str(state["tokenizer"]), config.max_position_embeddings)
            self.model = AutoModelForCausalLM.from_config(config).to(device())
        self.model.load_state_dict(state["model"])
        self.rate = float(state["rate"])
        self._make_optimizers()
        for optimizer, known in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(known)
        self.generator.set_state(state["dice"])

    def _export(self, folder: Path) -> None:
        """config.json, generation_config.json, tokenizer files and model.safetensors in float16."""
        kept = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.generation_config = GenerationConfig(
            bos_token_id=self.tokenizer.bos_token_id, eos_token_id=self.tokenizer.eos_token_id
        )
        self.model.half().save_pretrained(folder)
        self.model.float().load_state_dict(kept)
        self.tokenizer.save_pretrained(folder)
