"""Delegation (代理): who may act for whom, as the portal keeps and enforces it (spec/delegation.md).

Kept on disk: who stands by under which code, and mandates with their terms. Never: that one was used. A use is two
exchanges of the login, or a reading, and stands in people's own lists alone.
"""
