"""The ledger: one public, append-only log of 80-byte entries.

holds                 entries (no identifier, no organisation), their tags, the tree, its own signing key
must never learn      who a person is, who asked whom, what an envelope says
called by             the mailbox and the commission (append); everybody (receipts, entries, proofs)
calls                 nobody
loses if compromised  availability; with the key stolen a second history can be signed, and converters and
                      witnesses, who hold earlier checkpoints, see the fork. No content, no person, no pair of
                      agencies.
"""
