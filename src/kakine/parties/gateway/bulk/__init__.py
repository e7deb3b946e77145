"""Asking about many people out of one file (一括照会): a job that a crash does not ask twice."""
