"""What supervisors and workers ask of coverage: what is cold and a round to it, its rhythm, a person's day, the proof."""
