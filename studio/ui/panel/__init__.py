"""The panel of a medium: brief, stage, filmstrip and the jobs between them."""
