"""The registry of residents: who lives where, under which number, with which protection.

Holds: the basic items and their history; numbers past and present; record codes; life events; shield flags; its own
    code of each person (wrapped), and the root handles sealed to the commission.
Must never learn: any agency's code in use, any exchange, anything an agency knows about a person, where a person
    logs in (the portal asks it for items, in its own name, and it answers without the relying party being named).
Called by: the gateways of municipalities (entries and events); agencies that are to be given a code; the commission
    (samples of enrolments); the portal (items that a person agreed to show).
Calls: the converters, to enrol a person and to issue, replace or retire codes; agencies' gateways, to deliver codes;
    the certificate authority, to say under a random name that a life or a card has changed.
Loses if compromised: the basic items and numbers of everybody. Not what any agency holds, and not who asked whom.
Never: a search or list of people, a profile, a photo, a field for ethnicity, belief, union or sexuality.
"""
