"""A converter (of three): turns the code of one domain into the code of another, blind, with its own key shares.

Holds: a share of every domain's secret, a mask key shared with each domain, its release key, its month keys; who asked
    whom under which procedure, and when. No person, no plain code, no content.
Must never learn: which person, any plain code, content, which requests concern the same person.
Called by: requesters (gateways, registry, portal), the converter before it, the record keeper (linear check), the
    commission (windows, disputes, statements, orders to destroy a month's key).
Calls: the next converter, or the record keeper; the ledger, to log its statements. A record keeper, for what is
    held when a month goes.
Loses if compromised: its veto and its share of the envelopes. With one honest converter left, nothing can be converted
    and no record opened.
"""
