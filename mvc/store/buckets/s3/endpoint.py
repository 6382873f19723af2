"""What may be wrong with an `endpoint_url`: the bucket or a path in it, http:// for https://."""

from __future__ import annotations

from urllib.parse import urlsplit

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")


def is_amazon(endpoint: str) -> bool:
    """Whether an address is one of Amazon's."""
    return f".{urlsplit(endpoint).hostname}".endswith(_AMAZON)


def without_bucket(endpoint: str, bucket: str) -> str:
    """Return the address without `bucket` in its path or host name; empty if it has none.

    >>> without_bucket("https://s3.example.com/models", "models")
    'https://s3.example.com'
    >>> without_bucket("https://models.s3.example.com", "models")
    'https://s3.example.com'
    """
    scheme, host, path, *_ = urlsplit(endpoint)
    parts = path.split("/")
    if bucket in parts:
        return f"{scheme}://{host}" + "/".join(parts[: parts.index(bucket)])
    return f"{scheme}://{host.removeprefix(f'{bucket}.')}" if host.startswith(f"{bucket}.") else ""


def has_bucket(endpoint: str, bucket: str) -> bool:
    """Whether an address surely contains `bucket`: in its path, or in a host name of Amazon's."""
    in_path = bucket in urlsplit(endpoint).path.split("/")
    return in_path or (is_amazon(endpoint) and bool(without_bucket(endpoint, bucket)))


def server_alone(endpoint: str) -> str:
    """Return the address without its path."""
    scheme, host, *_ = urlsplit(endpoint)
    return f"{scheme}://{host}"


def with_tls(endpoint: str) -> str:
    """Return an http:// address as https://; empty for any other."""
    return f"https://{endpoint.removeprefix('http://')}" if endpoint.startswith("http://") else ""
