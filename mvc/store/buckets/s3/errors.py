"""Errors of S3 and its SDK, translated into a one-line message and a one-line fix."""

from __future__ import annotations

import asyncio
import errno
import shlex
import socket
from collections.abc import Mapping
from http import HTTPStatus
from ssl import SSLCertVerificationError
from time import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mvc.errors import MissingObject, MvcError
from mvc.store.buckets.address import hidden
from mvc.store.buckets.bucket import RemoteError, SlowDown, Transient
from mvc.store.buckets.s3.endpoint import has_bucket, server_alone, with_tls, without_bucket
from mvc.store.buckets.session import AGAIN, changed, http_time

_KEYS = "export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # or AWS_PROFILE=..."
_LOGIN = "aws sso login  # or renew the credentials"
_SET = "mvc remote set NAME -o"
_SET_HERE = "mvc remote set NAME --local -o"
_WHO = "aws sts get-caller-identity"
_NETWORK = "check the network"
_CLOCK = "sudo timedatectl set-ntp true"
_TEST = "mvc remote test NAME"
_OWN_KEYS = f"{_SET_HERE} access_key_id=ID -o secret_access_key=SECRET"
_OF_CLONE = {_KEYS: _OWN_KEYS, _LOGIN: f"{_OWN_KEYS} -o session_token=TOKEN"}
"""Fixes if the keys are options of the remote; below, if a profile is."""
_OF_PROFILE = {_KEYS: "aws configure", _LOGIN: "aws sso login", _WHO: _WHO}

_RIGHTS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObjects": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject and s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectsV2": "s3:ListBucket",
}
"""By the SDK's names of operations."""
_REFUSED = {
    "InvalidAccessKeyId": ("the server does not know the access key", _KEYS),
    "SignatureDoesNotMatch": ("the server refuses the signature: the secret key is wrong", _KEYS),
    "ExpiredToken": ("the login has expired", _LOGIN),
    "ExpiredTokenException": ("the login has expired", _LOGIN),
    "TokenRefreshRequired": ("the login has expired", _LOGIN),
    "InvalidToken": ("the session token is not valid", _LOGIN),
    "RequestExpired": ("the clock of this machine is wrong", _CLOCK),
    "EntityTooLarge": ("the object is larger than the server accepts", "split the file"),
    "InvalidObjectState": ("the object is archived", "aws s3api restore-object --help"),
    "NotImplemented": ("the server does not know this request", f"{_SET} checksums=when_required  # for an old server"),
    "XMinioStorageFull": ("the server's disk is full", "make room there, then run the command again"),
    "QuotaExceeded": ("the bucket's quota is used up", "make room there, then run the command again"),
    "KMS.NotFoundException": ("the encryption key does not exist", f"{_SET} kms_key_id=ARN"),
    "KMS.DisabledException": ("the encryption key is disabled", f"{_SET} kms_key_id=ARN"),
    "InvalidArgument": ("the server refuses a setting of the request", "mvc remote list  # sse, kms_key_id, acl"),
    "AccessControlListNotSupported": ("the bucket does not accept access lists", f"{_SET} acl="),
    "InvalidBucketName": ("invalid name of a bucket", "mvc remote list"),
}
_ELSEWHERE = {
    "PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException", "301", "307",
}
_LOGINS = {code for code, (_, fix) in _REFUSED.items() if fix == _LOGIN} | {"InvalidAccessKeyId"}
_OF_OBJECT = {"GetObject", "HeadObject"}
"""They do not say why: no object, or no bucket."""
_SKEWED = "RequestTimeTooSkewed"
_SLOWER = {"SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling", "ThrottlingException", "429", "503"}
_PASSING = {
    "BadDigest", "ConditionalRequestConflict", "IncompleteBody", "InternalError", "OperationAborted", "RequestTimeout",
    "RequestTimeoutException", "XAmzContentSHA256Mismatch", "408",
}
"""Damage in transit, which the server reports as an invalid request; or a temporary state."""


class Redirected(Exception):
    """The server redirects to the server named here; no request was sent there."""


