"""OpenID Connect as its relying party: authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0 (sections 3.1.2 and 3.1.3), Discovery 1.0, RFC 7636 (PKCE),
RFC 9207 (issuer in the answer), RFC 9700 (best practice). Tokens are checked by joserfc.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from accounts import clock, outbound
from accounts.outbound import Unreachable
from accounts.refusal import Refusal

SCOPES = "openid email profile"
#: Signatures by a key that the identity provider alone has; never "none", never the secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA", "Ed25519"]  # fmt: skip
#: Seconds that clocks may differ.
SKEW = 120
#: Seconds that the identity provider's addresses and keys are kept.
KEPT = 3600
#: Seconds before it is asked again after it did not answer, or for keys that it did not have.
PAUSE = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """What the identity provider and we know each other by."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One sign-in that was begun: kept in the session until the browser comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


def begin(client: Client) -> Question:
    """Where the browser goes. Refused: an identity provider that cannot be asked."""
    found = _discover(client.issuer)
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": SCOPES,
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    endpoint = found["authorization_endpoint"]
    joint = "&" if "?" in endpoint else "?"
    return Question(f"{endpoint}{joint}{urlencode(query)}", state, nonce, verifier)


def finish(client: Client, answer: dict[str, str], *, state: str, nonce: str, verifier: str) -> Any:
    """The claims of the identity token that the answer's code is worth.

    answer: the query that the browser came back with. Refused: whatever is not as it was
    asked for, with a sentence that helps whoever sets it up.
    """
    if not _same(answer.get("state", ""), state):
        raise _no("the answer belongs to another sign-in")
    if answer.get("iss", client.issuer) != client.issuer:
        raise _no("the answer comes from another identity provider")
    if "error" in answer:
        raise _no(f"it said: {answer.get('error_description') or answer['error']}"[:300])
    if not answer.get("code"):
        raise _no("its answer has no code")
    found = _discover(client.issuer)
    return _claims(client, found, _exchange(client, found, answer["code"], verifier), nonce)


def forget(issuer: str) -> None:
    """Ask anew at the next sign-in: what was kept may be what is wrong."""
    cache.delete_many([_key("discovery", issuer), _key("keys", issuer)])


def _exchange(client: Client, found: dict[str, Any], code: str, verifier: str) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
    }
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    options: dict[str, Any] = {}
    if "client_secret_basic" in methods:
        # RFC 6749, section 2.3.1: each part form-encoded, then joined.
        parts = (urlencode({"": part})[1:] for part in (client.client_id, client.client_secret))
        options["auth"] = tuple(parts)
    else:
        form |= {"client_id": client.client_id, "client_secret": client.client_secret}
    try:
        answer = outbound.post_form(found["token_endpoint"], form, **options)
    except Unreachable as why:
        raise _no(str(why)) from None
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _no("it gave no identity token")
    return token


def _claims(client: Client, found: dict[str, Any], token: str, nonce: str) -> dict[str, Any]:
    """OpenID Connect Core, section 3.1.3.7."""
    claims = _verified(client.issuer, found["jwks_uri"], token)
    rules = jwt.JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=SKEW,
        iss={"essential": True, "value": client.issuer},
        sub={"essential": True},
        aud={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        rules.validate(claims)
    except JoseError as error:
        raise _no(f"its identity token is not valid ({error})") from None
    audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
    party = claims.get("azp", client.client_id if len(audiences) == 1 else None)
    if client.client_id not in audiences or party != client.client_id:
        raise _no("its identity token is for another application")
    if not _same(str(claims.get("nonce", "")), nonce):
        raise _no("its identity token belongs to another sign-in")
    return claims


def _verified(issuer: str, address: str, token: str) -> dict[str, Any]:
    """The claims, after the signature was checked; keys that were changed are fetched once."""
    for fresh in (False, True):
        keys = _keys(issuer, address, fresh=fresh)
        try:
            return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError):
            if fresh:
                raise _no("the signature of its identity token is not right") from None
    raise AssertionError("unreachable")


def _keys(issuer: str, address: str, *, fresh: bool) -> KeySet:
    key = _key("keys", issuer)
    kept = cache.get(key)
    # Whoever sends tokens with unknown keys does not make us ask each time.
    if kept is None or (fresh and cache.add(_key("asked", issuer), 1, PAUSE)):
        try:
            kept = outbound.get_json(address)
        except Unreachable as why:
            raise _no(str(why)) from None
        cache.set(key, kept, KEPT)
    try:
        return KeySet.import_key_set(kept)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        raise _no("its keys cannot be read") from None


def _discover(issuer: str) -> dict[str, Any]:
    """The identity provider's own description (Discovery, section 4)."""
    key = _key("discovery", issuer)
    found = cache.get(key)
    if found is None:
        try:
            found = _described(issuer)
        except Unreachable as why:
            cache.set(key, {"trouble": str(why)}, PAUSE)
            raise _no(str(why)) from None
        cache.set(key, found, KEPT)
    if "trouble" in found:
        raise _no(found["trouble"])
    return dict(found)


def _described(issuer: str) -> dict[str, Any]:
    found = outbound.get_json(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise Unreachable(
            f"it calls itself “{str(found.get('issuer'))[:200]}”: enter that as issuer"
        )
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str):
            raise Unreachable(f"its description has no {name}")
        outbound.check(found[name])
    return found


def _key(what: str, issuer: str) -> str:
    return f"oidc:{what}:{hashlib.sha256(issuer.encode()).hexdigest()}"


def _no(why: str) -> Refusal:
    return Refusal("sso_failed", f"Single sign-on did not work: {why.rstrip('.')}.")


def _same(said: str, ours: str) -> bool:
    """Whatever characters are in it."""
    return hmac.compare_digest(said.encode("utf-8", "replace"), ours.encode())
