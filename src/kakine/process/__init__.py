"""One party as a process of its own: settings, checks, start, work, stop. Loads the party its settings name alone."""
