"""Run by QGIS's own Python: open a plan's GeoPackage as a project would, move one border and a name, save.

`change_in_qgis.py FILE GIVER TAKER WEST SOUTH EAST NORTH`: the box goes from the giver to the taker; prints what QGIS saw as JSON.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import Qgis, QgsApplication, QgsGeometry, QgsRectangle, QgsVectorLayer

path, giver, taker, *corners = sys.argv[1:]
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(f"{path}|layername=units", "units", "ogr")
strip = QgsGeometry.fromRect(QgsRectangle(*map(float, corners)))
by_code = {feature["code"]: feature for feature in layer.getFeatures()}
renderer, names = layer.renderer(), [field.name() for field in layer.fields()]
seen = {
    "version": Qgis.QGIS_VERSION,
    "valid": layer.isValid(),
    "count": layer.featureCount(),
    "crs": layer.crs().authid(),
    "fields": names,
    "colour": renderer.symbol().color().name(),
    "editable": layer.startEditing(),
}
one, other = by_code[giver], by_code[taker]
layer.changeGeometry(one.id(), one.geometry().difference(strip))
layer.changeGeometry(other.id(), other.geometry().combine(strip))
layer.changeAttributeValue(other.id(), names.index("name"), "在QGIS里改的名")
seen["saved"] = layer.commitChanges()
seen["errors"] = layer.commitErrors()
print(json.dumps(seen, ensure_ascii=False))
del layer
app.exitQgis()
