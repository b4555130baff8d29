"""Toy pictures drawn by code: faces and rooms whose factors are known and can be counted."""

from gan_lessons.data.toys.faces import CORE as FACE_CORE
from gan_lessons.data.toys.faces import FACTORS as FACE_FACTORS
from gan_lessons.data.toys.faces import toy_faces
from gan_lessons.data.toys.rooms import CORE as ROOM_CORE
from gan_lessons.data.toys.rooms import FACTORS as ROOM_FACTORS
from gan_lessons.data.toys.rooms import toy_rooms

__all__ = ["FACE_CORE", "FACE_FACTORS", "ROOM_CORE", "ROOM_FACTORS", "toy_faces", "toy_rooms"]
