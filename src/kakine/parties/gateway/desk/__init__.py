"""The desk of an agency (職員の窓口): named people, cases, questions that belong to a case, and a journal.

spec/desk.md says the rules. Pages are in `parties/gateway/desk_site`; nothing here knows of HTTP.
"""