class Asked(NamedTuple):
    """The remote of a request, and its key."""

    url: str
    bucket: str
    endpoint: str
    """Empty: AWS."""
    key: str
    reached: bool
    """Whether the server answered before: if not, an unreachable server is not a temporary failure."""
    remote: str
    """The name of the remote, for fixes."""
    signer: str
    """The options that select the credentials: `keys`, `anon`, or `profile NAME`; empty: the SDK selects."""

    @property
    def host(self) -> str:
        """The server, for messages."""
        return self.endpoint or "Amazon S3"


def translate(error: Exception, asked: Asked) -> Exception:
    """Translate `error`; a bug of mvc becomes a `RuntimeError`."""
    translated = _translated(error, asked)
    if translated is None:
        return RuntimeError(f"S3 {_operation(error)}: {error!r}")
    translated.fix = _typed(translated.fix, asked)
    return translated


def refused_part(found: Mapping[str, Any], operation: str) -> Exception:
    """Return the error for a part of a response that reports a failure."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - it is loaded

    error: Exception = ClientError({"Error": found}, operation)
    return error


def _operation(error: Exception) -> str:
    return str(getattr(error, "operation_name", ""))


def _translated(error: Exception, asked: Asked) -> MvcError | None:
    if (response := _response(error)) is not None:
        return _answered(response, _operation(error), asked)
    if isinstance(error, Redirected):
        return _redirected(str(error), asked)
    if isinstance(error, RecursionError):  # circular redirects between regions
        return _elsewhere({}, asked)
    return _unanswered(error, asked)


def _typed(fix: str, asked: Asked) -> str:
    """Return the fix for this remote, whose options take precedence over the environment."""
    kind, _, profile = asked.signer.partition(" ")
    if kind == "keys" and fix in _OF_CLONE:
        fix = _OF_CLONE[fix]
    elif kind == "profile" and fix in _OF_PROFILE:
        fix = f"{_OF_PROFILE[fix]} --profile {shlex.quote(profile)}"
    return fix.replace("mvc remote set NAME", f"mvc remote set {asked.remote}").replace(
        _TEST, f"mvc remote test {asked.remote}",
    )


def is_of_sdk(error: Exception) -> bool:
    """Whether an error is one of the SDK's own or of its connections."""
    import aiohttp  # noqa: PLC0415 - both are loaded
    from botocore import exceptions as boto  # noqa: PLC0415

    return isinstance(error, boto.BotoCoreError | boto.ClientError | aiohttp.ClientError | Redirected)


def code_of(error: BaseException) -> str:
    """Return S3's code of an error, also of a translated one; empty if the server did not answer."""
    return str((_response(error) or {}).get("Error", {}).get("Code", ""))


