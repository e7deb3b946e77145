"""The mailbox: record keeper and gate.

Holds: its own codes (wrapped), which of them are valid, sealed records by code, filings with their receipts.
Must never learn: who asks, whom, why, content, which person.
Called by: converters only, so that no caller's identity gives an agency away; the commission (vectors of S0+ windows,
    which are blinded and masked; orders to drop a month, holds).
Calls: the ledger (append), the converters (linear check before a receipt).
Loses if compromised: it alone could hide rows of a list (a second mailbox and the public index close that, not built
    yet) or stop exchanges; it can neither read a record nor convert a code.
"""
