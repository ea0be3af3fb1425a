"""Families of models that the music medium knows."""

from __future__ import annotations

from studio.models.families import Family, Mark

FAMILIES = (
    Family("studio-music", "AIGC Studio music model", (Mark("model_type", "studio-music"),)),
    Family("musicgen", "MusicGen network", (Mark("model_type", "musicgen"),)),
    Family("musicgen_melody", "MusicGen Melody network", (Mark("model_type", "musicgen_melody"),)),
    Family("stable-audio", "Stable Audio network", (Mark("pipeline", "StableAudioPipeline"),)),
    Family("audioldm2", "AudioLDM 2 network", (Mark("pipeline", "AudioLDM2Pipeline"),)),
)
