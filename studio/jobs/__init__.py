"""How requests run: jobs, lanes, the engine process, the queue on disk and what becomes of results. No Qt, no torch."""
