"""What can be asked, declared once: requests, the fields they have, settings and presets. No Qt, no torch."""
