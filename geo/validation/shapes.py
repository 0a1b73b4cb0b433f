"""Each unit by itself: its shape and its code."""

import re
from collections.abc import Sequence

import numpy as np
import shapely

from core.errors import told
from geo.findings import ERROR, WARNING, Finding, Severity
from geo.networks import Network
from geo.plans import UnitDraft, geometry_column
from geo.validation.ground import Objects, located, polygons_of

_PLACE = re.compile(r"\[(\S+) (\S+)\]")


def usable_shapes(network: Network, drafts: Sequence[UnitDraft]) -> tuple[Objects, list[Finding]]:
    """Valid polygons for the checks that follow (None where there are none), and what was wrong with the shapes."""
    severity = ERROR if network.coverage == "full" else WARNING
    shapes = geometry_column(draft.geom for draft in drafts)
    findings = []
    given = np.array([shape is not None for shape in shapes], dtype=bool)
    bad = given & ~shapely.is_empty(shapes) & ~shapely.is_valid(shapes)
    for index in np.flatnonzero(bad).tolist():
        findings.append(_invalid(drafts[index], severity))
        shapes[index] = shapely.make_valid(shapes[index], method="structure", keep_collapsed=False)
    shapes = polygons_of(shapes)
    gone = [index for index in np.flatnonzero(given).tolist() if shapes[index] is None]
    findings += [_empty(drafts[index], severity) for index in gone]
    return shapes, findings


def _invalid(draft: UnitDraft, severity: Severity) -> Finding:
    reason = str(shapely.is_valid_reason(draft.geom))
    found = _PLACE.search(reason)
    where = (float(found[1]), float(found[2])) if found else None
    return Finding(
        "invalid_geometry",
        severity,
        (draft.code,),
        told(
            "{level} {code} has an invalid border: {reason}",
            level=draft.level,
            code=draft.code,
            reason=_PLACE.sub("", reason).strip(),
        ),
        told("redraw the border there; a partial network publishes the area it encloses"),
        level=draft.level,
        where=where,
        geometry=None if where is None else shapely.Point(where),
    )


def _empty(draft: UnitDraft, severity: Severity) -> Finding:
    return Finding(
        "empty_geometry",
        severity,
        (draft.code,),
        told("{level} {code} has no area", level=draft.level, code=draft.code),
        told("draw its border, or leave the unit out; a partial network publishes without it"),
        level=draft.level,
    )


def check_codes(network: Network, drafts: Sequence[UnitDraft], shapes: Objects) -> list[Finding]:
    """A code that stands more than once at its level: one finding a code, located at its second unit."""
    severity = ERROR if network.coverage == "full" else WARNING
    rows: dict[tuple[str, str], list[int]] = {}
    for index, draft in enumerate(drafts):
        rows.setdefault((draft.level, draft.code), []).append(index)
    findings = []
    for (level, code), indices in rows.items():
        if not code.strip():
            findings += [_without_code(drafts[index], shapes[index]) for index in indices]
        elif len(indices) > 1:
            shape = next((shapes[index] for index in indices[1:] if shapes[index] is not None), None)
            finding = Finding(
                "duplicate_code",
                severity,
                (code,),
                told(
                    "{level} code {code} stands {count} times{sources}",
                    level=level,
                    code=code,
                    count=len(indices),
                    sources=_sources(drafts, indices),
                ),
                told(
                    "give each unit a code of its own; a partial network publishes them as one unit of several parts"
                ),
                level=level,
                measure=float(len(indices)),
                mend=_recoded(drafts[indices[-1]]),
                **({} if shape is None else located(shape)),
            )
            findings.append(finding)
    return findings


def _recoded(draft: UnitDraft) -> tuple[str, dict[str, str]] | None:
    """The last one gets the next code of its network's scheme."""
    return None if draft.unit_id is None else ("recode", {"unit": str(draft.unit_id)})


def _without_code(draft: UnitDraft, shape: object) -> Finding:
    place = {} if shape is None else located(shape)  # type: ignore[arg-type]
    source = f" ({draft.source})" if draft.source else ""
    text = told(
        "a {level} named “{name}” has no code{sources}", level=draft.level, name=draft.name, sources=source
    )
    return Finding(
        "missing_code",
        ERROR,
        ("",),
        text,
        told("give it a code"),
        level=draft.level,
        mend=_recoded(draft),
        **place,
    )


def _sources(drafts: Sequence[UnitDraft], indices: Sequence[int]) -> str:
    named = [drafts[index].source for index in indices[:5] if drafts[index].source]
    return f" ({'; '.join(map(str, named))})" if named else ""
