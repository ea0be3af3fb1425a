"""Training of avatar models: regression on drawings, adversarial training, warm start and augmentation."""
