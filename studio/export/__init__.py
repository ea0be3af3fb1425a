"""Export: works as files that the world asks for: shapes, feed sizes, icon sets, sheets, SVG; no Qt, no torch."""
