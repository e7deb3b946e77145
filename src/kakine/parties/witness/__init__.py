"""A witness: says of a log that it only grew, as far as it has seen. Anybody may run one; no gazette names it.

Holds: the last head of each log it follows, forks it was shown, its own signing key.
Must never learn: entries, or anything about a person. It is sent sizes and hashes.
Called by: anybody, without a login; only a log's signature counts. Logs submit heads, monitors read the last one.
Calls: nobody.
Loses if compromised: its word. With its key a fork of a log can be cosigned, but a quorum asks several witnesses. A
    witness put back from a backup has forgotten heads it signed for: retire its key instead.
"""
