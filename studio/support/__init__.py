"""Help for people: diagnostics of the machine, credits and licences, the page of the demo."""
