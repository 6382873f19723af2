"""`mvc site --serve`: only for this machine, and always up to date."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness import Begin, Repo
from site_server import served
from versions import promoted

from mvc.ops.lifecycle.site.serve import serving


def asked(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and content of a path as it is."""
    there = urlsplit(address)
    connection = http.client.HTTPConnection(there.hostname or "", there.port or 0, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    for name, text in {"Host": there.netloc, **headers}.items():
        connection.putheader(name, text)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


@pytest.fixture
def repo(begin: Begin) -> Repo:
    return begin(promoted)


def test_a_browser_on_this_machine_gets_pages_of_what_is_there(repo: Repo) -> None:
    (repo.root.parent / "secret.txt").write_text("secret")
    with served(repo) as address:
        assert address.startswith("http://127.0.0.1:")
        status, headers, page = asked(address, "/models/ranker/index.html")
        assert status == 200
        assert "v1.2.0" in page
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert asked(address, "/", method="HEAD")[::2] == (200, "")
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/models/"):
            assert asked(address, path)[0] == 404, path
        assert asked(address, "/index.html", Host="models.evil.example:80")[0] == 403
        assert asked(address, "/index.html", method="POST")[0] == 501
        repo.ok("rollback", "ranker", "prod")
        assert "rollback" in asked(address, "/models/ranker/index.html")[2]
        repo.git("tag", "-d", "ranker@v1.2.0")
        assert asked(address, "/models/ranker/v1.2.0.html")[0] == 404


def test_pages_are_served_while_git_cannot_be_asked(repo: Repo) -> None:
    with served(repo) as address:
        (repo.root / ".git").rename(repo.root / "gone")
        assert asked(address, "/index.html")[0] == 200
        (repo.root / "gone").rename(repo.root / ".git")
        repo.ok("rollback", "ranker", "prod")
        assert "rollback" in asked(address, "/models/ranker/index.html")[2]


def test_a_browser_that_goes_away_is_not_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def goes() -> None:
        raise ConnectionResetError

    with serving(str(tmp_path), 0, goes) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.handle_request)
        with pytest.raises(http.client.RemoteDisconnected):
            asked(f"http://127.0.0.1:{server.server_port}", "/index.html")
    assert capfd.readouterr().err == ""


def test_a_port_that_does_not_exist(repo: Repo) -> None:
    assert "65535" in repo.fails(2, "site", "--serve", "--port", "65536").err


def test_a_port_that_is_taken(repo: Repo) -> None:
    with served(repo) as address:
        port = str(urlsplit(address).port)
        result = repo.fails(3, "site", "--serve", "--port", port)
        assert "--port 0" in result.err
