"""What can be walked and what has to be visited: streets, what bars the way (water, railways, closed compounds), sites.

A file is read (rows become features, the rest findings) and taken in as a survey (dated, the same again changes
nothing); `standing` reads what stood on a day, in a box.
"""

from geo.walkable.reading import SUBJECTS, SurveyFile, read_survey
from geo.walkable.standing import Obstacle, Site, Street, read_obstacles, read_sites, read_streets
from geo.walkable.surveys import Surveyed, import_survey

__all__ = [
    "SUBJECTS",
    "Obstacle",
    "Site",
    "Street",
    "SurveyFile",
    "Surveyed",
    "import_survey",
    "read_obstacles",
    "read_sites",
    "read_streets",
    "read_survey",
]
