"""The generator of 望澜市: plan, blocks, areas, names, and the files they ship in."""
