"""Where models come from: the catalogue of offers, the hub, packages, addresses, and other programs."""
