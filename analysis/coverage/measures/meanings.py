"""What each definition means in words, with the limits that the figures were computed by: numerator, denominator, limits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from analysis.coverage.rules import CoverageRules
from analysis.coverage.views.responses import NEAR_M, WITHIN


@dataclass(frozen=True, slots=True)
class Meaning:
    """A definition's text; both languages tell the same."""

    zh: str
    en: str


_SURE_ZH: Final = "一段为前后两点间隔不超过 {proving_s:g} 秒、长不超过 {proving_m:.0f} 米，两端精度不大于 {inradius_m:.0f} 米，不乘车"
_SURE_EN: Final = "a leg has two fixes at most {proving_s:g} s and {proving_m:.0f} m apart, both accurate to {inradius_m:.0f} m, not on a vehicle"
_OWN_ZH: Final = "本人网格及其外 {own_margin_m:g} 米以内"
_OWN_EN: Final = "the own grid or {own_margin_m:g} m around it"
_TEXTS: Final = {
    "area": (
        "分子：格子（H3 {resolution} 级）中有可靠定位点，或被一段可靠的路穿过至少 {crossing_m:g} 米的可走面积。分母：单元内全部可走面积。"
        "限值：" + _SURE_ZH + "。",
        "Numerator: walkable area of cells (H3 {resolution}) with a sure fix, or crossed for at least {crossing_m:g} m by a sure leg. "
        "Denominator: all walkable area of the units. Limits: " + _SURE_EN + ".",
    ),
    "area_by_fixes": (
        "分子：有可靠定位点（精度不大于 {inradius_m:.0f} 米，乘车也算）的格子的可走面积。分母：单元内全部可走面积。",
        "Numerator: walkable area of cells with a fix accurate to {inradius_m:.0f} m, on a vehicle too. Denominator: all walkable area of the units.",
    ),
    "streets": (
        (
            "分子：中点距可靠的路或定位点不超过 {trail_buffer_m:g} 米的路段长度。分母：全部道路长度。限值：定位精度不大于 {valid_accuracy_m:g} 米，"
            "相邻两点不超过 {proving_s:g} 秒，不乘车。"
        ),
        (
            "Numerator: length of stretches whose middle lies within {trail_buffer_m:g} m of a sure leg or fix. Denominator: all street length. "
            "Limits: fixes accurate to {valid_accuracy_m:g} m, at most {proving_s:g} s apart, not on a vehicle."
        ),
    ),
    "doors": (
        (
            "分子：距可靠的路或定位点不超过 {passing_m:g} 米的户点数。分母：在用户点总数。限值：定位精度不大于 {valid_accuracy_m:g} 米，"
            "相邻两点不超过 {proving_s:g} 秒，不乘车。"
        ),
        (
            "Numerator: address points within {passing_m:g} m of a sure leg or fix. Denominator: all in use. Limits: fixes accurate to "
            "{valid_accuracy_m:g} m, at most {proving_s:g} s apart, not on a vehicle."
        ),
    ),
    "households": (
        "分子：距可靠的路或定位点不超过 {passing_m:g} 米的户点的户数。分母：在用户点的总户数。限值同户点覆盖率。",
        (
            "Numerator: households of address points within {passing_m:g} m of a sure leg or fix. Denominator: those of all in use. "
            "Limits: as for address points."
        ),
    ),
    "required": (
        (
            "分子：各处已完成的走访次数之和，每处不多于应访次数。分母：各处应访次数之和（期内不足一次按一次）。限值：距该处 {passing_m:g} 米以内，"
            "每次不短于该处要求的时间，同一人离开不超过 {gap_min:g} 分钟算一次。"
        ),
        (
            "Numerator: visits made, of each place no more than required. Denominator: visits required, what is begun rounded up. Limits: within "
            "{passing_m:g} m of the place, each as long as the place asks for; one person away for at most {gap_min:g} min makes one visit."
        ),
    ),
    "in_grid": (
        "分子：在岗期间被观测到位于" + _OWN_ZH + "的时间。分母：在岗时间。",
        "Numerator: duty observed in " + _OWN_EN + ". Denominator: duty.",
    ),
    "in_grid_credited": (
        "分子：在岗期间被观测到位于" + _OWN_ZH + "的时间，加上说明经认可补计的时间。分母：在岗时间。",
        "Numerator: duty observed in " + _OWN_EN + ", and what accepted notes add. Denominator: duty.",
    ),
    "observability": (
        "分子：在岗期间被观测到的时间；超过 {trail_gap_s:g} 秒（或该设备通常间隔的三倍）没有定位为断点，不算。分母：在岗时间。",
        "Numerator: duty observed; silence beyond {trail_gap_s:g} s, or three times the device's usual interval, is not. Denominator: duty.",
    ),
    "response": (
        "分子：派到案件后 {within_h:g} 小时内、转派之前，有可靠定位点在案件 {near_m:g} 米以内的次数。分母：{within_h:g} 小时已满或已转派的次数。",
        (
            "Numerator: times somebody was sent to a case and a sure fix lay within {near_m:g} m of it in {within_h:g} hours, before it was handed on. "
            "Denominator: times whose {within_h:g} hours, or turn at the case, are over."
        ),
    ),
}


def explain(rules: Mapping[str, Any]) -> dict[str, Meaning]:
    """Every definition's text by its id. `rules`: those of a computed day, as kept with it."""
    used = CoverageRules(**{**asdict(CoverageRules()), **rules, "trail": CoverageRules().trail})
    limits = {
        **asdict(used),
        "proving_m": used.proving_m,
        "inradius_m": used.inradius_m,
        "near_m": NEAR_M,
        "within_h": WITHIN.total_seconds() / 3600,
        "gap_min": used.visit_gap_s / 60,
        "trail_gap_s": rules.get("trail", asdict(used)["trail"])["gap_s"],
    }
    return {key: Meaning(*(text.format(**limits) for text in texts)) for key, texts in _TEXTS.items()}
