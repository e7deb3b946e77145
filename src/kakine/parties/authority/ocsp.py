"""Answers about single certificates (RFC 6960), for foreign tools; there only where the operator switched them on.

Who asks tells the authority whose certificate is shown to whom and when. No party of this country asks.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kakine.crypto.x509_status import Revoked, ocsp_answer
from kakine.parties.authority import store
from kakine.parties.authority.office import Office
from kakine.parties.authority.store import SERIAL, State
from kakine.values.certificates import Profile

_FRESH_S = 900
_LIMIT = 4096
_MEDIA = "application/ocsp-response"


async def answer(office: Office, profile: Profile, asked: bytes) -> bytes:
    """The answer to one request, DER, by the newest root of the profile. Raises `KeyStoreFailed`.

    A certificate that was intended and not issued is unknown.
    """
    root = await office.roots.issuing(profile)
    signer = await office.roots.delegate(profile, root, ocsp=True)
    now_s = office.now_s

    def status(serial: int) -> Revoked | None:
        wanted = serial.to_bytes(SERIAL, "big") if serial.bit_length() <= 8 * SERIAL else b""
        row = store.by_serial(office.db.read(), wanted)
        if row is None or row.kind is not profile or row.state is not State.ISSUED:
            raise KeyError
        standing = store.standing(office.db.read(), wanted)
        return Revoked(serial, standing.since_s, standing.reason) if standing else None

    return ocsp_answer(
        asked,
        issuer=root.certificate,
        signer=signer.certificate,
        key=signer.key,
        status=status,
        this_s=now_s,
        next_s=now_s + _FRESH_S,
    )


def routes(office: Office) -> list[Route]:
    """POST /ocsp/{profile}; nothing at all where it is switched off."""
    if not office.settings.ocsp:
        return []

    async def serve(request: Request) -> Response:
        try:
            profile = Profile(request.path_params["profile"])
        except ValueError:
            return Response(status_code=404)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LIMIT:
                return Response(status_code=413)
        return Response(await answer(office, profile, body), media_type=_MEDIA)

    return [Route("/ocsp/{profile}", serve, methods=["POST"])]
