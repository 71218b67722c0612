"""Authorization requests and the redirects that answer them (RFC 6749 §4.1, PKCE: RFC 7636, issuer: RFC 9207). Pure, but for its randomness."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import field, frozen

from integrakit.errors import AuthenticationError, IntegrakitError, PermissionDenied
from integrakit.http.oauth.answers import shown

__all__ = ["Asking"]


@frozen
class Asking:
    """One authorization request. ``state`` ties the answer to it, ``verifier`` the code."""

    redirect_uri: str
    issuer: str | None = None
    state: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(factory=lambda: secrets.token_urlsafe(48), repr=False)

    def url(self, authorization_url: str, client_id: str, scope: str | None, params: Mapping[str, str]) -> str:
        """What the person opens."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            **params,
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": self.redirect_uri,
            **({} if scope is None else {"scope": scope}),
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return authorization_url + ("&" if "?" in authorization_url else "?") + urlencode(query)

    def read(self, redirected: str) -> tuple[bool, str | IntegrakitError]:
        """Of the address that the person was sent to: whether it answers this very request; and the code in it, or the error that it is."""
        try:
            pairs = parse_qsl(urlsplit(redirected.strip()).query, keep_blank_values=True)
        except ValueError:
            pairs = []
        answer = dict(pairs)
        strange = ""
        if not answer.keys() & {"code", "error"}:
            strange = "this is not where the server sends people to in the end: there is neither a code nor an error in its address"
        elif len(answer) != len(pairs):
            strange = "the redirect has a parameter twice, as no server writes it: nothing of it was used"
        elif not hmac.compare_digest(answer.get("state", "").encode("utf-8", "surrogatepass"), self.state.encode()):
            strange = "the redirect does not answer this request (its state is another one): an old page, or somebody else's link. Begin anew"
        elif self.issuer is not None and answer.get("iss") != self.issuer:
            strange = f"the redirect does not come from issuer={self.issuer!r} (RFC 9207): the code was not used"
        elif not answer.get("code") and "error" not in answer:
            strange = "the redirect has an empty code"
        if strange:
            return False, AuthenticationError(strange)
        return True, _refused(answer) if "error" in answer else answer["code"]


def _refused(answer: Mapping[str, str]) -> IntegrakitError:
    said, why = shown(answer["error"], ()), shown(answer.get("error_description"), ())
    message = f"the authorization was refused: {said}" + (f" ({why})" if why else "")
    if answer["error"] == "access_denied":
        return PermissionDenied(f"{message}: the person said no, or may not say yes")
    return AuthenticationError(f"{message}: check client_id=, scope= and the redirect URIs that the client is registered with")
