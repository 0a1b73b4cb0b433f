"""What phones ask, thousands a second: their credentials, the door past the framework, and the inbox behind it."""
