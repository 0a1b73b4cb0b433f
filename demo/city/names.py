"""Invented names: plausible Chinese words put together by a generator, none taken from a map; each is used once."""

from collections.abc import Iterator

import numpy as np

CITY = "望澜市"
CITY_CODE = "411799"
"""Free in the national list of counties, so that no real place carries it."""

SUBDISTRICTS = (
    "钟鼓", "文澜", "栖云", "临漪", "桐荫", "鹤汀", "望江", "澄湖", "金穗", "北站", "新河", "映月", "青槐", "双塔", "凤栖", "松陵", "兰渚",
)  # fmt: skip
TOWNS = ("白鹭渡", "石碾", "麦岭", "柳湾", "杏林", "沙堤", "稻香", "古堰", "竹桥", "云台铺")

_FIRST = "青白红金银玉翠碧丹紫松柏桐槐柳梅兰竹菊荷杏桃桂枫芦云霞月星晨晴雨雪清明和安康宁福祥瑞吉永长文书学翰墨鹤鹭雁燕凤鸣石泉溪塘"
_SECOND = "荫塘溪泉井桥坊苑庭园林岭坡湾渡浦洲堤岸亭台楼阁门里巷庄畈沟坝堰岗台屏峰谷源川汀渚湖"
_ROADS_FIRST = "澜澄漪沧汇浩润泽沐沁启兴建振弘崇尚致敦景昭旭曦朗绣锦绮瑶琅珑瑾璞岚峻巍"
_ROADS_SECOND = "平和安宁丰华阳光明辉远达业德礼义信诚贤才武胜利民康乐怡春秋云川山河海江林"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建国志文斌辉鹏浩宇轩梓涵欣怡佳琪雪梅兰凤琴云峰飞龙波宁晨阳思远嘉慧颖倩婷雅岚松柏林森海洪亮健康东旭春生"
NUMERALS = "〇一二三四五六七八九十"


def community_words(rng: np.random.Generator) -> Iterator[str]:
    """Two-character words for communities and villages, each once, endless enough for a city."""
    yield from _words(_FIRST, _SECOND, rng)


def road_words(rng: np.random.Generator) -> Iterator[str]:
    """Two-character words for roads, each once and none a community's."""
    for part in ("", "东", "西", "南", "北", "中"):
        for word in _words(_ROADS_FIRST, _ROADS_SECOND, rng):
            yield word + part


def _words(first: str, second: str, rng: np.random.Generator) -> Iterator[str]:
    pairs = sorted({a + b for a in first for b in second if a != b})
    for place in rng.permutation(len(pairs)):
        yield pairs[int(place)]


def person_names(rng: np.random.Generator, count: int) -> list[str]:
    """Names of people; they may repeat, as names do."""
    surnames = rng.integers(len(_SURNAMES), size=count)
    given = rng.integers(len(_GIVEN), size=(count, 2))
    short = rng.random(count) < 0.25
    return [
        _SURNAMES[s] + _GIVEN[a] + ("" if brief else _GIVEN[b])
        for s, (a, b), brief in zip(surnames, given, short, strict=True)
    ]


def numeral(number: int) -> str:
    """1 → 一, 12 → 十二, 25 → 二十五 (up to 99)."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else NUMERALS[tens] + "十"
    return head + (NUMERALS[ones] if ones or not tens else "")
