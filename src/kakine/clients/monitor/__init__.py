"""The monitor: what an outsider runs against a country to see that its public log is honest (spec/monitor.md).

Holds: heads it has verified, the right edge of the tree, counts by page, what it found. Log indices, never people.
Calls: what everybody may call, or reads static files. It is no part of the country and nobody needs to trust it.
"""
