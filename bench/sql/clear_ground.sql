-- As if nothing had been imported.
TRUNCATE network CASCADE
