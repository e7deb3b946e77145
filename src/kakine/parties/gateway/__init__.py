"""An agency's gateway (中間サーバー): asks and answers for its agency.

Holds: the agency's own codes (wrapped) with its local references, data copies (副本) with source version and expiry,
    flags of people, its own requests and receipts.
Must never learn: other agencies' codes, the individual number beyond registration, what other agencies ask.
Called by: other gateways and the registry (deliver); its own agency's systems, in the same organisation.
Calls: the converters, the record keeper never (outcomes go through a converter), other gateways.
Loses if compromised: its own agency's data. It cannot ask without a row, or unseen.
"""
