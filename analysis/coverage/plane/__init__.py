"""Arithmetic in the plane, for many steps of many people at once."""
