INSERT INTO layer_styles (f_table_name, f_geometry_column, styleName, styleQML, useAsDefault)
VALUES (:layer, 'geom', :layer, :style, 1)
