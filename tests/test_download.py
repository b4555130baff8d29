"""Downloads from a server on this machine that misbehaves in every way a real one does."""

import errno
import hashlib
import http.server
import multiprocessing
import os
import random
import shutil
import signal as signals
import threading
import time

import pytest

from gan_lessons.data import download as module
from gan_lessons.data.download import DownloadFailed, download

CONTENT = random.Random(0).randbytes(300_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file. `cuts` holds how many bytes each answer sends before the line breaks."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.kind = CONTENT, '"one"', "application/zip"
        self.ranges, self.status, self.cuts, self.asked = True, None, [], []
        self.chunked, self.slow = False, False
        self.url = f"http://127.0.0.1:{self.server_port}/set.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        s, wanted = self.server, self.headers["Range"]
        s.asked.append(wanted)
        status = s.status.pop(0) if isinstance(s.status, list) and s.status else s.status
        if status:
            return self.send_error(status)
        same = self.headers["If-Range"] in (None, s.etag)
        start = int(wanted[6:-1]) if wanted and s.ranges and same else None
        if start is not None and start >= len(s.content):
            return self.send_error(416)
        self.send_response(200 if start is None else 206)
        body = s.content[start or 0:]
        if start is not None:
            self.send_header("Content-Range",
                             f"bytes {start}-{len(s.content) - 1}/{len(s.content)}")
        if s.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", len(body))
        if s.etag:
            self.send_header("ETag", s.etag)
        self.send_header("Content-Type", s.kind)
        self.end_headers()
        self.close_connection = True
        self.send_body(body[:s.cuts.pop(0)] if s.cuts else body)

    def send_body(self, body):
        try:
            for i in range(0, len(body), 1000):
                self.wfile.write(body[i:i + 1000])
                if self.server.slow:
                    time.sleep(0.02)
        except OSError:
            pass  # the other side has gone


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new folder" / "set.zip"


def get(server, target, **options):
    return download(server.url, target, **{"pause": 0.001, "sha256": SUM, **options})


def names(target):
    return sorted(p.name for p in target.parent.iterdir())


def test_a_file_arrives_whole_and_alone(server, target):
    assert get(server, target, size=len(CONTENT)) == target
    assert target.read_bytes() == CONTENT
    assert names(target) == ["set.zip"]


def test_a_cut_line_is_taken_up_where_it_broke(server, target):
    server.cuts = [100_000, 50_000]
    get(server, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on_where_the_first_gave_up(server, target):
    server.cuts = [100_000, 0, 0]
    with pytest.raises(DownloadFailed, match="0.1 MB that came are kept in .*set.zip.part"):
        get(server, target, tries=2)
    assert not target.exists()
    server.cuts.clear()
    get(server, target)
    assert server.asked[-1] == "bytes=100000-"
    assert target.read_bytes() == CONTENT
    assert names(target) == ["set.zip"]


def test_a_server_that_only_sends_the_whole_file_is_followed_from_the_start(server, target):
    server.ranges, server.cuts = False, [100_000]
    get(server, target)
    assert server.asked == [None, "bytes=100000-"]
    assert target.read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_at_the_same_point_is_given_up(server, target):
    server.ranges, server.cuts = False, [1000] * 20
    with pytest.raises(DownloadFailed, match="kept breaking off"):
        get(server, target, tries=3)
    assert len(server.asked) == 3


@pytest.mark.parametrize("honest", [True, False])
def test_a_file_that_changed_on_the_server_is_not_mixed_with_the_old_one(
        server, target, honest, monkeypatch):
    server.cuts = [100_000]
    with pytest.raises(DownloadFailed):
        get(server, target, tries=1)
    server.content, server.etag = CONTENT[::-1], '"two"'
    if not honest:  # a server that does not know If-Range sends the rest of the new file
        monkeypatch.setattr(Handler, "do_GET", ignoring_if_range(Handler.do_GET))
    get(server, target, sha256=None)
    assert target.read_bytes() == CONTENT[::-1]


def ignoring_if_range(do_get):
    def do_get_all_the_same(handler):
        del handler.headers["If-Range"]
        do_get(handler)
    return do_get_all_the_same


def test_a_file_that_shrank_is_fetched_again(server, target):
    server.etag, server.cuts = None, [100_000]
    with pytest.raises(DownloadFailed):
        get(server, target, tries=1)
    server.content = CONTENT[:50_000]
    get(server, target, sha256=None)
    assert target.read_bytes() == CONTENT[:50_000]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 5, "sha256": None}])
def test_a_file_that_is_not_the_right_one_is_not_accepted(server, target, wrong):
    server.chunked = True  # no length is announced, so that only the file itself can tell
    with pytest.raises(DownloadFailed, match=r"没有采用[\s\S]*not accepted"):
        get(server, target, **wrong)
    assert names(target) == ["set.zip.wrong"]
    get(server, target)
    assert server.asked == [None, None]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("offered", [{"content": CONTENT[:1000]}, {"kind": "text/html"}])
