"""The SDK's HTTP sessions: without redirects, and with the system's certificates instead of the SDK's own.

The SDK has no settings for these, so two private methods are replaced. Without them, refuse to work.
"""

from __future__ import annotations

import ssl
from functools import partial
from types import SimpleNamespace
from typing import Any

from mvc.store.buckets.environment import certificates
from mvc.store.buckets.s3.errors import Redirected

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def session_class(endpoint: str) -> type[Any]:
    """Return the SDK's HTTP session for a server at `endpoint`, or Amazon's if that is empty.

    A redirect would forward a session token. The SDK itself handles redirects between Amazon's regions.
    """
    from aiobotocore.httpsession import AIOHTTPSession  # noqa: PLC0415 - it is loaded

    if not hasattr(AIOHTTPSession, "_get_session") or not hasattr(AIOHTTPSession, "_build_verify_context"):
        raise ImportError("this aiobotocore would follow redirects, or not use the system's certificates")

    class Guarded(AIOHTTPSession):  # type: ignore[misc]  # has no types
        async def _get_session(self, proxy_url: str | None) -> Any:
            session = await super()._get_session(proxy_url)
            return SimpleNamespace(request=partial(session.request, allow_redirects=False))

        def _build_verify_context(self) -> Any:
            if self._verify is True and certificates():  # ca_bundle and its variables name others
                return ssl.create_default_context()
            return super()._build_verify_context()

        async def send(self, request: Any) -> Any:
            answer = await super().send(request)
            target = answer.headers.get("location") if answer.status_code in _REDIRECTS else None
            if target and endpoint and "x-amz-bucket-region" not in answer.headers:
                answer.raw.close()
                raise Redirected(target)
            return answer

    return Guarded
