"""The ledger: one public, append-only log of 80-byte entries.

Holds: entries (no identifier, no organisation), their tags, the tree, its own signing key.
Must never learn: who a person is, who asked whom, what an envelope says.
Called by: the mailbox and the commission (append); everybody (receipts, entries, proofs).
Calls: witnesses, which are no parties: it shows them its heads.
Loses if compromised: availability. With the key stolen a second history can be signed; converters release nothing
    under it and witnesses do not sign it. No content, no person, no pair of agencies.
"""
