"""The portal: relays a resident's own history to the resident's session.

Holds: login codes (wrapped) by account, no content, no history.
Must never learn: what is in a record (opened with the session key, outside the portal), where else a person logs in.
Called by: the registry (issue of login codes), residents' sessions in the same process until the web pages exist.
Calls: the converters.
Loses if compromised: it could read as a person whose session it opens, together with the record keeper: the person's
    card, signing the session key, closes that (not built yet). Each reading is bound to one session key.
"""
