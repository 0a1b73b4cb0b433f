"""Maps in one file each: made with folium, holding all they need, opening from a disk with the cable out."""
