"""The portal: relays a resident's own history to the resident's session.

Holds: login codes (wrapped) by account, no content, no history.
Must never learn: what is in a record (opened with the session key, outside the portal), where else a person logs in.
Called by: the registry (issue of login codes), residents' sessions in the same process until the web pages exist.
Calls: the converters.
Loses if compromised: it could read the history of any account, since it opens the session and a reading is not an entry
    of the log yet. The person's card, signing the session key, and views as entries close that (both not built yet).
"""
