"""The portal: relays a resident's own history to the resident's session, and logs people in to relying parties.

Holds: login codes (wrapped) by account, ways into accounts (`login`), acts under way (`acts`); no content, no history,
    no relying party.
Must never learn: what is in a record (opened with the session key, outside the portal). Must never keep: where a person
    logs in, and under which name; both pass through it at every login.
Called by: the registry (issue of login codes), residents' desks of municipalities (vouchers), browsers and relying
    parties (`login`), residents through visits (`visits`).
Calls: the converters, the gateways of relying parties, the registry (items that a person agreed to show).
Loses if compromised: it could read the history of any account and log in as anybody; each time an entry stands in the
    person's list. A person's card, signing the session key, would close the first (not built).
"""
