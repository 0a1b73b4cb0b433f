"""Files of fixes for `./wangge fixes import`: one module a format, each `read(path, zone) -> FixTable`.

A file that cannot be read at all is Invalid; a row that cannot be used is a finding.
"""

from tracking.files import geojson, gpx, owntracks, plt, tabular
from tracking.files.table import FixTable

__all__ = ["FILES", "FixTable"]

FILES = {
    "plt": plt.read,
    "gpx": gpx.read,
    "csv": tabular.read,
    "geojson": geojson.read,
    "owntracks": owntracks.read,
}
