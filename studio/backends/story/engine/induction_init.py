"""Initial weights for a small Llama in which induction heads already work.

Trained from random weights, a model of a few million parameters knows every phrase of its texts long before it keeps
a name from one sentence to the next: copying needs two attention layers that work together (Olsson et al. 2022,
"In-context learning and induction heads"), and neither is of use without the other. Here both are laid out in the
first weights, and learning starts from there.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

THETA = 1e6  # of the rotary positions: half of each head turns so slowly that it compares tokens wherever they are
SHARPNESS = 30.0  # score of the token before, in the head that looks there
MATCH = 24.0  # score of what follows an equal token
LOUD, SOFT = 12.0, 1.5  # how strongly a found token is said: by the head that repeats, by those that may


def make_config(tokenizer: Any, context: int, width: int, layers: int, heads: int) -> LlamaConfig:
    """At least two layers; `width` in `heads` heads of an even size."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 16 * 16,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        attention_bias=True,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )


@torch.no_grad()
def initialise(network: LlamaForCausalLM, generator: torch.Generator) -> None:
    """Give the first weights of a network with the config above their order.

    Words come in as random vectors e and are said by R e, R a rotation: a head whose values and outputs make R e of e
    says the token that it looks at. In the first layer one head looks at the token before and notes it. In the second
    one looks where the noted token equals the present one, and says what stands there. In every layer above two heads
    say what they look at, and learn where to look.
    """
    shape: Any = network.config
    width, heads = int(shape.hidden_size), int(shape.num_attention_heads)
    size = width // heads
    attention: list[Any] = [layer.self_attn for layer in network.model.layers]
    words = network.model.embed_tokens.weight
    words.normal_(generator=generator)
    said = _rotation(width, generator)
    network.lm_head.weight.copy_(words @ said.T / width**0.5)

    # The quick half of the rotary pairs tells neighbours apart: a query and a key that do not depend on the tokens,
    # apart by one position, agree best where the key stands one before.
    quarter, half = size // 4, size // 2
    turns = THETA ** (-torch.arange(half) / half)
    strength = torch.zeros(half)
    strength[:quarter] = (SHARPNESS * size**0.5 / quarter) ** 0.5
    looks = attention[0]
    for weights in (looks.q_proj, looks.k_proj):
        weights.weight[:size] = 0
    looks.q_proj.bias[:half] = strength
    looks.k_proj.bias[:size] = torch.cat([strength * turns.cos(), strength * turns.sin()])
    seen, noted = _rotation(width, generator)[:size], _rotation(width, generator)[:, :size]
    looks.v_proj.weight[:size] = seen
    looks.o_proj.weight[:, :size] = 3 * noted

    # The slow half compares: what is here with what was noted there.
    slow = torch.cat([torch.arange(quarter, half), torch.arange(quarter, half) + half])
    place = torch.zeros(size, size)
    place[slow, torch.arange(len(slow))] = (MATCH * size**0.5 / len(slow)) ** 0.5
    attention[1].q_proj.weight[:size] = place @ seen
    attention[1].k_proj.weight[:size] = place @ noted.T

    for number, layer in enumerate(attention[1:]):
        for head in range(min(2, heads) if number else 1):
            own = slice(head * size, (head + 1) * size)
            read = _rotation(width, generator)[:size]
            layer.v_proj.weight[own] = read
            layer.o_proj.weight[:, own] = (SOFT if number else LOUD) * (said @ read.T)


def _rotation(width: int, generator: torch.Generator) -> torch.Tensor:
    """A random orthogonal matrix `[width, width]`."""
    return torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
