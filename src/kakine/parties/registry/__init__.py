"""The registry of residents: who lives where, under which number, with which protection.

Holds: the basic items and their history, numbers past and present, record codes, life events, shield flags;
the root of each person's codes. Must never learn: any agency's code in use, any exchange, anything an agency
knows about a person. Called by: the gateways of municipalities (entries and events); agencies that are to be
given a code. Calls: the converters, to enrol a person and to issue or replace codes. Loses if compromised:
the basic items and numbers of everybody. Not what any agency holds, and not who asked whom. Never: a search
or list of people, a profile, a photo, a field for ethnicity, belief, union or sexuality.
"""
