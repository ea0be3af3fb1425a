"""What writing takes: the keys and values of all tokens that are looked back at, logits, and what reading makes."""

from __future__ import annotations

from studio.models.fit.demand import Demand, Machine, ModelFacts, Part
from studio.schema.request import Request

LIBRARIES = 165_000_000
"""Bytes of transformers once it is imported and has run."""
LLAMA = 40_000_000
"""Bytes of llama.cpp's library and of its tables for texts, once it is loaded."""
CONTEXT = 4096
"""Tokens looked back at where the settings say nothing, whatever a large model could: memory grows with them."""
BATCH = 256
"""Tokens that llama.cpp reads at once. It sets room aside for the logits of all, and makes those of the last."""
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
        # All of the context is set aside when the model is loaded, in 16 bits.
        value = 4
        cache = kv_cache(shape, context, 2)
        read = min(BATCH, prompt, context)
        scores = shape.heads * min(prompt, context)
        reading = int(value * read * (READ * shape.width + 3 * shape.inner + scores)) + value * shape.vocabulary
        weights, libraries = facts.size, LLAMA
    else:
        value = machine.bytes_per_value(facts)
        read = min(prompt, context)
        cache = kv_cache(shape, min(prompt + tokens, context), value)
        reading = int(value * read * (READ * shape.width + 3 * shape.inner)) + 6 * 4 * shape.vocabulary
        weights, libraries = facts.values * value, LIBRARIES
    return Demand(
        weights=weights,
        working=cache + reading,
        loading=0 if facts.gguf else facts.largest,
        libraries=libraries,
        flops=2.0 * facts.values * prompt,
        traffic=float(weights) * tokens,
        calls=0.0 if facts.gguf else float(tokens * (shape.layers * CALLS + SAMPLING)),
        value=value,
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
