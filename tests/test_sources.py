"""Folders, archives and databases of pictures, whole, broken and hostile."""

import os
import shutil
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from packing import PACKERS, as_folder, as_tar, as_zip, drawn, encoded, waves

from gan_lessons.data import sources
from gan_lessons.data.decode import each_picture
from gan_lessons.data.sources import BadSource, Zip, open_source, stem

PICTURE = encoded(waves())


# ---- the same pictures, however they are packed ----

@pytest.mark.parametrize("kind", PACKERS)
def test_every_packing_gives_the_same_pictures_in_the_same_order(kind, tmp_path):
    files = drawn()
    expected = [(stem(name), files[name]) for name in sorted(files, key=stem)]
    source = open_source(PACKERS[kind](tmp_path / "set", files))
    assert [(stem(name), source.read(name)) for name in source.names] == expected
    assert len(source) == 12 and source.ignored == []


@pytest.mark.parametrize("kind", PACKERS)
def test_many_threads_can_read_at_once(kind, tmp_path):
    files = drawn(60)
    source = open_source(PACKERS[kind](tmp_path / "set", files))
    names = source.names * 20
    with source.reader() as read, ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(read, names))
    assert seen == [files[name] for name in sorted(files, key=stem)] * 20


@pytest.mark.parametrize("kind", PACKERS)
def test_nothing_is_written_where_the_pictures_lie(kind, tmp_path):
    path = PACKERS[kind](tmp_path / "set", drawn())
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    source = open_source(path)
    assert source.fingerprint() and all(source.read(name) for name in source.names)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_an_archive_is_known_by_its_bytes_and_not_by_its_name(tmp_path):
    path = as_zip(tmp_path / "faces.tar", drawn())
    assert open_source(path).kind == "zip"


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_a_tar_archive_comes_with_the_command_that_unpacks_it(packing, tmp_path):
    path = as_tar(tmp_path / "my rooms", drawn(), packing)
    with pytest.raises(BadSource, match="has to be unpacked first") as error:
        open_source(path)
    assert str(error.value).count(f'tar xf "{path}" -C "{tmp_path}"') == 2  # zh and en
    assert "要先解压" in str(error.value)


def test_what_is_no_picture_is_left_out(tmp_path):
    path = as_folder(tmp_path / "set", {"a.jpg": b"1", "list.csv": b"", ".hidden.jpg": b"",
                                        "__MACOSX/._a.jpg": b"", ".cache/b.jpg": b""})
    assert open_source(path).names == ["a.jpg"]


# ---- files that are no known pictures ----

