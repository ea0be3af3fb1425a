"""AIGC Studio: generative models on your own machine. Importing this loads nothing else."""

__version__ = "0.1.0"
