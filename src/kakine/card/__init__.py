"""The card: a chip of its own that makes its keys, keeps its secrets and answers commands. It is no party.

Holds: private keys that never leave it; of each secret a tag, and how many tries are left; its files.
Must never learn: where it is used. It keeps no list of what it signed.
Asked by: any terminal into which the holder puts it, through `engine.Card.answer`.
Asks: nobody.
Loses if stolen: a file on a disk is no chip. Whoever copies it has its keys and needs no PIN (docs/not-built.md).
"""
