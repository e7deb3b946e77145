"""Who bears the loss when something goes wrong: for each class of incident a body, and never the person (spec/web.md
section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.web.language import mark
from kakine.web.turn import Turn


class Bearer(Enum):
    """Who bears a loss. There is no value for the person."""

    AGENCY = mark("その情報を扱った機関")
    CONVERTER = mark("誤った変換機関")
    KEEPER = mark("記録保管者")
    OPERATOR = mark("この窓口と仕組みを動かす国の機関")
    ISSUER = mark("カードを発行した機関")


@dataclass(frozen=True)
class Incident:
    """What happened, who bears the loss by default, what you need to do, and where it can be seen."""

    what: str
    bearer: Bearer
    do: str


MATRIX = (
    Incident(
        mark("情報がもれた、なくなった"),
        Bearer.AGENCY,
        mark("何もいりません。機関が委員会に報告し、あなたに知らせます。"),
    ),
    Incident(
        mark("別の人の情報が、あなたのものとして扱われた"),
        Bearer.AGENCY,
        mark("履歴の行で異議を申し立てます。証拠は履歴にあります。"),
    ),
    Incident(
        mark("職員が、仕事でないのに照会した"),
        Bearer.AGENCY,
        mark("履歴の行で異議を申し立てます。だれが照会したかは機関が示します。"),
    ),
    Incident(
        mark("符号の変換がまちがっていた"),
        Bearer.CONVERTER,
        mark("異議を申し立てます。委員会が証明を調べ、誤った機関を名ざします。"),
    ),
    Incident(
        mark("履歴の行が消えた、示されない"),
        Bearer.KEEPER,
        mark("何もいりません。履歴を開くと見つかり、証拠が残ります。"),
    ),
    Incident(
        mark("カードとその暗証番号を、ほかの人が使った"),
        Bearer.ISSUER,
        mark("窓口か電話で止めます。カードだけで大切なことは決められません。"),
    ),
    Incident(
        mark("知らない間に、入り方や口座などを変えられた"),
        Bearer.OPERATOR,
        mark("待っている間に「取り消す」を押すか、窓口に伝えます。"),
    ),
    Incident(
        mark("止まっていて、期限に間に合わなかった"),
        Bearer.OPERATOR,
        mark("窓口に行った日に申請したものとします。"),
    ),
    Incident(
        mark("紙や窓口でしか進められず、余計にかかった"),
        Bearer.OPERATOR,
        mark("何もいりません。カードや電話がなくても、同じ手続きが同じようにできます。"),
    ),
)


async def responsibility(house: House, turn: Turn[str]) -> Response:
    """The same for everybody."""
    return turn.page("responsibility.html", incidents=MATRIX)
