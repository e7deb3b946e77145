"""The ledger: one public, append-only log of 80-byte entries.

Holds: entries (no identifier, no organisation), their tags, the tree. Not the key that signs the log's heads.
Must never learn: who a person is, who asked whom, what an envelope says.
Called by: converters and the commission (append); everybody (receipts, entries, proofs).
Calls: its signer; witnesses, which are no parties: it shows them its heads.
Loses if compromised: availability, and entries for which no receipt was given. It cannot have a second history signed.
    No content, no person, no pair of agencies.
"""
