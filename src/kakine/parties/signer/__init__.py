"""The signer: the key of a log, apart from those who write the log.

Holds: the key that signs checkpoints; of each log the size and root it signed last, in a store that is never put back
    from a backup.
Must never learn: entries. It sees sizes, roots and proofs.
Called by: its one ledger.
Calls: nobody.
Loses if compromised: with the key stolen a second history can be signed, which shows to whoever holds another head.
"""
