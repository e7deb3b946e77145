"""The ledger: one public, append-only log of 80-byte entries.

Holds: entries (no identifier, no organisation), their tags, the tree, its own signing key.
Must never learn: who a person is, who asked whom, what an envelope says.
Called by: the mailbox, the commission and converters (append); everybody (receipts, entries, proofs).
Calls: nobody.
Loses if compromised: availability. With the key stolen a second history can be signed; whoever holds an earlier
    checkpoint can show the fork, and nobody here compares checkpoints by itself yet. No content, no person, no pair of
    agencies.
"""