JPEG, HEIC = encoded(waves(), "JPEG"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
PHONE = {"DCIM/1.heic": HEIC, "DCIM/2.HEIC": HEIC, "3.jpg_large": JPEG, "4.JPG ": JPEG,
         "DCIM/5": JPEG, "6.pjpeg": JPEG, "7.jpg": JPEG, "LICENSE": b"a text", "8.jpg~": JPEG,
         "9.jpg_original": JPEG, "film.mp4": b"", "list.csv": b"", ".DS_Store": b""}
TAKEN = ["3.jpg_large", "4.JPG ", "5", "6.pjpeg", "7.jpg"]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_pictures_are_known_by_any_ending_and_the_rest_is_counted(kind, tmp_path):
    source = open_source(PACKERS[kind](tmp_path / "set", PHONE))
    assert [name.rpartition("/")[2] for name in source.names] == TAKEN
    assert [stem(name) for name in source.names] == ["3", "4", "5", "6", "7"]
    assert {source.read(name) for name in source.names} == {JPEG}
    zh, en = source.about_left_out().splitlines()
    assert zh.startswith(f"{source.path}：没有读取：2 个 .heic，1 个没有后缀的，"
                         "1 个 .jpg_original，1 个 .jpg~，1 个 .mp4。")
    assert en.startswith(f"{source.path}: left out: 2 .heic, 1 without an ending, "
                         "1 .jpg_original, 1 .jpg~, 1 .mp4.")
    assert "要先转成 JPEG" in zh and "have to be converted to JPEG" in en


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_what_is_left_out_is_counted_once(kind, tmp_path):
    path = PACKERS[kind](tmp_path / "set", PHONE)
    before, after = open_source(path), open_source(path)
    chosen = [before.only(lambda names: names[:1], "one")]  # before the names are known
    assert len(after) == 5
    chosen += [after.only(lambda names: names[:1], "one")]  # and then
    for source in (*chosen, chosen[1].only(lambda names: names, "all"), before):
        assert source.names and source.left_out[".heic"] == 2 and source.left_out[""] == 1


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_set_of_heic_alone_says_what_to_do(kind, tmp_path):
    path = PACKERS[kind](tmp_path / "set", {f"{i}.heic": HEIC for i in range(500)})
    with pytest.raises(BadSource, match="left out: 500 .heic. HEIC, .* converted") as error:
        print(open_source(path).names)
    assert "没有读取：500 个 .heic。HEIC、" in str(error.value)


def test_nothing_is_said_where_nothing_is_left_out(tmp_path):
    for kind in PACKERS:
        assert open_source(PACKERS[kind](tmp_path / kind, drawn(3))).about_left_out() == ""
    with_notes = as_folder(tmp_path / "notes", {"a.jpg": JPEG, "Thumbs.db": b"", "readme.md": b""})
    assert open_source(with_notes).about_left_out() == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    as_folder(tmp_path, {"a.jpg": JPEG})
    os.mkfifo(tmp_path / "pipe")
    source = open_source(tmp_path)
    assert source.names == ["a.jpg"] and source.left_out == {"": 1}


def test_a_file_that_cannot_be_opened_is_left_out(tmp_path):
    (as_folder(tmp_path, {"a.jpg": JPEG}) / "gone").symlink_to(tmp_path / "nothing")
    source = open_source(tmp_path)
    assert source.names == ["a.jpg"] and source.left_out == {"": 1}


# ---- names ----

def test_equal_names_in_different_folders_are_different_pictures(tmp_path):
    files = {"b/1.png": b"b1", "a/1.png": b"a1", "a/2.png": b"a2"}
    for kind in ("folder", "zip"):
        source = open_source(PACKERS[kind](tmp_path / kind, files))
        assert [source.read(name) for name in source.names] == [b"a1", b"b1", b"a2"]


def test_names_that_differ_only_by_case_do_not_collide_in_an_archive(tmp_path):
    source = open_source(as_zip(tmp_path / "set.zip", {"Cat.png": b"big", "cat.png": b"small"}))
    assert [source.read(name) for name in source.names] == [b"big", b"small"]


@pytest.mark.parametrize("kind", PACKERS)
def test_names_may_be_in_any_script_and_long(kind, tmp_path):
    files = {"照片/人脸 🙂.png": b"1", f"深/{'长' * 80}.png": b"2", "e\u0301.png": b"3"}
    source = open_source(PACKERS[kind](tmp_path / "图片", files))
    assert {source.read(name) for name in source.names} == {b"1", b"2", b"3"}


def test_names_that_are_no_text_can_be_read_and_printed(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    try:
        (tmp_path / name).write_bytes(b"1")
    except OSError:
        pytest.skip("this file system only takes text")
    source = open_source(tmp_path)
    assert source.read(source.names[0]) == b"1"
    assert source.fingerprint()
    sources.printable(source.names[0]).encode("utf-8")


# ---- hostile archives ----

def hostile_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../up.png", "/abs.png", "a/../../up.png", "C:/win.png", "..\\up.png",
                     "good.png"):
            archive.writestr(name, PICTURE)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return path, 6


def test_members_that_lead_out_and_links_are_ignored_and_named(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    path, bad = hostile_zip(inner / "set")
    source = open_source(path)
    assert source.names == ["good.png"] and source.read("good.png") == PICTURE
    assert len(source.ignored) == bad
    assert all(why for _, why in source.ignored)
    assert sorted(tmp_path.rglob("*")) == [inner, path]


def test_a_member_that_unpacks_to_far_too_much_is_not_read(tmp_path, monkeypatch):
    path = as_zip(tmp_path / "set.zip", {"bomb.png": bytes(5000)})
    monkeypatch.setattr("gan_lessons.data.sources.MOST_FILE_BYTES", 4999)
    with pytest.raises(BadSource, match="5,000 bytes; that is no picture"):
        open_source(path).read("top/bomb.png")


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_an_archive_cut_short_is_an_error_that_names_it(share, tmp_path):
    path = as_zip(tmp_path / "set", drawn(40))
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])
    with pytest.raises(BadSource, match="Incomplete or damaged archive.*set.*download it again"):
        print(open_source(path).names)


def test_a_database_cut_short_is_an_error_and_no_crash(tmp_path):
    path = PACKERS["lmdb"](tmp_path / "set", drawn(40)) / "data.mdb"
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)
    with pytest.raises(BadSource, match="Incomplete or damaged archive: .*data.mdb"):
        print(open_source(tmp_path / "set").names)


