"""The certificate authority (公的個人認証の認証局): certifies keys of cards and parties, says which are revoked.

Holds: the keys of its roots (files in development, a PKCS#11 device otherwise); of each certificate its serial number,
    dates, place in a status list and digest, and the registry's random name of the holder; for an hour its text.
Must never learn: a number; where, when or to whom a certificate is shown; for a login certificate, who the holder is.
Called by: counters (gateways), to certify a card's key; the registry, when somebody moves, dies, leaves or loses
    a card; every party, for its own certificate; anybody, for what everybody downloads.
Calls: the commission, which has the digests of its batches logged.
Loses if compromised: false certificates can be issued until the root is withdrawn. Not who used one where.
"""
