"""What a redraw does to people and work, and how ground could be divided: figures and suggestions, never a decision."""
