"""Paper: A4 pages for people without a device, whose QR codes anybody can verify.

Holds: nothing.
Knows: what it is given to print, for as long as that takes; pages are made in a folder of their own in memory or in the
    system's place for temporary files, which is removed.
Must not: fetch anything; print what has not verified.
"""
