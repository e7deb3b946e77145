"""The ministry (総務省): drafts the law, signs it and proposes it to the commission.

Holds: its gazette key, what it has signed.
Must never learn: who any person is, what is exchanged.
Called by: its own operator only.
Calls: the commission.
Loses if compromised: its half of the say over widenings. Nothing can be allowed without the commission's key and the
    waiting time, but everything can be stopped.
"""
