"""Run by QGIS's own Python: open a plan's GeoPackage as a project would, edit it with QGIS's own tools, save.

`change_in_qgis.py FILE '{"strip": [west, south, east, north], "giver": CODE, "taker": CODE, "ended": CODE, "heir": CODE,
"divided": CODE, "line": [[lon, lat], …]}'`: the strip goes from the giver to the taker, which is renamed; the ended unit is deleted and
drawn into the heir; the divided one is split along the line. Prints what QGIS saw as JSON.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import Qgis, QgsApplication, QgsGeometry, QgsPointXY, QgsRectangle, QgsVectorLayer

path, asked = sys.argv[1], json.loads(sys.argv[2])
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(f"{path}|layername=units", "units", "ogr")
strip = QgsGeometry.fromRect(QgsRectangle(*asked["strip"]))
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
giver, taker, ended, heir, divided = (
    by_code[asked[name]] for name in ("giver", "taker", "ended", "heir", "divided")
)
layer.changeGeometry(giver.id(), giver.geometry().difference(strip))
layer.changeGeometry(taker.id(), taker.geometry().combine(strip))
layer.changeAttributeValue(taker.id(), names.index("name"), "在QGIS里改的名")
layer.changeGeometry(heir.id(), heir.geometry().combine(ended.geometry()))
layer.deleteFeature(ended.id())
layer.select(divided.id())
seen["split"] = int(layer.splitFeatures([QgsPointXY(*place) for place in asked["line"]], False))
seen["saved"] = layer.commitChanges()
seen["errors"] = layer.commitErrors()
print(json.dumps(seen, ensure_ascii=False))
del layer
app.exitQgis()
