"""What writing takes: the keys and values of all tokens that are looked back at, logits, and what reading makes."""

from __future__ import annotations

from typing import cast

from studio.models.fit.demand import IN_LAYERS, PACKED, PROCESS, Demand, Machine, ModelFacts, Part
from studio.schema.request import Request

LIBRARIES = 165_000_000
"""Bytes of transformers once it is imported and has run."""
LLAMA = 40_000_000
"""Bytes of llama.cpp's library and of its tables for texts, once it is loaded."""
CONTEXT = 4096
"""Tokens looked back at where the settings say nothing, whatever a large model could: memory grows with them."""
BATCH = 256
"""Tokens that llama.cpp reads at once. It sets room aside for the logits of all, and makes those of the last."""
TEMPLATE = "tokenizer.chat_template"
TOLD = 35
"""Tokens that a model which was trained to answer is told before the text."""
SLOWER = {"Q4_1": 2.7, "Q5_1": 2.7, "Q5_0": 1.6}
"""How many times as long as with the K types llama.cpp takes to read with these, for which it has no faster layout."""
LOOKING = 3.0
"""How many times as long as in products of packed weights an operation takes where tokens look back at others."""
READ = 12.0
"""Values of the network's width held for each token while a beginning is read, beside the feed-forward part's."""
CALLS, SAMPLING = 200, 450
"""Small operations that take as long as a layer's 34, its 21 views and their Python do for each token; and those beside
all layers, mostly of drawing the token."""
VOCABULARY = 100_000


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of a StoryRequest, with a model of transformers or one in GGUF."""
    model = facts.part("")
    shape = Shape(model, facts)
    tokens = int(getattr(request, "tokens", 220))
    prompt = 1 + len(str(getattr(request, "prompt", ""))) // 4
    asked = machine.context or CONTEXT
    context = min(asked, model.count("max_position_embeddings", "n_positions", "context_length", usual=asked))
    if facts.gguf:
        told = TOLD if TEMPLATE in model.config else 0
        return _packed(facts, shape, tokens, min(told + prompt, context), context, machine)
    value = machine.bytes_per_value(facts)
    read = min(prompt, context)
    cache = kv_cache(shape, min(prompt + tokens, context), value)
    reading = int(value * read * (READ * shape.width + 3 * shape.inner)) + 6 * 4 * shape.vocabulary
    weights = facts.values * value
    return Demand(
        weights=weights,
        working=cache + reading,
        loading=facts.largest,
        libraries=LIBRARIES,
        flops=2.0 * facts.values * prompt,
        traffic=float(weights) * tokens,
        calls=float(tokens * (shape.layers * CALLS + SAMPLING)),
        value=value,
    )


def _packed(facts: ModelFacts, shape: Shape, tokens: int, prompt: int, context: int, machine: Machine) -> Demand:
    """Of a model in GGUF. llama.cpp multiplies packed weights as they are, so the speed is its own."""
    # All of the context is set aside when the model is loaded, in 16 bits.
    cache = kv_cache(shape, context, 2)
    read = min(BATCH, prompt)
    scores = shape.heads * prompt
    reading = 4 * (int(read * (READ * shape.width + 3 * shape.inner + scores)) + shape.vocabulary)
    inside = cast("dict[str, int]", facts.part("").config.get(IN_LAYERS)) or {
        "": max(0, facts.values - shape.vocabulary * shape.width)
    }
    outside = facts.values - sum(inside.values())
    weights, ram = facts.size, 0
    if machine.device == "cuda":
        # Layers come with their keys and values, from the last one on; the embeddings stay beside the card.
        beside = int(weights * outside / max(1, facts.values))
        layer = (weights - beside + cache) // shape.layers
        room = machine.free - PROCESS - LLAMA - reading
        most = shape.layers if machine.gpu_layers < 0 else min(shape.layers, machine.gpu_layers)
        there = most if machine.gpu_layers > 0 else max(1, min(most, room // max(1, layer)))
        weights, cache = layer * there, 0
        ram = beside + layer * (shape.layers - there)
    return Demand(
        weights=weights,
        working=cache + reading,
        libraries=LLAMA,
        # Each token of the prompt goes through the layers and looks back at half of the others; one meets the last map.
        flops=2.0 * prompt * sum(values * SLOWER.get(dtype, 1.0) for dtype, values in inside.items())
        + 2.0 * outside
        + LOOKING * 2.0 * shape.layers * shape.width * prompt**2,
        traffic=float(facts.size) * tokens,
        value=PACKED,
        ram=ram,
    )


class Shape:
    """Layers, heads and widths of a language model, by its config or the header of its GGUF file.

    One of which only the number of weights is known is taken to be 128 times as wide as deep, its keys and values a
    quarter as wide.
    """

    def __init__(self, model: Part, facts: ModelFacts) -> None:
        guess = max(1, round((facts.values / (12 * 128**2)) ** (1 / 3)))
        self.layers = model.count("num_hidden_layers", "n_layer", "block_count", usual=guess)
        self.width = model.count("hidden_size", "n_embd", "embedding_length", usual=128 * guess)
        self.inner = model.count("intermediate_size", "n_inner", "feed_forward_length", usual=4 * self.width)
        known = model.count("num_attention_heads", "n_head", "attention.head_count")
        heads = self.heads = known or max(1, self.width // 128)
        # Without a number of their own there are as many keys as queries, in the models that say how many those are.
        self.kv_heads = model.count(
            "num_key_value_heads", "attention.head_count_kv", usual=heads if known else max(1, heads // 4)
        )
        self.head = model.count("head_dim", "attention.key_length", usual=max(1, self.width // heads))
        self.vocabulary = model.count("vocab_size", "tokenizer.ggml.tokens.count", usual=VOCABULARY)


def kv_cache(shape: Shape, tokens: int, value: int) -> int:
    """Bytes of the keys and values of so many tokens: two of each layer's."""
    return 2 * shape.layers * shape.kv_heads * shape.head * tokens * value
