"""The ministry (総務省): drafts the law, signs it and proposes it to the commission.

holds                 its gazette key, what it has signed must never learn      who any person is, and what is
exchanged called by             its own operator only calls                 the commission loses if
compromised  its half of the say over widenings: nothing can be allowed without the commission's key and the
waiting time, but everything can be stopped
"""
