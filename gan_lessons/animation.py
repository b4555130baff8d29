"""Moving pictures as files: frames in, the bytes of a GIF or an MP4 out."""

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

from gan_lessons.util import both

COLOURS = 128  # in the palette that all frames of a GIF share
HOLD = 2.0  # seconds that the last frame stays


class CannotEncode(RuntimeError):
    """A film in this format cannot be made on this machine; the message names a way out."""


def gif(frames: list[np.ndarray], fps: float) -> bytes:
    """Return frames, uint8 (H, W, 3) each, as an animated GIF that repeats for ever.

    The clock of a GIF ticks in 1/100 s. Frames that equal the one before make that one last longer.
    """
    images = [PIL.Image.fromarray(frame) for frame in frames]
    sample = frames[::-1][::-(-len(frames) // 8)]  # up to 8 of them, beginning with the last
    palette = PIL.Image.fromarray(np.concatenate([f[::2, ::2] for f in sample])).quantize(COLOURS)
    images = [image.quantize(palette=palette, dither=PIL.Image.Dither.NONE) for image in images]
    duration = max(10 * round(100 / fps), 20)  # browsers slow down what is faster than 50 a second
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], loop=0, optimize=True,
                   duration=[duration] * (len(images) - 1) + [round(1000 * HOLD)])
    return file.getvalue()


def mp4(frames: list[np.ndarray], fps: float) -> bytes:
    """Return frames, uint8 (H, W, 3) each, as an H.264 film, made by the program ffmpeg.

    H.264 wants even sides: an odd one gets a grey line more.
    Raises CannotEncode when ffmpeg is not on PATH or does not succeed.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise CannotEncode(both(
            "做 MP4 需要 ffmpeg，但没有找到这个程序。请先安装它（例如 conda install ffmpeg），"
            "或者把文件名改成以 .gif 结尾：GIF 不需要别的程序。",
            "An MP4 needs the program ffmpeg, and it was not found. Install it (for example conda "
            "install ffmpeg), or end the file name in .gif: a GIF needs no other program."))
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    padded = [np.pad(f, ((0, height - f.shape[0]), (0, width - f.shape[1]), (0, 0)),
                     constant_values=96) for f in frames]
    held = padded + padded[-1:] * round(HOLD * fps)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        command = [program, "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                   "-s", f"{width}x{height}", "-r", str(fps), "-i", "-", "-c:v", "libx264",
                   "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(film)]
        done = subprocess.run(command, input=b"".join(frame.tobytes() for frame in held),
                              capture_output=True)
        if done.returncode or not film.exists():
            reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["?"])[-1]
            raise CannotEncode(both(
                f"ffmpeg 没有做成这段影片：{reason}。请把文件名改成以 .gif 结尾：GIF 不需要它。",
                f"ffmpeg could not make the film: {reason}. End the file name in .gif instead: a "
                "GIF does not need it."))
        return film.read_bytes()
