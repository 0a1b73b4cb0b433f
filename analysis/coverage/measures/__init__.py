"""Measures beside coverage: effort as others count it, and time on duty by the calendar."""
