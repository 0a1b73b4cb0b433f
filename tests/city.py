"""A small city for tests, published by the public functions: 64 micro-grids of 8 × 8 squares in a full network.

    columns 0–3: district 3101, 4–7: 3102; rows 0–3: street …01, 4–7: …02; of each street the west two columns are
    community …001, the east two …002; of each community the south two rows are grid …01, the north two …02; the
    four micro-grids of a grid are …01 to …04, west → east then south → north.

Over it lie two dedicated grids and a partial police network that cuts across, with a hole and an overlap.
"""

from datetime import UTC, datetime

import shapely
from sqlalchemy import Connection

from geo.editions import publish_plan
from geo.networks import Level, create_network
from geo.plans import UnitDraft, add_units_to_plan

WEST, SOUTH, STEP = 114.0, 33.2, 0.002
"""Lower left corner and width of a square, degrees; a square is about 187 m × 222 m."""
SIDE = 8
FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)

GOVERNANCE = (
    Level("district", "区县", "District"),
    Level("street", "街道", "Subdistrict", "district"),
    Level("community", "社区", "Community", "street"),
    Level("grid", "网格", "Grid", "community"),
    Level("microgrid", "微网格", "Micro-grid", "grid"),
    Level("dedicated", "专属网格", "Dedicated grid", "community"),
)
POLICE = (Level("station", "派出所", "Station"), Level("beat", "警区", "Beat", "station"))
_LENGTHS = {"district": 4, "street": 6, "community": 9, "grid": 11, "microgrid": 13}


def square(column: float, row: float, columns: float = 1, rows: float = 1) -> shapely.Polygon:
    """A rectangle of the lattice, WGS-84 on the storage grid."""
    west, south = WEST + STEP * column, SOUTH + STEP * row
    corners = (west, south, west + STEP * columns, south + STEP * rows)
    return shapely.box(*(round(corner, 7) for corner in corners))


def centre(column: float, row: float) -> tuple[float, float]:
    """lon, lat of the middle of a square."""
    return round(WEST + STEP * (column + 0.5), 7), round(SOUTH + STEP * (row + 0.5), 7)


def code_at(column: int, row: int, level: str = "microgrid") -> str:
    """The code of the governance unit that holds a square."""
    code = f"31{column // 4 + 1:02d}{row // 4 + 1:02d}{column % 4 // 2 + 1:03d}{row % 4 // 2 + 1:02d}"
    return f"{code}{2 * (row % 2) + column % 2 + 1:02d}"[: _LENGTHS[level]]


def governance_drafts() -> list[UnitDraft]:
    """Micro-grids with borders and households, and the levels above, whose borders are derived."""
    cells = [(column, row) for row in range(SIDE) for column in range(SIDE)]
    drafts = [
        UnitDraft(
            "microgrid",
            code_at(column, row),
            f"{code_at(column, row, 'grid')}网格{code_at(column, row)[-1]}号微网格",
            square(column, row),
            parent_code=code_at(column, row, "grid"),
            households=30 + column + row,
        )
        for column, row in cells
    ]
    upper = ("district", "street", "community", "grid")
    for above, level in zip((None, *upper), upper, strict=False):
        parents = {code_at(*cell, level): code_at(*cell, above) if above else None for cell in cells}
        names = {each.code: each.name for each in GOVERNANCE}
        drafts += [
            UnitDraft(level, code, f"{code}{names[level]}", None, parent_code=parent)
            for code, parent in parents.items()
        ]
    return drafts


def dedicated_drafts() -> list[UnitDraft]:
    """A school in one community and a market in another, over the territorial grids."""
    school, market = square(0.25, 0.25, 1.5, 1), square(4.5, 4.5, 1, 1.5)
    return [
        UnitDraft("dedicated", "X01", "实验小学", school, parent_code="310101001", kind="dedicated"),
        UnitDraft("dedicated", "X02", "东门市场", market, parent_code="310202001", kind="dedicated"),
    ]


def police_drafts() -> list[UnitDraft]:
    """Two stations; beats leave columns 7 and above free, P10 lies before P9 by text, and P9 and P10 overlap."""
    return [
        UnitDraft("station", "P1", "南门派出所", square(0, 0, 7, 4)),
        UnitDraft("station", "P2", "北门派出所", square(0, 4, 7, 4)),
        UnitDraft("beat", "P9", "南门一警区", square(0, 0, 3.5, 4), parent_code="P1"),
        UnitDraft("beat", "P10", "南门二警区", square(3, 0, 4, 4), parent_code="P1"),
        UnitDraft("beat", "P11", "北门一警区", square(0, 4, 3.5, 4), parent_code="P2"),
        UnitDraft("beat", "P12", "北门二警区", square(3.5, 4, 3.5, 4), parent_code="P2"),
    ]


def publish_small_city(conn: Connection) -> None:
    """Networks `governance` (full) and `police` (partial), each with a first edition that holds since ever."""
    create_network(conn, "governance", name="综治网格", coverage="full", levels=GOVERNANCE)
    add_units_to_plan(conn, "governance", [*governance_drafts(), *dedicated_drafts()], author="test")
    publish_plan(conn, "governance", by="test", now=FOUNDED)
    create_network(conn, "police", name="警格", coverage="partial", levels=POLICE)
    add_units_to_plan(conn, "police", police_drafts(), author="test")
    publish_plan(conn, "police", by="test", now=FOUNDED)
