"""An OpenID provider on this machine, written for tests: it says whatever it is told to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from django.test import Client
from joserfc import jwt
from joserfc.jwk import ECKey

from accounts import clock

CLIENT_ID = "seatkeeper client"
CLIENT_SECRET = "s3cret: with signs & spaces"


class IdentityProvider:
    """asked: the paths that were asked for, in order. says: claims about whoever comes with a
    real browser. Each attribute may be changed by a test."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.published = [self.key]
        self.asked: list[str] = []
        self.issuer = ""
        self.described: dict[str, Any] = {}
        self.methods = ["client_secret_basic"]
        self.codes: dict[str, dict[str, Any]] = {}
        self.token: str | None = None
        self.says: dict[str, Any] = {}

    # ---------------------------------------------------------- the browser's part

    def authorize(self, address: str, **claims: Any) -> dict[str, str]:
        """What the browser brings back from an authorization address. A claim of None is left
        out of the identity token."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert query["scope"].split()[0] == "openid"
        now = int(clock.now().timestamp())
        said = {
            "iss": self.issuer,
            "sub": "00u1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            "email_verified": True,
            **claims,
        }
        code = secrets.token_urlsafe(12)
        self.codes[code] = {
            "claims": {name: value for name, value in said.items() if value is not None},
            "challenge": query["code_challenge"],
            "redirect_uri": query["redirect_uri"],
        }
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def sign_in(self, client: Client, start: str, **claims: Any) -> Any:
        """The whole way through, from the address that begins it. Returns the last answer."""
        begun = client.get(start)
        assert begun.status_code == 302, begun
        if not begun["Location"].startswith(self.issuer):
            return begun
        return client.get("/sso/callback/", self.authorize(begun["Location"], **claims))

    # ---------------------------------------------------------- the server's part

    def answer(self, path: str, form: dict[str, str], credentials: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self._description()
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/token":
            return self._exchange(form, credentials)
        return 404, {"error": "not_found"}

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": self.methods,
            **self.described,
        }

    def _exchange(self, form: dict[str, str], credentials: str) -> tuple[int, Any]:
        if "client_secret_basic" in self.methods:
            known = base64.b64decode(credentials.removeprefix("Basic ")).decode().split(":")
            given = [unquote_plus(part) for part in known]
        else:
            given = [form.get("client_id"), form.get("client_secret")]
        if given != [CLIENT_ID, CLIENT_SECRET]:
            return 401, {"error": "invalid_client"}
        kept = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            kept is None
            or kept["challenge"] != challenge
            or kept["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        header = {"alg": "ES256", "kid": self.key.kid}
        token = self.token or jwt.encode(header, kept["claims"], self.key, algorithms=["ES256"])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


@contextlib.contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[IdentityProvider]:
    provider = IdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):  # a real browser: back at once, with an answer
                asked = parse_qs(urlsplit(self.path).query)
                answer = provider.authorize(self.path, **provider.says)
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri'][0]}?{urlencode(answer)}")
                self.end_headers()
                return
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            credentials = self.headers.get("Authorization", "")
            status, document = provider.answer(urlsplit(self.path).path, form, credentials)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
