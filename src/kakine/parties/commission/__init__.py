"""The commission (個人情報保護委員会): publishes the gazette together with the ministry, and audits the converters.

Holds: its gazette key; every version with signatures and ledger entry; open proposals; verdicts of its audits.
Must never learn: who any person is, what is exchanged.
Called by: everybody (the law), the ministry (proposals), its own operator (approve, refuse, suspend, audit,
    erase, hold).
Calls: the ledger, before anything is handed out; converters, mailbox and registry, to audit; record keepers
    and converters, to erase what has expired.
Loses if compromised: its half of the say over widenings. Nothing can be allowed without the ministry's key and the
    waiting time, but everything can be stopped.
"""
