"""A plan as a GeoPackage for desktop programs, and back: each unit is told by its id, each difference is located."""
