"""The ground under every page: templates, three languages, sessions, what a form must carry, headers, refusals.

A site is a folder with `templates/`, `words/` and its routes; spec/web.md says how one is made.
"""
