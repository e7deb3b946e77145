"""The commission's people at work: acts that two of them carry, the register of assessments, cases of breaches, what is
counted, and a journal of it all. Nothing here is about a resident.
"""
