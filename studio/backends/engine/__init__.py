"""What all engines share: device and dtype, the training loop, optimisers. Imports torch."""
