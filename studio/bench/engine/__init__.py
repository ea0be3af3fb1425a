"""Programs that the benches run as children, since they import torch."""
