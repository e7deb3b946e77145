"""The commission (個人情報保護委員会), as publisher of the gazette.

holds                 its gazette key, every version with signatures and ledger entry, the ministry's open
proposals must never learn      who any person is, and what is exchanged called by             everybody (the
law); the ministry (proposals); its own operator (approve, refuse, suspend) calls                 the ledger,
before anything is handed out loses if compromised  its half of the say over widenings: nothing can be allowed
without the ministry's key and the waiting time, but everything can be stopped
"""
