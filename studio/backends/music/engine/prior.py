"""The prior: a MusicGen decoder (arXiv 2306.05284) over codec tokens, its conditioning and its sampling.

It must not know files or requests. The global labels (genre, mood, tempo, key) are embedded, as Jukebox does (arXiv
2005.00341), and stand where MusicGen has the encoded text; the plan's timed features are added to the positions.
Models of MusicGen's own are sampled by the same loop, with their text where our labels are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM, MusicgenMelodyForCausalLM
from transformers.models.musicgen.modeling_musicgen import MusicgenSinusoidalPositionalEmbedding

from studio.backends.music.plan import FEATURES, GLOBALS


def small_prior(
    codebooks: int, entries: int, width: int = 128, layers: int = 4, context: int = 256
) -> MusicgenForCausalLM:
    """A prior over `codebooks` codes of `entries` values a frame; it sees `context` frames."""
    config: Any = MusicgenDecoderConfig(
        vocab_size=entries,
        num_codebooks=codebooks,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        ffn_dim=4 * width,
        max_position_embeddings=context,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layerdrop=0.0,
        initializer_factor=width**-0.5,
        pad_token_id=entries,
        bos_token_id=entries,
        eos_token_id=None,
        tie_word_embeddings=False,
    )
    config.decoder_start_token_id = entries
    return MusicgenForCausalLM(config)


class TimedPositions(MusicgenSinusoidalPositionalEmbedding):
    """MusicGen's positions, to which the conditions of each frame are added; `now` is `[B, context, width]` or None."""

    SCALE = 0.1
    """Positions are kept small beside codes and conditions, which say more."""

    now: Tensor | None = None

    def forward(self, input_ids: Tensor, past_key_values_length: int = 0) -> Tensor:
        positions = self.SCALE * super().forward(input_ids, past_key_values_length)
        if self.now is None:
            return positions
        begin = past_key_values_length
        return positions + self.now[:, begin : begin + input_ids.shape[-1]]


class PlanConditioner(nn.Module):
    """Embeds the numbers of a Plan: global labels as a short sequence to attend to, timed features frame by frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.labels = nn.ModuleList(nn.Embedding(size, width) for size in GLOBALS)
        self.features = nn.ModuleList(nn.Embedding(size, width) for size in FEATURES)
        for table in self.parameters():
            nn.init.normal_(table, std=0.15)

    def forward(self, labels: Tensor, timeline: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, 4]` and `[B, T, 5]` whole numbers to `[B, 4, width]` and `[B, T, width]`."""
        attended = torch.stack([table(labels[:, i]) for i, table in enumerate(self.labels)], 1)
        timed = sum(table(timeline[..., i]) for i, table in enumerate(self.features))
        return attended, timed + attended.mean(1, keepdim=True)


@dataclass(frozen=True, slots=True)
class NoteGrammar:
    """What may come after what, where a codec's entries have names: a note goes on, or another begins.

    `following` is `[codebooks, entries]`, the entry that each leads to; `onsets` the same shape, true where one begins.
    """

    following: Tensor
    onsets: Tensor

    def allowed(self, book: int, before: Tensor) -> Tensor:
        """`[N, entries]`, for the entries `before`, `[N]`."""
        allowed = self.onsets[book].to(before.device).expand(len(before), -1).clone()
        return allowed.scatter_(1, self.following[book].to(before.device)[before].unsqueeze(1), True)


class Prior(nn.Module):
    """A MusicgenForCausalLM with its conditions and, where the codec has one, its grammar."""

    def __init__(self, decoder: MusicgenForCausalLM, grammar: NoteGrammar | None = None) -> None:
        super().__init__()
        self.grammar = grammar
        config = decoder.config
        self.decoder = decoder
        self.conditions = PlanConditioner(config.hidden_size)
        self.clock = TimedPositions(config.max_position_embeddings, config.hidden_size)
        decoder.model.decoder.embed_positions = self.clock

    def condition(self, labels: Tensor, timeline: Tensor, guided: bool = False) -> Condition:
        """What `sample` asks for: `[1, 4]` and `[1, T, 5]`; frames after the last are as the last."""
        if guided:
            labels, timeline = torch.cat([labels, labels * 0]), torch.cat([timeline, timeline * 0])

        def at(first: int, count: int) -> Tensor:
            places = torch.arange(first, first + count, device=timeline.device).clamp(max=timeline.shape[1] - 1)
            attended, self.clock.now = self.conditions(labels, timeline[:, places])
            return attended

        return at

    def loss(self, codes: Tensor, weights: Tensor, labels: Tensor, timeline: Tensor) -> Tensor:
        """The weighted cross entropy of `codes`, `[B, codebooks, T]`, given their conditions; weight 0 is left out."""
        config: Any = self.decoder.config
        start = config.pad_token_id
        frames = codes.shape[-1]
        columns = delay(codes, start)[..., :frames]
        weights = delay(weights, 0)[..., :frames]
        inputs = torch.cat([torch.full_like(columns[..., :1], start), columns[..., :-1]], -1)
        attended, self.clock.now = self.conditions(labels, timeline)
        hidden = self.decoder.model(
            input_ids=inputs.flatten(0, 1), encoder_hidden_states=attended, use_cache=False
        ).last_hidden_state
        self.clock.now = None
        total = hidden.new_zeros(())
        for book, head in enumerate(self.decoder.lm_heads):
            counted = weights[:, book] > 0
            logits = head(hidden[counted])
            if self.grammar:
                before = inputs[:, book][counted]
                known = before != start
                forbidden = ~self.grammar.allowed(book, before.masked_fill(~known, 0)) & known.unsqueeze(1)
                logits = logits.masked_fill(forbidden, -1e4)
            each = F.cross_entropy(logits, columns[:, book][counted], reduction="none")
            total = total + (each * weights[:, book][counted]).sum()
        return total / weights.sum()