def _response(error: BaseException | None) -> Mapping[str, Any] | None:
    """Return the response in an error or its cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, Mapping):
            return response
        error = error.__cause__
    return None


def _answered(response: Mapping[str, Any], operation: str, asked: Asked) -> MvcError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _SLOWER or status in (429, 503):
        return SlowDown(f"{asked.url}: {asked.host} asks for fewer requests ({code})", AGAIN)
    if known := _no_server(code, status, operation, asked):
        return known
    if code in _REFUSED:
        message, fix = _REFUSED[code]
        return RemoteError(f"{asked.url}: {message}", fix)
    if code in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Transient(f"{asked.url}: {asked.host} failed ({code or status})", AGAIN)
    return _refused(code, status, response, operation, asked)


def _no_server(code: str, status: int, operation: str, asked: Asked) -> RemoteError | None:
    """Return the error for a response that no S3 server gives at its own address; None for any other."""
    if operation in _OF_OBJECT or not asked.endpoint or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if has_bucket(asked.endpoint, asked.bucket) and not asked.reached and code not in _LOGINS:
        message = f"{asked.url}: endpoint_url contains the bucket: {asked.endpoint}"
        return RemoteError(message, _to(without_bucket(asked.endpoint, asked.bucket)))
    if code != "NoSuchKey" and (code != str(status) or status not in (400, 404, 405)):
        return None
    likely = without_bucket(asked.endpoint, asked.bucket) or server_alone(asked.endpoint)
    if status == HTTPStatus.BAD_REQUEST:
        likely = with_tls(asked.endpoint)
    message = f"{asked.url}: endpoint_url is not the address of an S3 server: {asked.endpoint} answered {code}"
    return RemoteError(message, _to(likely if likely != asked.endpoint else ""))


def _to(endpoint: str) -> str:
    """Return the line that sets the address of the server."""
    return f"{_SET} endpoint_url={endpoint or 'URL'}"


def _refused(code: str, status: int, response: Mapping[str, Any], operation: str, asked: Asked) -> MvcError:
    if code == _SKEWED:
        return RemoteError(f"{asked.url}: {_skew(response)}", _CLOCK)
    if code in _ELSEWHERE or status in (301, 307):
        return _elsewhere(response, asked)
    if code == "NoSuchBucket":
        option = f" --endpoint-url {asked.endpoint}" if asked.endpoint else ""
        fix = f"aws{option} s3 mb s3://{asked.bucket}"
        return RemoteError(f"there is no bucket {asked.bucket} at {asked.host}", fix)
    if code == "NoSuchKey" or (status == HTTPStatus.NOT_FOUND and operation == "GetObject"):
        return MissingObject(f"{asked.url}/{asked.key}: object not found")
    if code == "PreconditionFailed" or status == HTTPStatus.PRECONDITION_FAILED:
        return changed(asked.url, asked.key)
    if status in (401, 403) or code == "AccessDenied":
        return _denied(operation, asked)
    message = str(response.get("Error", {}).get("Message", "")).strip() or "no reason given"
    about = f"{asked.url}/{asked.key}" if asked.key else asked.url
    return RemoteError(f"{about}: {asked.host} answered {code or status}: {message}", _TEST)


def _denied(operation: str, asked: Asked) -> RemoteError:
    right = _RIGHTS.get(operation, "s3:PutObject")
    about = f"{asked.url}/{asked.key}" if asked.key else asked.url
    if asked.signer == "anon":
        message = f"{about}: access denied: it is not public, and the remote has anon=true"
        return RemoteError(message, f"{_SET} anon=")
    return RemoteError(f"{about}: access denied; the credentials in use lack {right}", _TEST)


def _elsewhere(response: Mapping[str, Any], asked: Asked) -> RemoteError:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = str(headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region") or "")
    where = f"in the region {region}" if region else "in another region"
    return RemoteError(f"the bucket {asked.bucket} is {where}", f"{_SET} region={region or 'REGION'}")


def _redirected(target: str, asked: Asked) -> RemoteError:
    """Name the server that the configured one redirects to."""
    scheme, host, *_ = urlsplit(target)
    origin = hidden(f"{scheme or 'https'}://{host}") if host else asked.host
    fix = f"{_SET} endpoint_url={shlex.quote(origin)}  # if that is yours, too"
    return RemoteError(f"{asked.url}: {asked.host} redirects to {origin}, which mvc does not follow", fix)


def _skew(response: Mapping[str, Any]) -> str:
    """Return the clock skew, by the date of the response."""
    date = http_time(str(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")))
    if not date:
        return "the clock of this machine is wrong"
    minutes = (time() - date) / 60
    if abs(minutes) < 1:
        return "the clock of this machine and the server's differ too much"
    return f"the clock of this machine is {abs(minutes):.0f} minutes {'fast' if minutes > 0 else 'slow'}"


def _unanswered(error: Exception, asked: Asked) -> MvcError | None:
    """Translate a connection error; None for a bug of mvc."""
    import aiohttp  # noqa: PLC0415 - both are loaded
    from botocore import exceptions as boto  # noqa: PLC0415

    if known := _no_login(error, asked) or _no_trust(error, asked):
        return known
    if isinstance(error, boto.EndpointConnectionError | boto.ProxyConnectionError | aiohttp.ClientConnectorError):
        return _unreachable(error, asked)
    if isinstance(error, boto.ConnectTimeoutError | boto.ReadTimeoutError | asyncio.TimeoutError):
        return Transient(f"{asked.url}: no answer from {asked.host}", AGAIN)
    if isinstance(error, boto.HTTPClientError | aiohttp.ClientError | boto.IncompleteReadError | ConnectionError):
        other = f"{_to(with_tls(asked.endpoint))}  # https:// or http://? Or run the command again"
        again = AGAIN if asked.reached or not asked.endpoint else other
        return Transient(f"{asked.url}: the connection to {asked.host} was lost", again)
    if type(error).__name__ == "ResponseParserError":
        again = AGAIN if asked.reached or not asked.endpoint else f"{_to('')}  # is it an S3 server?"
        return Transient(f"{asked.url}: the answer of {asked.host} cannot be parsed", again)
    if isinstance(error, boto.BotoCoreError | ValueError):
        return RemoteError(f"{asked.url}: {' '.join(str(error).split())}", "mvc remote list")
    return None


def _cause(error: BaseException) -> BaseException:
    """Return the error that the SDK has wrapped."""
    inner = getattr(error, "kwargs", {}).get("error")
    return inner if isinstance(inner, BaseException) else error


def _no_trust(error: Exception, asked: Asked) -> RemoteError | None:
    """Distinguish an untrusted or unreadable certificate from a server that speaks plain HTTP."""
    import aiohttp  # noqa: PLC0415 - both are loaded
    from botocore import exceptions as boto  # noqa: PLC0415

    cause, bundle = _cause(error), f"{_SET_HERE} ca_bundle=FILE"
    if isinstance(cause, FileNotFoundError | PermissionError) or getattr(cause, "library", "") in ("PEM", "X509"):
        return RemoteError(f"{asked.url}: the certificates to trust (ca_bundle) cannot be read", bundle)
    if not isinstance(error, boto.SSLError | aiohttp.ClientSSLError):
        return None
    if isinstance(cause, aiohttp.ClientConnectorCertificateError | SSLCertVerificationError):
        return RemoteError(f"{asked.url}: the certificate of {asked.host} is not trusted", bundle)
    plain = f"{_SET} endpoint_url={asked.endpoint.replace('https:', 'http:', 1)}  # if it has none"
    return RemoteError(f"{asked.url}: {asked.host} does not speak TLS", plain if asked.endpoint else _NETWORK)


def _no_login(error: Exception, asked: Asked) -> RemoteError | None:
    from botocore import exceptions as boto  # noqa: PLC0415

    if isinstance(error, boto.PartialCredentialsError):
        lacking = error.kwargs["cred_var"]
        return RemoteError(f"{asked.url}: the credentials are incomplete: {lacking} is missing", _KEYS)
    if isinstance(error, boto.NoCredentialsError):
        fix = f"{_KEYS}; a public bucket: {_SET} anon=true"
        return RemoteError(f"{asked.url}: no credentials for {asked.host} found", fix)
    if isinstance(error, boto.ProfileNotFound):
        profile = error.kwargs["profile"]
        return RemoteError(f"{asked.url}: there is no profile {profile} in ~/.aws", "aws configure list-profiles")
    if isinstance(error, boto.SSOError | boto.TokenRetrievalError | boto.LoginError):
        return RemoteError(f"{asked.url}: the login has expired", _LOGIN)
    if isinstance(error, boto.CredentialRetrievalError):
        reason = " ".join(str(error).split()).rstrip(":")
        return RemoteError(f"{asked.url}: the credentials cannot be loaded: {reason}", _WHO)
    return None


def _unreachable(error: Exception, asked: Asked) -> MvcError:
    """Return the error for an unreachable server: transient if it answered before."""
    cause = _cause(error)
    inner = getattr(cause, "os_error", cause)
    fix = f"{_SET} endpoint_url=URL  # or start the server" if asked.endpoint else _NETWORK
    if proxy := getattr(error, "kwargs", {}).get("proxy_url"):
        message, fix = f"{asked.url}: the proxy {hidden(proxy)} cannot be reached", "env | grep -i proxy"
    elif isinstance(inner, socket.gaierror):
        message = f"{asked.url}: the name of {asked.host} cannot be resolved"
        if likely := without_bucket(asked.endpoint, asked.bucket):
            fix = f"{_to(likely)}  # without the bucket"
    elif getattr(inner, "errno", None) == errno.ECONNREFUSED:
        message = f"{asked.url}: {asked.host} does not answer: connection refused"
    else:
        message = f"{asked.url}: {asked.host} cannot be reached"
    return Transient(message, AGAIN) if asked.reached else RemoteError(message, fix)
