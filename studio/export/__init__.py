"""Export of works: shapes, sizes of networks, icon sets, sheets, SVG."""