@torch.no_grad()
def init_from_names(decoder: MusicgenForCausalLM, names: Tensor, following: Tensor) -> None:
    """Start where the codec's entries are known by name: `names` is `[codebooks, entries]`, the kind of each entry, and
    `following` `[codebooks, entries]` the entry that each leads to when nothing new happens.

    Entries of one kind start alike, and each entry's head looks for those that lead to it, so that the prior can hold a
    note before it has learnt anything; the layers between start low.
    """
    width = decoder.config.hidden_size
    inside: Any = decoder.model.decoder
    heads: Any = decoder.lm_heads
    for book, (kinds, after) in enumerate(zip(names, following, strict=True)):
        table = torch.randn(int(kinds.max()) + 1, width)[kinds] + 1.3 * torch.randn(len(kinds), width)
        table = 3 * F.normalize(table, dim=1)
        inside.embed_tokens[book].weight[:-1].copy_(table)
        head = torch.zeros_like(table).index_add_(0, after, table / 3)
        heads[book].weight.copy_(5 * F.normalize(head, dim=1))
    for layer in inside.layers:
        for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
            last.weight.mul_(0.2)


def delay(codes: Tensor, start: int, channels: int = 1) -> Tensor:
    """`[B, K, T]` to `[B, K, T + delays]`: codebook k comes k columns later; `start` fills what is open.

    Stereo models keep left and right in turn, and both sides of a codebook come together.
    """
    batch, books, frames = codes.shape
    columns = codes.new_full((batch, books, frames + (books - 1) // channels), start)
    for book in range(books):
        later = book // channels
        columns[:, book, later : later + frames] = codes[:, book]
    return columns


def undelay(columns: Tensor, frames: int, channels: int = 1) -> Tensor:
    """The codes `[B, K, frames]` that `delay` spread over `columns`."""
    return torch.stack(
        [columns[:, book, book // channels : book // channels + frames] for book in range(columns.shape[1])], 1
    )


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How codes are drawn: `guidance` 1 is plain, above it leans toward the conditions (arXiv 2207.12598)."""

    temperature: float = 1.0
    top_k: int = 250
    guidance: float = 1.0


Condition = Callable[[int, int], Tensor]
"""Called with the first frame and the number of frames of a window; sets what is timed and returns `[B, L, width]`."""


@torch.no_grad()
def sample(
    decoder: MusicgenForCausalLM,
    condition: Condition,
    frames: int,
    context: int,
    options: SamplingOptions,
    generator: torch.Generator,
    on_column: Callable[[Tensor, int], None],
    grammar: NoteGrammar | None = None,
) -> Tensor:
    """Draw codes `[1, K, frames]`, column by column, calling `on_column(columns, done)` after each.

    With guidance above 1, `condition` gives two rows, with and without conditions. Pieces longer than `context` are
    continued from their last half window, as if it were the beginning.
    """
    config: Any = decoder.config
    start, books, channels = config.pad_token_id, config.num_codebooks, config.audio_channels
    late = (books - 1) // channels
    melody = isinstance(decoder, MusicgenMelodyForCausalLM)
    total = frames + late
    device = decoder.device
    columns = torch.full((1, books, total), start, dtype=torch.long, device=device)
    first, cache, attended = 0, None, None
    for column in range(total):
        if attended is None or column - first >= context:
            first = 0 if attended is None else column - context // 2
            attended = condition(first, context)
            cache = None
        if cache is None:
            known = undelay_known(columns[..., :column], first, channels, start)
            inputs = torch.cat([columns.new_full((1, books, 1), start), known], -1)
        else:
            inputs = columns[..., column - 1 : column].clone()
            for book in range(books):
                if column - 1 - book // channels < first:
                    inputs[:, book] = start
        rows = attended.shape[0]
        out = decoder(
            input_ids=inputs.expand(rows, -1, -1).reshape(rows * books, -1),
            # With a melody the network keeps in its cache what it attends to.
            encoder_hidden_states=None if cache is not None and melody else attended,
            past_key_values=cache,
            use_cache=True,
        )
        cache = out.past_key_values
        logits = out.logits.view(rows, books, -1, config.vocab_size)[:, :, -1].float()
        if rows == 2:
            logits = logits[1:] + options.guidance * (logits[:1] - logits[1:])
        if grammar and column:
            before = columns[0, :, column - 1]
            for book, entry in enumerate(before.masked_fill(before == start, 0)):
                logits[0, book].masked_fill_(~grammar.allowed(book, entry[None])[0], float("-inf"))
        drawn = sample_codes(logits[0], options, generator)
        for book in range(books):
            if 0 <= column - book // channels < frames:
                columns[0, book, column] = drawn[book]
        on_column(columns, column + 1)
    return undelay(columns, frames, channels)


def undelay_known(columns: Tensor, first: int, channels: int, start: int) -> Tensor:
    """The columns from `first` on, as they would be if the music began there: earlier frames are blanked."""
    known = columns[..., first:].clone()
    for book in range(known.shape[1]):
        known[:, book, : book // channels] = start
    return known


def sample_codes(logits: Tensor, choosing: SamplingOptions, generator: torch.Generator) -> Tensor:
    """One code for each row of `logits`, `[K, entries]`. The generator lives on the CPU, so that a seed means the same
    on every device."""
    logits = logits.cpu() / max(choosing.temperature, 1e-4)
    if 0 < choosing.top_k < logits.shape[-1]:
        floor = logits.topk(choosing.top_k).values[..., -1:]
        logits = logits.masked_fill(logits < floor, float("-inf"))
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)
