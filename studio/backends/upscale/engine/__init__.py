"""The upscaling engine: networks and tiles in torch."""