def test_something_else_under_the_address_is_refused_and_costs_no_part(server, target, offered):
    server.cuts = [100_000]
    with pytest.raises(DownloadFailed):
        get(server, target, tries=1)
    server.etag = '"two"'
    for name, value in offered.items():
        setattr(server, name, value)
    with pytest.raises(DownloadFailed, match="sends something else"):
        get(server, target, size=len(CONTENT))
    assert (target.parent / "set.zip.part").stat().st_size == 100_000


@pytest.mark.parametrize("code, words", [(404, "no longer there"), (403, "does not allow")])
def test_a_refusal_is_final(server, target, code, words):
    server.status = code
    with pytest.raises(DownloadFailed, match=rf"服务器回答 {code}[\s\S]*answered {code}.*{words}"):
        get(server, target)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server, target, capsys):
    server.status = [503, 429, None]
    get(server, target)
    assert target.read_bytes() == CONTENT
    assert "HTTP 429: 再试 / trying again" in capsys.readouterr().err


def test_without_a_network_the_message_says_so(target):
    with pytest.raises(DownloadFailed, match=r"请检查网络[\s\S]*Nothing was received"):
        download("http://127.0.0.1:9/set.zip", target, tries=2, pause=0.001)


def test_a_disk_that_is_too_small_is_noticed_before(server, target, monkeypatch):
    free = shutil.disk_usage(target.parents[1])._replace(free=module.SPARE + 299_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(DownloadFailed, match=r"空间不够[\s\S]*0.3 MB more are needed"):
        get(server, target)
    assert names(target) == []


def test_a_disk_that_fills_up_half_way_keeps_what_came(server, target, monkeypatch):
    room, write = [2], module._write

    class Full:
        name = "set.zip.part"

        def write(self, chunk):
            raise OSError(errno.ENOSPC, "No space left on device")

    def fill_up(file, chunk):
        room[0] -= 1
        write(file if room[0] > 0 else Full(), chunk)
    monkeypatch.setattr(module, "_write", fill_up)
    with pytest.raises(DownloadFailed, match=r"磁盘已满[\s\S]*the disk is full.*set.zip.part"):
        get(server, target)
    kept = (target.parent / "set.zip.part").stat().st_size
    room[0] = 999
    get(server, target)
    assert kept and server.asked == [None, f"bytes={kept}-"]
    assert target.read_bytes() == CONTENT


def in_another_process(server, target):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("the server's process cannot be forked here")

    def work():
        signals.signal(signals.SIGINT, signals.default_int_handler)  # a background job ignores it
        get(server, target)
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    return child


def test_two_downloads_of_the_same_file_do_not_mix(server, target):
    server.slow = True
    child = in_another_process(server, target)
    while not (target.parent / "set.zip.part").exists():
        assert child.is_alive()
        time.sleep(0.02)
    server.slow = False
    assert get(server, target).read_bytes() == CONTENT
    child.join()
    assert (child.exitcode, len(server.asked)) == (0, 1)
    assert names(target) == ["set.zip"]


@pytest.mark.parametrize("signal", [signals.SIGINT, signals.SIGKILL])
def test_an_interrupted_download_goes_on(server, target, signal):
    server.slow = True  # 6 seconds in all
    child = in_another_process(server, target)
    part = target.parent / "set.zip.part"
    while not (part.exists() and part.stat().st_size):
        assert child.is_alive()
        time.sleep(0.02)
    os.kill(child.pid, signal)
    child.join()
    kept = part.stat().st_size
    server.slow = False
    get(server, target)
    assert server.asked == [None, f"bytes={kept}-"]
    assert target.read_bytes() == CONTENT


def test_a_download_killed_after_its_last_byte_asks_for_nothing(server, target, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(module, "_check", killed)
        with pytest.raises(KeyboardInterrupt):
            get(server, target)
    get(server, target)
    assert len(server.asked) == 1
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("name, content", [("set.zip", b"the learner's"),
                                           ("set.zip.part", b"a browser's")])
def test_what_the_learner_has_is_never_overwritten(server, target, name, content):
    target.parent.mkdir()
    (target.parent / name).write_bytes(content)
    with pytest.raises(FileExistsError, match="move it away"):
        get(server, target, size=len(CONTENT))
    assert names(target) == [name]
    assert (target.parent / name).read_bytes() == content
    assert server.asked == []


def test_a_complete_file_is_not_fetched_again(server, target):
    get(server, target)
    before = os.stat(target).st_mtime_ns
    assert get(server, target, size=len(CONTENT)) == target
    assert os.stat(target).st_mtime_ns == before
    assert len(server.asked) == 1
