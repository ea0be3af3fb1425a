"""What the command line can do, one module for each kind of verb; knows neither Qt nor torch."""