def test_a_web_page_saved_as_an_archive_is_called_one(tmp_path):
    path = tmp_path / "img_align_celeba.zip"
    path.write_bytes(b"\n<!DOCTYPE html><html>Quota exceeded</html>")
    with pytest.raises(BadSource, match="is a web page and no archive"):
        open_source(path)


def test_a_zipped_database_is_to_be_unpacked_first(tmp_path):
    path = as_zip(tmp_path / "bedroom_train_lmdb.zip", {"data.mdb": b"", "lock.mdb": b""})
    with pytest.raises(BadSource, match="holds an LSUN database. Unpack it"):
        print(open_source(path).names)


@pytest.mark.parametrize("content", [b"", b"some text", PICTURE])
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    path = tmp_path / "thing.zip"
    path.write_bytes(content)
    with pytest.raises(BadSource, match="is of no known kind"):
        open_source(path)


# ---- folders ----

def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no such file or folder: .*gone"):
        open_source(tmp_path / "gone")


def test_an_empty_folder_and_one_without_pictures(tmp_path):
    for files in ({}, {"a/readme.txt": b""}):
        with pytest.raises(BadSource, match="No pictures were found in"):
            print(open_source(as_folder(tmp_path / "set", files)).names)


def test_a_folder_that_cannot_be_opened_is_named_and_the_others_are_read(tmp_path, monkeypatch):
    as_folder(tmp_path, {"open/a.png": b"1", "shut/b.png": b"2"})

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)
    real = os.scandir
    monkeypatch.setattr(sources.os, "scandir", scandir)
    source = open_source(tmp_path)
    assert source.names == ["open/a.png"]
    assert source.ignored == [("shut/", "打不开 / cannot be opened: Permission denied")]
    with pytest.raises(BadSource, match="shut cannot be opened: Permission denied"):
        print(open_source(tmp_path / "shut").names)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_are_followed_but_not_in_circles(tmp_path):
    as_folder(tmp_path / "elsewhere", {"b.png": b"2"})
    as_folder(tmp_path / "set", {"a.png": b"1"})
    for name, target in (("far", tmp_path / "elsewhere"), ("round", tmp_path / "set"),
                         ("gone.png", tmp_path / "nothing")):
        (tmp_path / "set" / name).symlink_to(target)
    source = open_source(tmp_path / "set")
    assert source.names == ["a.png", "far/b.png", "gone.png"]
    *_, gone = each_picture(source, lambda raw: raw, progress=False)
    assert source.fingerprint() and "cannot be read: [Errno 2] No such file" in str(gone)


# ---- fingerprints ----

@pytest.mark.parametrize("kind", PACKERS)
def test_the_fingerprint_stays_as_long_as_nothing_changes(kind, tmp_path):
    path = PACKERS[kind](tmp_path / "set", drawn())
    assert open_source(path).fingerprint() == open_source(path).fingerprint()


def test_a_change_in_a_folder_changes_the_fingerprint(tmp_path):
    as_folder(tmp_path, {"a.png": b"1", "b/c.png": b"2"})
    seen = [open_source(tmp_path).fingerprint()]

    def note():
        seen.append(open_source(tmp_path).fingerprint())
    (tmp_path / "d.png").write_bytes(b"3")
    note()
    (tmp_path / "a.png").unlink()
    note()
    (tmp_path / "b" / "c.png").write_bytes(b"22")
    note()
    os.utime(tmp_path / "b" / "c.png", ns=(1, 1))
    note()
    assert len(set(seen)) == 5


def test_in_a_large_folder_only_the_names_are_asked_for(tmp_path, monkeypatch):
    as_folder(tmp_path, {"a.png": b"1", "b/c.png": b"2"})
    monkeypatch.setattr(sources, "MANY", 1)
    before = open_source(tmp_path).fingerprint()
    os.utime(tmp_path / "a.png", ns=(1, 1))
    assert open_source(tmp_path).fingerprint() == before
    (tmp_path / "b" / "d.png").write_bytes(b"3")
    assert open_source(tmp_path).fingerprint() != before


def test_a_new_archive_of_the_same_name_changes_the_fingerprint(tmp_path):
    path = as_zip(tmp_path / "set.zip", drawn(3))
    before = open_source(path).fingerprint()
    shutil.copy(as_zip(tmp_path / "other.zip", drawn(4)), path)
    assert Zip(path).fingerprint() != before
