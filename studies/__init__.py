"""How the lessons' tables were made: each study replays its games and stores what came of them."""
