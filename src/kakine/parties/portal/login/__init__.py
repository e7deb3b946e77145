"""The login: the portal as OpenID provider that leaves no diary (spec/login.md, decision 0036).

Keeps on disk: ways into an account (cards as keyed hashes, digests of paper codes, passkeys).
Keeps in memory, for minutes: pushed requests, logins under way, codes and tokens.
Sees in passing, and keeps nowhere: who logs in to which relying party, under what name that one knows the person, and
    the items the person agreed to show.
"""
