"""Kakine: a national number system whose safeguards are enforced by cryptography and code."""

__version__ = "0.1.0"
